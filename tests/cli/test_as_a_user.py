"""What a user meets when the world around a command is not as it should be: one line and an exit code."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml

from ambivox.models import MODELS
from ambivox.run import Run
from tests.cli.conftest import Cli
from tests.models.hf.checkpoints import FAMILIES
from tests.run.toy import ToyModel, write_corpus

HOSTILE = "[red]a[bold] \x1b[31mb\u202egnp"
SHOWN = r"[red]a[bold] \x1b[31mb\u202egnp"


@pytest.fixture
def ambivox(monkeypatch: pytest.MonkeyPatch, call_cli: Cli, tmp_path: Path) -> Cli:
    """Run a command in a folder with a corpus, a clip and the model ``toy``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(MODELS._items, "toy", lambda _, **options: ToyModel(**options))
    monkeypatch.setenv("COLUMNS", "200")
    write_corpus(tmp_path / "clips")
    soundfile.write(tmp_path / "voice.wav", np.random.default_rng(0).normal(0, 0.1, 8_000), 16_000)
    return call_cli


def write_study(name: str = "s.yaml", **changes: Any) -> str:
    corpus = {"name": "manifest", "path": "clips/manifest.csv"}
    given = {
        "corpora": [corpus],
        "models": ["toy"],
        "prompts": ["word"],
        "controls": ["clip"],
        "shard_size": 4,
    } | changes
    Path(name).write_text(yaml.safe_dump(given), encoding="utf-8")
    return name


def is_one_line(err: str) -> bool:
    return err.startswith("error: ") and err.count("\n") == 1 and len(err) > 15


def shell(*arguments: str, cwd: Path, code: int, **given: Any) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    environment = os.environ | given.pop("env", {})
    done = subprocess.run(
        [sys.executable, "-m", "ambivox", *arguments],
        cwd=cwd,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
        **given,
    )
    assert done.returncode == code, done.stderr
    return done


# Options and studies


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"device": "xpu"}, "device 'xpu': not there, or this torch is built without it; give cpu"),
        ({"device": "cud"}, "unknown device 'cud': give cpu, cuda"),
        ({"device": 3}, "option device: input should be a valid string, not 3"),
        ({"dtype": "float3"}, "unknown dtype 'float3'"),
        ({"dtype": ["float32"]}, "option dtype: input should be a valid string"),
        ({"batch_size": "x"}, "option batch_size: input should be a valid integer, not 'x'"),
        ({"batch_size": -1}, "option batch_size: input should be greater than or equal to 1, not -1"),
        ({"trust_remote_code": "yes"}, "option trust_remote_code: input should be a valid boolean"),
        ({"devise": "cpu"}, "unknown option 'devise': did you mean 'device'"),
    ],
)
def test_a_wrong_option_of_a_model_is_named(ambivox: Cli, options: dict[str, Any], said: str) -> None:
    code, out, err = ambivox("run", write_study(models=[{"name": "mini", "options": options}]), "-o", "out")
    assert (code, out) == (2, "")
    assert is_one_line(err)
    assert said in err


def test_cuda_where_there_is_none_is_one_line(ambivox: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, device: Any = None, **__: Any) -> Any:
        raise AssertionError("Torch not compiled with CUDA enabled")

    monkeypatch.setattr("torch.zeros", missing)
    study = write_study(models=[{"name": "mini", "options": {"device": "cuda"}}])
    code, _, err = ambivox("run", study, "-o", "out")
    assert (code, is_one_line(err)) == (2, True)
    assert "device 'cuda': not there, or this torch is built without it; give cpu" in err


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"corpora": 3}, "corpora: input should be a valid tuple"),
        ({"order_seeds": [-1]}, "order_seeds: -1 is not between 0 and"),
        ({"order_seeds": [2**80]}, "is not between 0 and"),
        ({"prompts": ["word", "word"]}, "prompts: 'word' is given twice"),
        ({"order_seeds": [1, 1]}, "order_seeds: 1 is given twice"),
        ({"seed": -1}, "seed: input should be greater than or equal to 0"),
        ({"corpora": [{"name": "manifest", "path": "a\0b"}]}, r"a\x00b: no such file or folder"),
        ({"corpora": [{"name": "manifest", "path": "x" * 5000}]}, "no such file or folder"),
        ({"corpora": [{"name": "manifest", "path": "nothing.csv"}]}, "nothing.csv: no such file"),
    ],
)
def test_a_wrong_study_is_told_before_anything_is_asked(
    ambivox: Cli, changes: dict[str, Any], said: str
) -> None:
    code, _, err = ambivox("run", write_study(**changes), "-o", "out")
    assert (code, is_one_line(err)) == (2, True)
    assert said in err
    assert not Path("out").exists()


