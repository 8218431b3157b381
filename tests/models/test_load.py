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
    with pytest.raises(UsageError, match="unknown option 'btach_size': did you mean 'batch_size'"):
        load_model("Qwen/Qwen2-Audio-7B-Instruct", btach_size=4)
    with pytest.raises(UsageError, match="unknown option 'defaness': did you mean 'deafness'"):
        load_model("listener", defaness=0.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"deafness": "much"}, "option deafness: input should be a valid number.* not 'much'"),
        ({"prior": 3}, "option prior: input should be a valid tuple"),
        ({"seed": -1}, "seed: -1 is below 0"),
    ],
)
def test_an_option_of_the_listener_of_a_wrong_type_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load_model("listener", **options)
