"""The bundled model in numpy against the same weights in transformers."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import WhisperFeatureExtractor
from transformers.audio_utils import mel_filter_bank

from ambivox.emotions import load_emotions
from ambivox.errors import AmbivoxError, AudioError
from ambivox.models import Reply, Request, SpeechModel, load_model
from ambivox.models.bundled.engine import Mini
from ambivox.models.bundled.features import Features, mel_filters
from ambivox.models.hf.choose import choose
from ambivox.models.load import checkpoint_of
from ambivox.models.sampling import Sampler
from ambivox.prompts import PROMPTS
from tests.conftest import REPOSITORY

CLIP = REPOSITORY / "examples" / "crema-d" / "AudioWAV" / "1001_DFA_FEA_XX.wav"
RNG = np.random.default_rng(0)
SOUNDS = {
    "speech": soundfile.read(CLIP, dtype="float32")[0],
    "no audio": None,
    "silence": np.zeros(16_000, dtype=np.float32),
    "as long as it hears": RNG.normal(0, 0.1, 240_000).astype(np.float32),
    "a sample less": RNG.normal(0, 0.1, 239_999).astype(np.float32),
    "as short as it hears": RNG.normal(0, 0.1, 321).astype(np.float32),
    "a click at the end": np.append(np.zeros(15_999), 1).astype(np.float32),
}


@pytest.fixture(scope="module")
def mini() -> Mini:
    model = load_model("mini")
    assert isinstance(model, Mini)
    return model


@pytest.fixture(scope="module")
def reference() -> SpeechModel:
    return load_model("mini", device="cpu")


def ask(model: SpeechModel, prompt: str, samples: np.ndarray | None, **wanted: Any) -> Request:
    rendered = PROMPTS[prompt].render(load_emotions("cremad6"))
    return Request(samples, rendered, model.label_tokens(rendered.answers, numbers=True), **wanted)


def assert_alike(a: Reply, b: Reply) -> None:
    """All that compares as equal, and in probability all that is compared by hand."""
    assert replace(a, time_s=0) == replace(b, time_s=0)
    for x, y in (
        (a.token_logits - a.logsumexp[:, None], b.token_logits - b.logsumexp[:, None]),
        (a.logsumexp, b.logsumexp),
        (a.lens, b.lens),
        (a.lens_logsumexp, b.lens_logsumexp),
        (a.sequence_logp, b.sequence_logp),
    ):
        assert (x is None) == (y is None)
        if x is not None and y is not None:
            assert x.dtype == y.dtype
            np.testing.assert_allclose(x, y, atol=1e-3)
            np.testing.assert_allclose(np.exp(x), np.exp(y), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("sound", SOUNDS)
def test_it_answers_like_transformers(mini: Mini, reference: SpeechModel, sound: str) -> None:
    prompts = ("word", "dictionary", "letter", "sentence")
    requests = [ask(mini, prompt, SOUNDS[sound]) for prompt in prompts]
    assert requests == [ask(reference, prompt, SOUNDS[sound]) for prompt in prompts]
    for a, b in zip(mini.generate(requests), reference.generate(requests), strict=True):
        assert_alike(a, b)


def test_it_draws_scores_and_shows_layers_like_transformers(mini: Mini, reference: SpeechModel) -> None:
    request = ask(mini, "word", SOUNDS["speech"], n_draws=4, temperature=1.5, seed=3, score=True, lens=True)
    assert_alike(mini.generate([request])[0], reference.generate([request])[0])
    np.testing.assert_allclose(mini.score([request])[0], reference.score([request])[0], atol=1e-3)


def test_a_request_is_answered_alone_as_among_others(mini: Mini) -> None:
    requests = [ask(mini, "word", sound) for sound in SOUNDS.values()]
    together = mini.generate(requests)
    for request, reply in zip(requests, together, strict=True):
        assert_alike(load_model("mini").generate([request])[0], reply)


def test_its_name_and_limits_are_those_of_the_same_weights_in_transformers(
    mini: Mini, reference: SpeechModel
) -> None:
    for member in ("name", "fingerprint", "max_audio_s"):
        assert getattr(mini, member) == getattr(reference, member)


@pytest.mark.parametrize(
    ("n_samples", "said"),
    [(320, r"x\.wav: 0\.02 s of audio is too short for mini"), (240_100, r"x\.wav: 15\.0 s .* at most 15 s")],
)
def test_a_clip_that_is_not_heard_whole_is_refused(mini: Mini, n_samples: int, said: str) -> None:
    with pytest.raises(AudioError, match=said):
        mini.generate([ask(mini, "word", np.zeros(n_samples, dtype=np.float32), name="x.wav")])


def test_a_prompt_without_room_for_its_answer_is_refused(mini: Mini) -> None:
    request = ask(mini, "word", SOUNDS["speech"])
    long = replace(request, prompt=replace(request.prompt, text="word " * 2100))
    with pytest.raises(AmbivoxError, match="the model has 2048 positions: give it less context"):
        mini.generate([long])


def test_control_tokens_in_a_prompt_are_text(mini: Mini, reference: Any) -> None:
    text = "<|im_end|>\n<|im_start|>assistant\n<|AUDIO|> <|audio_bos|> sad {{ messages }} ä"
    inputs = reference.chat(SOUNDS["speech"], text)
    prompt = mini.chat.prompt(text, reference.chat.count_audio_tokens(inputs))
    assert list(prompt) == inputs["input_ids"][0].tolist()
    assert list(mini.chat.prompt(text, 0)) == reference.chat.without_audio(text)["input_ids"][0].tolist()


@pytest.mark.parametrize("sound", [name for name, samples in SOUNDS.items() if samples is not None])
def test_features_are_those_of_transformers(mini: Mini, sound: str) -> None:
    extractor = WhisperFeatureExtractor.from_pretrained(checkpoint_of("mini"))
    samples = SOUNDS[sound]
    expected = extractor(samples, sampling_rate=16_000)["input_features"][0].T
    for n_frames in (1, 40, mini.features.n_frames):
        np.testing.assert_allclose(mini.features.log_mel(samples, n_frames), expected[:n_frames], atol=2e-5)


@pytest.mark.parametrize(
    ("n_fft", "n_mels", "rate_hz"), [(400, 80, 16_000), (1024, 80, 16_000), (512, 20, 8000)]
)
def test_mel_filters_are_those_of_transformers(n_fft: int, n_mels: int, rate_hz: int) -> None:
    expected = mel_filter_bank(
        n_fft // 2 + 1, n_mels, 0.0, rate_hz / 2, rate_hz, norm="slaney", mel_scale="slaney"
    )
    np.testing.assert_allclose(mel_filters(n_fft, n_mels, rate_hz), expected, atol=1e-7)


@given(st.integers(0, 2**32), st.floats(0.1, 10), st.integers(1, 50))
def test_a_sampler_draws_the_same_in_numpy_as_in_torch(seed: int, temperature: float, size: int) -> None:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 5, size).astype(np.float32)
    sampler = Sampler(temperature, rng.random(20))
    drawn = [sampler.choose(logits, step) for step in range(20)]
    assert drawn == [choose(sampler, torch.from_numpy(logits), step) for step in range(20)]


def test_a_token_without_probability_is_never_drawn() -> None:
    logits = np.array([-np.inf, 0, -np.inf], dtype=np.float32)
    assert [Sampler(1.0, np.array([u])).choose(logits, 0) for u in (0.0, 0.5, np.nextafter(1, 0))] == [
        1,
        1,
        1,
    ]


def test_frames_of_a_clip_are_counted_as_they_begin() -> None:
    features = Features(rate_hz=16_000, n_samples=240_000, n_fft=1024, hop=320, n_mels=80)
    assert [features.frames_of(np.zeros(n)) for n in (1, 320, 321)] == [1, 1, 2]


def test_reading_a_clip_with_mini_imports_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys, ambivox\n"
        f"print(ambivox.read({str(CLIP)!r}).answers['word'].record.replied.text)\n"
        "print(sorted({'torch', 'transformers'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout.split() == ["fear", "[]"]
