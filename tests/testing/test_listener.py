"""The synthetic listener says what it was set to say, in text, logits, whole labels and draws alike."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.audio import noise_like, silence_like
from ambivox.corpora import Utterance
from ambivox.emotions import load_emotions
from ambivox.errors import UsageError
from ambivox.models import Request, load_model
from ambivox.prompts import load_prompt, option_order
from ambivox.readouts import load_readout
from ambivox.record import Record, Sound
from ambivox.run.plan import unanswered
from ambivox.testing.listener import Listener, heard, sound_of
from ambivox.testing.listener.language import END
from ambivox.testing.listener.listener import ERROR

EMOTIONS = load_emotions("cremad6")
TRUE = np.array([0.4, 0.05, 0.25, 0.1, 0.15, 0.05])


def request_of(
    listener: Listener, prompt: str = "word", p: Any = TRUE, seed: int | None = None, **more: Any
) -> Request:
    rendered = load_prompt(prompt).render(EMOTIONS, order=option_order(len(EMOTIONS), seed))
    samples = None if p is None else sound_of(p)
    return Request(samples, rendered, listener.label_tokens(rendered.answers), **more)


def record_of(listener: Listener, prompt: str = "word", p: Any = TRUE, seed: int | None = None) -> Record:
    request = request_of(listener, prompt, p, seed)
    asked = unanswered(
        Utterance(id="c", audio=None), request.prompt, EMOTIONS, listener, request.label_tokens, seed=seed
    )  # type: ignore[arg-type]
    [reply], [logp] = listener.generate([request]), listener.score([request])
    return asked.answered(replace(reply, sequence_logp=logp), Sound(0.5))


def read(readout: str, record: Record) -> Any:
    return load_readout(readout)(record)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8).filter(lambda a: sum(a) > 0.01))
def test_a_sound_carries_any_distribution(a: list[float]) -> None:
    p = np.array(a) / sum(a)
    back, share = heard(sound_of(p), len(p))
    assert back == pytest.approx(p, abs=1e-4)
    assert share == pytest.approx(1, abs=1e-3)


def test_silence_carries_nothing_and_noise_hardly_anything() -> None:
    sound = sound_of(TRUE)
    assert heard(silence_like(sound), 6) == (pytest.approx(np.full(6, 1 / 6)), 0)
    assert heard(noise_like(sound, seed=1), 6)[1] < 0.02


@pytest.mark.parametrize("prompt", ["word", "letter"])
@pytest.mark.parametrize("readout", ["first", "sequence"])
@pytest.mark.parametrize("seed", [None, 1])
def test_the_belief_is_read_from_logits_and_whole_labels(prompt: str, readout: str, seed: int | None) -> None:
    reading = read(readout, record_of(Listener(), prompt, seed=seed))
    assert reading.distribution == pytest.approx(TRUE, abs=1e-4)
    assert reading.mass == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("prompt", ["word", "letter"])
def test_the_said_label_is_the_most_probable_one(prompt: str) -> None:
    reading = read("label", record_of(Listener(), prompt, seed=3))
    assert reading.distribution.argmax() == TRUE.argmax()


@pytest.mark.parametrize("prompt", ["dictionary", "percentages"])
def test_written_numbers_scatter_about_the_belief(prompt: str) -> None:
    record = record_of(Listener(written_concentration=1e6), prompt, seed=2)
    reading = read("dictionary", record)
    assert reading.status == "ok"
    assert reading.distribution == pytest.approx(TRUE, abs=0.011)
    assert record.replied.finish == "stop"


def test_draws_follow_the_belief_and_the_seed() -> None:
    listener = Listener()
    request = request_of(listener)
    [reply] = listener.generate([replace(request, n_draws=4000)])
    counts = Counter(reply.draws)
    shares = [counts[label] / 4000 for label in EMOTIONS.labels]
    assert shares == pytest.approx(TRUE, abs=4 * np.sqrt(0.25 / 4000))
    again, other = (listener.generate([replace(request, n_draws=50, seed=s)])[0].draws for s in (0, 1))
    assert again == reply.draws[:50]
    assert other != again


def test_cold_draws_are_the_greedy_answer() -> None:
    listener = Listener()
    [reply] = listener.generate([replace(request_of(listener), n_draws=20, temperature=0.01)])
    assert set(reply.draws) == {reply.text}


def test_the_last_layer_of_the_lens_is_the_answer() -> None:
    listener = Listener()
    [reply] = listener.generate([replace(request_of(listener), lens=True)])
    assert reply.lens is not None
    assert reply.lens.shape == (4, *reply.token_logits.shape)
    assert reply.lens[-1] == pytest.approx(reply.token_logits)


def test_watched_logits_are_those_of_the_tokens_that_were_said() -> None:
    listener = Listener(verbosity=0.8)
    record = record_of(listener)
    assert record.replied.text == "The speaker sounds angry."
    assert record.replied.token_ids[-1] == END
    reading = read("first", record)
    assert reading.distribution == pytest.approx(TRUE, abs=1e-4)
    assert reading.mass == pytest.approx(0.2, abs=1e-5)


def test_temperature_flattens_as_a_temperature_does() -> None:
    expected = TRUE**0.5 / (TRUE**0.5).sum()
    assert read("first", record_of(Listener(temperature=2.0))).distribution == pytest.approx(
        expected, abs=1e-4
    )


def test_a_label_bias_is_what_it_says_without_audio() -> None:
    bias = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    expected = np.exp(bias) / np.exp(bias).sum()
    reading = read("first", record_of(Listener(label_bias_nats=bias), p=None))
    assert reading.distribution == pytest.approx(expected, abs=1e-5)


def test_a_position_bias_follows_the_first_option() -> None:
    for seed in (None, 1, 2):
        request = request_of(Listener(position_bias_nats=5.0), seed=seed)
        belief = Listener(position_bias_nats=5.0).belief(request)
        assert belief.argmax() == request.prompt.order[0]


def test_deafness_hides_the_clip() -> None:
    listener = Listener(deafness=1.0, prior=(1, 1, 1, 1, 5, 1))
    a, b = (read("first", record_of(listener, p=p)).distribution for p in (TRUE, TRUE[::-1]))
    assert a == pytest.approx(b)
    assert a == pytest.approx(np.array([1, 1, 1, 1, 5, 1]) / 10, abs=1e-5)


def test_format_errors_spoil_the_text_and_leave_the_tokens() -> None:
    record = record_of(Listener(format_errors=1.0))
    assert record.replied.text == ERROR
    assert read("label", record_of(Listener(format_errors=1.0), "letter")).distribution is None
    assert read("label", record).distribution is None
    assert read("first", record).distribution == pytest.approx(TRUE, abs=1e-4)


def test_format_errors_come_as_often_as_asked() -> None:
    listener = Listener(format_errors=0.3)
    rng = np.random.default_rng(0)
    said = [record_of(listener, p=rng.dirichlet(np.ones(6))).replied.text for _ in range(200)]
    assert 0.2 < np.mean([text == ERROR for text in said]) < 0.4


def test_prompt_shifts_are_shared_by_clips_and_prompt_noise_is_not() -> None:
    flat = np.full(6, 1 / 6)
    other = np.array([1, 1, 1, 1, 1, 1.001]) / 6.001
    shifted = Listener(prompt_shift_nats=1.0)
    a, b = (shifted.belief(request_of(shifted, p=p)) for p in (flat, other))
    assert a == pytest.approx(b, abs=1e-2)
    assert np.abs(a - flat).max() > 0.05
    noisy = Listener(prompt_noise_nats=1.0)
    a, b = (noisy.belief(request_of(noisy, p=p)) for p in (flat, other))
    assert np.abs(a - b).max() > 0.05


def test_it_is_a_model_by_name_with_options_and_a_fingerprint_of_them() -> None:
    plain, warm = load_model("listener"), load_model("listener:warm", temperature=2.0)
    assert (plain.name, warm.name) == ("listener", "listener:warm")
    assert plain.fingerprint != warm.fingerprint
    assert plain.fingerprint == load_model("listener").fingerprint
    with pytest.raises(UsageError, match="deafness: 2 is not between 0 and 1"):
        load_model("listener", deafness=2)
    with pytest.raises(UsageError, match="warmth"):
        load_model("listener", warmth=2)