def test_half_a_character_in_a_study_is_one_line(ambivox: Cli) -> None:
    Path("s.yaml").write_text('corpora: [{name: manifest, path: "\\ud800.csv"}]\n', encoding="utf-8")
    code, _, err = ambivox("run", "s.yaml")
    assert (code, is_one_line(err)) == (2, True)


def test_paths_in_a_study_start_at_its_folder_and_the_record_keeps_the_resolved_name(
    ambivox: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("studies/model").mkdir(parents=True)
    Path("elsewhere/model").mkdir(parents=True)
    FAMILIES["qwen2_audio"](Path("studies/model"))
    Path("studies/mine.yaml").write_text(
        "version: 1\nformat: word\nmax_new_tokens: 2\ntext: 'One of {{ options | join(\", \") }}?'\n"
    )
    corpus = {"name": "manifest", "path": "../clips/manifest.csv", "limit": 1}
    study = Path(
        write_study("studies/s.yaml", corpora=[corpus], models=["./model"], prompts=["mine.yaml"])
    ).resolve()
    monkeypatch.chdir("elsewhere")
    code, _, err = ambivox("run", str(study), "-o", "out")
    assert code == 0, err
    (record,) = Run("out").records()
    assert record.asked.model.name == str(study.parent / "model")
    assert Path(record.asked.clip.path).resolve() == study.parents[1] / "clips" / "clip0.wav"
    assert record.asked.prompt.name == "mine"


# Exit codes


def test_some_failed_requests_end_with_code_4(ambivox: Cli) -> None:
    study = write_study(models=[{"name": "toy", "options": {"fails_on": ["clip1.wav"]}}])
    code, out, err = ambivox("run", study, "-o", "out")
    assert (code, out) == (4, "")
    assert "6 records in out (0 were there, 1 failed)" in err
    assert "error: 1 of 6 requests failed, the first one with: " in err
    assert ambivox("score", "out")[0] == 0


def test_an_unfinished_run_ends_with_code_3_and_partial_goes_on(ambivox: Cli) -> None:
    ambivox("run", write_study(), "-o", "out")
    (Path("out") / "records" / "00-000001.parquet").unlink()
    for command in ("score", "claims", "report"):
        code, out, err = ambivox(command, "out")
        assert (code, out, is_one_line(err)) == (3, "", True)
        assert "4 of 6 requests are recorded" in err
        code, _, err = ambivox(command, "out", "--partial")
        assert code == 0
        assert "warning: out: unfinished: 4 of 6 requests are recorded" in err


# What is there in place of a file


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe.csv")
    return tmp_path / "pipe.csv"


def test_pipes_and_devices_are_no_manifests(ambivox: Cli, pipe: Path, tmp_path: Path) -> None:
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    for path in (str(pipe), "zero.csv", "/dev/zero"):
        for command in (("corpora", "check", path), ("corpora", "inspect", path, "--corpus", "manifest")):
            code, _, err = ambivox(*command)
            assert (code, is_one_line(err)) == (2, True)
        code, _, err = ambivox("run", write_study(corpora=[{"name": "manifest", "path": path}]))
        assert (code, is_one_line(err)) == (2, True)


def test_pipes_and_devices_are_no_clips(ambivox: Cli, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "zero.wav").symlink_to("/dev/zero")
    for path in ("pipe.wav", "zero.wav", "/dev/zero"):
        code, _, err = ambivox("read", path, "-m", "toy")
        assert (code, is_one_line(err)) == (1, True)
        assert path in err


@pytest.mark.parametrize("name", ["pipe.html", "pipe.csv"])
def test_an_output_never_takes_the_place_of_a_pipe_or_a_device(
    ambivox: Cli, tmp_path: Path, name: str
) -> None:
    ambivox("run", write_study(), "-o", "out")
    os.mkfifo(tmp_path / name)
    (tmp_path / "null.html").symlink_to("/dev/null")
    commands = {
        "pipe.html": (("report", "out"), ("corpora", "inspect", "clips/manifest.csv")),
        "pipe.csv": (("corpora", "inspect", "clips/manifest.csv"), ("corpora", "template", "votes")),
    }
    for command in commands[name]:
        for path in (name, *["null.html"] * name.endswith("html")):
            code, _, err = ambivox(*command, "-o", path)
            assert (code, is_one_line(err)) == (2, True)
    assert (tmp_path / name).is_fifo()
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("place", ["voice.wav/x", "/proc/x", "x" * 300])
def test_a_place_that_cannot_be_written_is_one_line(ambivox: Cli, place: str) -> None:
    ambivox("run", write_study(), "-o", "out")
    for command in (
        ("run", "s.yaml", "-o", place),
        ("report", "out", "-o", f"{place}.html"),
        ("report", "out", "-o", f"{place}/r.html"),
        ("corpora", "inspect", "clips/manifest.csv", "-o", f"{place}.csv"),
        ("corpora", "inspect", "clips/manifest.csv", "-o", f"{place}.html"),
        ("corpora", "template", "votes", "-o", f"{place}.csv"),
    ):
        code, out, err = ambivox(*command)
        assert (code, out, is_one_line(err)) == (1, "", True), (command, err)


def test_a_folder_that_turned_read_only_is_one_line(ambivox: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    ambivox("run", write_study(), "-o", "out")
    before = {path: path.read_bytes() for path in Path("out").rglob("*") if path.is_file()}

    def read_only(path: Path, *_: Any, **__: Any) -> Any:
        raise OSError(errno.EROFS, "Read-only file system", str(path))

    for name in ("write_text", "replace", "mkdir"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, name, read_only)
            for command in (("run", "s.yaml", "-o", "out"), ("report", "out", "-o", "out/r.html")):
                code, _, err = ambivox(*command)
                assert (code, is_one_line(err)) == (1, True), (name, err)
                assert "Read-only file system" in err
    assert {path: path.read_bytes() for path in before} == before


def test_a_page_never_takes_the_place_of_a_clip_or_a_manifest(ambivox: Cli) -> None:
    ambivox("run", write_study(), "-o", "out")
    before = Path("clips/manifest.csv").read_bytes()
    code, _, err = ambivox("report", "out", "-o", "clips/manifest.csv")
    assert (code, is_one_line(err)) == (2, True)
    assert "end the name of the page in .html" in err
    assert Path("clips/manifest.csv").read_bytes() == before


# Broken parts of a run and of a model


@pytest.mark.parametrize("name", ["study.yaml", "environment.json", "manifest.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 600, None])
def test_a_broken_part_of_a_run_is_one_line_for_every_command(
    ambivox: Cli, name: str, content: bytes | None
) -> None:
    ambivox("run", write_study(), "-o", "out")
    path = Path("out") / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    for command in (("score", "out"), ("claims", "out"), ("report", "out"), ("run", "s.yaml", "-o", "out")):
        code, _, err = ambivox(*command)
        assert "Traceback" not in err
        assert code in (0, 1, 2)
        assert code == 0 or is_one_line(err), err


def broken_models(folder: Path) -> Iterator[str]:
    weights = (folder / "model.safetensors").read_bytes()
    config = (folder / "config.json").read_bytes()
    for name, content, good in (
        ("model.safetensors", b"", weights),
        ("model.safetensors", weights[: len(weights) // 2], weights),
        ("model.safetensors", b"\xff" * 100, weights),
        ("config.json", b"", config),
        ("config.json", b"[]", config),
        ("config.json", b'{"model_type": 3}', config),
        ("config.json", b'{"model_type": "nope"}', config),
        ("config.json", b"[" * 100_000, config),
    ):
        (folder / name).write_bytes(content)
        yield f"{name}: {content[:20]!r}"
        (folder / name).write_bytes(good)


def test_check_of_a_broken_model_is_one_line(ambivox: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    Path("model").mkdir()
    FAMILIES["qwen2_audio"](Path("model"))
    capsys.readouterr()  # of saving
    for what in broken_models(Path("model")):
        code, out, err = ambivox("check", "./model")
        assert (code, out, is_one_line(err)) == (1, "", True), (what, err)


def test_check_of_a_model_that_reads_text_only_is_one_line(
    ambivox: Cli, capsys: pytest.CaptureFixture[str]
) -> None:
    import transformers

    config = transformers.GPT2Config(n_layer=1, n_head=1, n_embd=8, vocab_size=16)
    transformers.GPT2LMHeadModel(config).save_pretrained("model")
    capsys.readouterr()  # of saving
    code, out, err = ambivox("check", "./model")
    assert (code, out, is_one_line(err)) == (2, "", True), err


# Names


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS takes no such names")
def test_names_that_are_no_utf_8_are_read_and_shown(ambivox: Cli, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.wav")
    (tmp_path / name).write_bytes((tmp_path / "voice.wav").read_bytes())
    code, out, err = ambivox("read", name, "-m", "toy")
    assert (code, err) == (0, "")
    assert r"caf\udce9.wav" in out
    code, out, err = ambivox("read", name, "-m", "toy", "--json")
    assert json.loads(out)["clip"] == name
    code, _, err = ambivox("read", os.fsdecode(b"no\xe9.wav"), "-m", "toy")
    assert (code, is_one_line(err)) == (1, True)
    assert r"no\udce9.wav" in err


def test_names_that_are_too_long_are_one_line(ambivox: Cli) -> None:
    name = "x" * 5000
    for command in (
        ("read", f"{name}.wav", "-m", "toy"),
        ("run", f"{name}.yaml"),
        ("score", name),
        ("report", name),
        ("corpora", "check", f"{name}.csv"),
        ("check", f"./{name}"),
        ("read", "voice.wav", "-m", "toy", "-p", f"{name}.yaml"),
        ("read", "voice.wav", "-m", "toy", "-e", f"{name}.yaml"),
        ("finetune", f"{name}.yaml"),
    ):
        code, _, err = ambivox(*command)
        assert (code in (1, 2), is_one_line(err)) == (True, True), (command[0], code, err[-80:])


def test_names_that_would_steer_the_terminal_are_shown_escaped_by_every_command(
    ambivox: Cli, tmp_path: Path
) -> None:
    folder = tmp_path / HOSTILE
    (tmp_path / "clips").rename(folder)
    (folder / "clip0.wav").rename(folder / f"{HOSTILE}.wav")
    text = (folder / "manifest.csv").read_text("utf-8")
    (folder / "manifest.csv").write_text(text.replace("clip0.wav", f"{HOSTILE}.wav"), "utf-8")
    corpus = {
        "name": "manifest", "path": f"{HOSTILE}/manifest.csv", "options": {"name": HOSTILE},
    }  # fmt: skip
    Path("s.yaml").write_text(
        json.dumps(
            {
                "corpora": [corpus],
                "models": ["toy"],
                "prompts": ["word"],
                "controls": ["clip"],
                "shard_size": 4,
            }
        ),
        "utf-8",
    )
    shown = []
    for command in (
        ("read", f"{HOSTILE}/{HOSTILE}.wav", "-m", "toy"),
        ("read", f"{HOSTILE}/gone{HOSTILE}.wav", "-m", "toy"),
        ("read", f"{HOSTILE}/{HOSTILE}.wav", "-m", f"a{HOSTILE}"),
        ("run", "s.yaml", "-o", f"out{HOSTILE}"),
        ("score", f"out{HOSTILE}"),
        ("claims", f"out{HOSTILE}"),
        ("report", f"out{HOSTILE}"),
        ("corpora", "inspect", f"{HOSTILE}/manifest.csv", "--option", f"name={HOSTILE}"),
        ("corpora", "check", f"{HOSTILE}/gone.csv"),
        ("score", f"gone{HOSTILE}"),
        ("run", f"gone{HOSTILE}.yaml"),
        ("finetune", f"gone{HOSTILE}.yaml"),
        ("check", f"gone{HOSTILE}"),
    ):
        _, out, err = ambivox(*command)
        assert "Traceback" not in err, err
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out + err), (command, out + err)
        shown.append(SHOWN in out + err)
    assert all(shown), shown


# The streams


def test_an_output_that_takes_ascii_only_gets_escapes_and_look_alikes(ambivox: Cli, tmp_path: Path) -> None:
    name = "stimme-ü.wav"
    (tmp_path / "voice.wav").rename(tmp_path / name)
    arguments = ("read", name, "-m", "listener")
    environment = {"PYTHONIOENCODING": "ascii"}
    done = shell(*arguments, cwd=tmp_path, code=0, stdout=subprocess.PIPE, env=environment)
    assert r"stimme-\xfc.wav" in done.stdout
    assert "##" in done.stdout
    assert done.stderr == ""
    done = shell(*arguments, "--json", cwd=tmp_path, code=0, stdout=subprocess.PIPE, env=environment)
    assert json.loads(done.stdout)["clip"] == name
    environment = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = shell(*arguments, cwd=tmp_path, code=0, stdout=subprocess.PIPE, env=environment)
    assert "##" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("arguments", [("models",), ("models", "--json"), ("--version",), ("run", "-h")])
def test_a_full_output_is_one_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = shell(*arguments, cwd=tmp_path, code=1, stdout=full)
    assert done.stderr == "error: the output: No space left on device\n"


def test_a_closed_output_is_no_error(tmp_path: Path) -> None:
    command = f"{sys.executable} -m ambivox"
    for line, code in ((f"{command} models >&-", 0), (f"{command} nothing 2>&-", 2)):
        done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


# Ctrl-C


def interrupted(process: "subprocess.Popen[str]", times: int = 1) -> str:
    """What a command says that is interrupted, and it ends soon."""
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    try:
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 1
    assert "Traceback" not in err
    return err


def _hear_ctrl_c() -> None:
    """What is started in the background ignores Ctrl-C, and so would the program under test."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def started(tmp_path: Path, code: str) -> "subprocess.Popen[str]":
    """A command line whose start is slowed down by some code; it has said that it is there."""
    program = f"import sys\n{code}\nsys.argv[0] = 'ambivox'\nfrom ambivox.__main__ import main\nmain()\n"
    process = subprocess.Popen(
        [sys.executable, "-c", program, "models"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_ctrl_c,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    return process


SLOW_IMPORT = """
import time
class Slow:
    def find_spec(self, name, *_):
        if name == "rich.console":
            print("here", flush=True)
            time.sleep(60)
sys.meta_path.insert(0, Slow())
"""

SLOW_COMMAND = """
import time, ambivox.models
def names(self):
    try:
        print("here", flush=True)
        time.sleep(60)
    finally:
        {then}
type(ambivox.models.MODELS).__iter__ = names
"""


def test_ctrl_c_while_the_program_loads_is_one_line(tmp_path: Path) -> None:
    assert interrupted(started(tmp_path, SLOW_IMPORT)) == "error: interrupted\n"


def test_ctrl_c_in_a_command_is_one_line(tmp_path: Path) -> None:
    assert interrupted(started(tmp_path, SLOW_COMMAND.format(then="pass"))) == "error: interrupted\n"


def test_ctrl_c_that_an_import_turns_into_another_error_is_one_line(tmp_path: Path) -> None:
    code = SLOW_COMMAND.format(then="raise ImportError('numpy is broken')")
    assert interrupted(started(tmp_path, code)) == "error: interrupted\n"


def test_a_second_ctrl_c_ends_at_once_with_one_line(tmp_path: Path) -> None:
    began_s = time.monotonic()
    err = interrupted(started(tmp_path, SLOW_COMMAND.format(then="time.sleep(60)")), times=2)
    assert err == "error: interrupted\n"
    assert time.monotonic() - began_s < 50
