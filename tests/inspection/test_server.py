"""`ambivox check URL`: a sound server passes, and each kind of server that deceives is found out."""

import json
from typing import Any

import numpy as np
import pytest

from ambivox.inspection.server import ServerCheck, as_mp3, check_server
from ambivox.models import load_model
from ambivox.models.check import Check, speech_like
from ambivox.models.openai.adapter import ServerModel
from tests.cli.conftest import Cli, call_cli
from tests.models.openai.scripted import Scripted, served

pytestmark = pytest.mark.slow

__all__ = ["call_cli"]

CLIPS = [speech_like(0.3, seed) for seed in range(3)]


def checked(script: Scripted, **options: Any) -> tuple[dict[str, Check], ServerCheck]:
    with served(script):
        model = load_model(script.url, timeout_s=10.0, max_retries=0)
        assert isinstance(model, ServerModel)
        found = check_server(model, CLIPS, **options)
    return {check.name: check for check in found.checks}, found


def test_a_server_that_tells_all_passes_and_gives_every_readout_but_the_layers() -> None:
    checks, found = checked(Scripted(dialect="vllm"))
    assert [check.name for check in checks.values() if not check.passed] == []
    assert found.readouts["first"].gives == found.readouts["sequence"].gives == "exact"
    assert found.readouts["label"].gives == "yes"
    assert found.readouts["lens"].gives == "no"


@pytest.mark.parametrize("honest", [True, False])
def test_a_server_that_drops_the_clip_gives_nothing(honest: bool) -> None:
    checks, found = checked(Scripted(dialect="openai", drops_audio=True, counts_audio=not honest))
    assert not checks["the clip is heard"].passed
    assert {gift.gives for gift in found.readouts.values()} == {"no"}


def test_a_server_that_ignores_log_probabilities_gives_the_text_level() -> None:
    checks, found = checked(Scripted(dialect="silent"))
    assert not checks["log-probabilities are real"].passed
    assert found.readouts["first"].gives == "no"
    assert found.readouts["label"].gives == "yes"


def test_a_server_that_lists_a_few_tokens_gives_bounds() -> None:
    checks, found = checked(Scripted(dialect="openai", nulls=True))
    assert found.readouts["first"].gives == "bounds"
    assert found.readouts["expected"].gives == "no"
    assert r"left out: '\x00'" in checks["log-probabilities are real"].detail


def test_a_server_that_refuses_is_found_out() -> None:
    checks, _ = checked(Scripted(dialect="silent", says="I can't hear the audio."))
    assert not checks["the model does not refuse"].passed
    assert "answers, as in \"I can't hear" in checks["the model does not refuse"].detail


def test_a_price_is_that_of_the_tokens() -> None:
    checks, found = checked(Scripted(dialect="openai"), price=(1e6, 0.0))
    detail = checks["time and price of a clip"].detail
    tokens, price = int(detail.split(", ")[1].split(" + ")[0]), float(detail.split(", ")[2].split(" ")[0])
    assert price == pytest.approx(tokens, rel=0.05)
    assert found.prompt_tokens > 10 * tokens


def test_an_mp3_of_64_kbit_s_is_another_clip_of_the_same_length() -> None:
    heard = as_mp3(CLIPS[0])
    assert heard.shape == CLIPS[0].shape
    assert 0.001 < np.abs(heard - CLIPS[0]).max() < 1.0


def test_the_command_ends_with_what_the_server_can_give(call_cli: Cli) -> None:
    with served(Scripted(dialect="silent")) as script:
        code, out, _ = call_cli("check", script.url, "--json")
        told = json.loads(out)
        assert code == 1
        assert told["readouts"]["first"] == {"gives": "no", "why": "there are no log-probabilities"}
        assert told["requests"] > 20
        code, out, _ = call_cli("check", script.url)
        assert "this server gives" in out
