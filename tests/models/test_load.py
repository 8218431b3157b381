"""Models by name, and what is said when a name is wrong."""

import subprocess
import sys

import pytest

from ambivox.errors import UsageError
from ambivox.models import load_model


def test_importing_models_does_not_import_torch() -> None:
    code = "import sys, ambivox.models; sys.exit(any(m in sys.modules for m in ('torch', 'transformers')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_short_name_near_a_known_one_is_suggested() -> None:
    with pytest.raises(UsageError, match="did you mean 'mini'"):
        load_model("mimi")
    with pytest.raises(UsageError, match="did you mean 'Qwen/Qwen2-Audio-7B-Instruct'"):
        load_model("qwen2-audio")
    with pytest.raises(UsageError, match="did you mean 'transformers'"):
        load_model("transfomers:Qwen/Qwen2-Audio-7B-Instruct")


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(UsageError, match="btach_size"):
        load_model("Qwen/Qwen2-Audio-7B-Instruct", btach_size=4)
