"""Models by name, and what is said when a name is wrong."""

import os
import subprocess
import sys

import pytest

from ambivox.errors import UsageError
from ambivox.models import load_model
from ambivox.models.hf.checkpoint_files import hub_answers


def test_importing_models_does_not_import_torch() -> None:
    code = "import sys, ambivox.models; sys.exit(any(m in sys.modules for m in ('torch', 'transformers')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_hub_name_is_refused_while_offline_before_torch_is_imported() -> None:
    code = (
        "import sys, ambivox\n"
        "try: ambivox.load_model('no-such-org/no-such-model')\n"
        "except ambivox.AmbivoxError as error: print(error)\n"
        "print([name for name in ('torch', 'transformers') if name in sys.modules])"
    )
    offline = os.environ | {"HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=offline, stdout=subprocess.PIPE, text=True, check=True
    )
    said, imported = done.stdout.splitlines()
    assert said.startswith("no-such-org/no-such-model: the hub cannot be reached")
    assert imported == "[]"


@pytest.mark.parametrize(("status", "answers"), [(404, None), (503, False)])
def test_a_hub_that_fails_is_as_good_as_none_and_one_that_knows_no_such_model_is_believed(
    monkeypatch: pytest.MonkeyPatch, status: int, answers: bool | None
) -> None:
    from huggingface_hub.errors import HfHubHTTPError

    class Response:
        status_code, headers, request = status, {}, None

    def fails(*_: object, **__: object) -> None:
        raise HfHubHTTPError("no", response=Response())  # type: ignore[arg-type]

    monkeypatch.setattr("huggingface_hub.get_hf_file_metadata", fails)
    if answers is None:
        with pytest.raises(HfHubHTTPError):
            hub_answers("org/name", None)
    else:
        assert hub_answers("org/name", None) is answers


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
