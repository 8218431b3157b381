"""A real vLLM server: `mini` served there against `mini` in transformers."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.vllm_way import vllm_server

from ambivox.audio import load_audio
from ambivox.emotions import EmotionSet, load_emotions
from ambivox.models import Reply, Request, load_model
from ambivox.models.load import checkpoint_of
from ambivox.models.openai.adapter import ServerModel
from ambivox.prompts import PROMPTS
from tests.conftest import REPOSITORY

# One server answers all of these: it is started once, as one worker runs a file.
pytestmark = pytest.mark.slow

TOLERANCE = 1e-3
"""In probability; what was seen is 4e-6."""

CLIPS = sorted((REPOSITORY / "examples" / "crema-d" / "AudioWAV").glob("*.wav"))[:2]
SETS = {
    "cremad6": load_emotions("cremad6"),
    "labels of several tokens": EmotionSet(
        "long",
        ("bewildered", "bewitched", "jubilant", "melancholic"),
        (("bewildered",), ("bewitched",), ("jubilant",), ("melancholic",)),
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerModel]:
    python = Path(os.environ.get("AMBIVOX_VLLM", REPOSITORY / "build" / "vllm" / "bin" / "python"))
    if not python.exists():
        said = f"{python}: no environment with vLLM: make build/vllm/.ready"
        pytest.fail(said) if os.environ.get("CI") == "true" else pytest.skip(said)
    scratch = tmp_path_factory.mktemp("vllm")
    with (
        pytest.MonkeyPatch.context() as patch,
        vllm_server(str(python), Path(checkpoint_of("mini")), scratch, 1) as url,
    ):
        patch.delenv("OPENAI_API_KEY", raising=False)
        model = load_model(url, timeout_s=300.0)
        assert isinstance(model, ServerModel)
        yield model


@pytest.fixture(scope="module")
def local() -> Any:
    return load_model("mini", device="cpu")


def requests_of(model: Any, emotions: EmotionSet, prompt: str) -> list[Request]:
    rendered = PROMPTS[prompt].render(emotions)
    numbers = rendered.format in ("dictionary", "percentages")
    label_tokens = model.label_tokens(rendered.answers, numbers=numbers)
    clips = CLIPS if emotions is SETS["cremad6"] else CLIPS[:1]
    sounds = [*map(load_audio, clips), None]
    return [Request(sound, rendered, label_tokens, score=True) for sound in sounds]


def probabilities(reply: Reply) -> Any:
    return np.exp(reply.token_logits - reply.logsumexp[:, None])


@pytest.mark.parametrize(
    ("prompt", "emotions"),
    [*((prompt, "cremad6") for prompt in PROMPTS), ("word", "labels of several tokens")],
)
def test_mini_on_vllm_answers_like_mini_in_transformers(
    server: ServerModel, local: Any, prompt: str, emotions: str
) -> None:
    asked, expected = (requests_of(model, SETS[emotions], prompt) for model in (server, local))
    assert asked[0].label_tokens == expected[0].label_tokens
    several = max(map(len, asked[0].label_tokens.sequences)) > 1
    assert several or emotions == "cremad6"
    scores = local.score(expected)
    for there, here, logp in zip(server.generate(asked), local.generate(expected), scores, strict=True):
        assert (there.text, there.token_ids, there.finish) == (here.text, here.token_ids, here.finish)
        np.testing.assert_allclose(probabilities(there), probabilities(here), atol=TOLERANCE)
        assert there.sequence_bounded is None
        assert there.sequence_logp is not None
        np.testing.assert_allclose(np.exp(there.sequence_logp), np.exp(logp), atol=TOLERANCE)
        np.testing.assert_allclose(there.sequence_logp, logp, atol=0.05)
        assert (there.audio_tokens > 0) == (here.audio_tokens > 0)


def test_vllm_says_what_it_serves(server: ServerModel) -> None:
    assert server.server.card["owned_by"] == "vllm"
    assert server.server.logprobs == "ids"
    assert server.server.backend.startswith("vllm-")
