"""The families that can be built where the tests run: all of them in the environment of `make families`."""

from importlib.util import find_spec

from tests.models.hf import checkpoints
from tests.models.hf.more_checkpoints import MORE_FAMILIES

WHOLE = find_spec("torchvision") is not None and find_spec("torchaudio") is not None

FAMILIES = checkpoints.FAMILIES | (MORE_FAMILIES if WHOLE else {})

WITHOUT_PROCESSOR = {} if WHOLE else checkpoints.WITHOUT_PROCESSOR

UNSHARED = ("phi_4_multimodal",)
"""Families that want token ids beside embeddings: a warning says that each prompt pays for its whole clip."""
