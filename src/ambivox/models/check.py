"""Can a model's numbers be trusted here? Each known way to a silent wrong answer is tried once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ambivox.audio import SAMPLE_RATE_HZ
from ambivox.emotions import emotion_sets, load_emotions
from ambivox.errors import AmbivoxError, AudioError
from ambivox.models.protocol import FloatArray, Reply, Request, SpeechModel, takes
from ambivox.prompts import PROMPTS

TOLERANCE = 1e-4
"""In probability: how far the same request may be from itself, alone or in a batch."""

ROUNDING = 0.05
"""Differences up to here come from a low precision, larger ones from broken padding or masks."""

HEARD = 1e-3
"""In logits: a difference below this is no answer to another clip."""

MAX_NEW_TOKENS = 8


@dataclass(frozen=True)
class Check:
    """One check: what was tried, whether it passed, and what was seen."""

    name: str
    passed: bool
    detail: str
    caution: bool = False
    """Passed, but some scores of this model will not mean what they seem to."""


def speech_like(seconds: float, seed: int) -> FloatArray:
    """Shape ``(n_samples,)``: harmonics of a gliding voice in syllables, with a little breath noise.

    >>> speech_like(0.5, seed=1).shape
    (8000,)
    """
    rng = np.random.default_rng(seed)
    time_s = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    pitch_hz = rng.uniform(100, 260) * (1 + 0.15 * np.sin(2 * np.pi * rng.uniform(0.5, 2) * time_s))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE_HZ
    formants_hz = rng.uniform([300, 900, 2200], [800, 2000, 3000])
    harmonics = np.arange(1, 20)[:, None]
    gain = np.exp(-(((harmonics * pitch_hz)[..., None] - formants_hz) ** 2) / (2 * 150**2)).sum(-1)
    syllables = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(3, 5) * time_s + rng.uniform(0, 6))
    voice = (gain * np.sin(harmonics * phase)).sum(0) * syllables + rng.normal(0, 0.02, time_s.size)
    scaled: FloatArray = (0.3 * voice / np.abs(voice).max()).astype(np.float32)
    return scaled


def check_model(model: SpeechModel, clips: Sequence[FloatArray] | None = None) -> list[Check]:
    """Try a model for the silent errors of the field.

    Args:
        model: any engine.
        clips: at least two clips of 16 kHz mono float32; None makes speech-like signals.

    Returns:
        One result per check, in the order from hearing to answering.
    """
    if clips is None:
        clips = [speech_like(seconds, seed) for seed, seconds in enumerate((1.0, 1.6, 2.2, 1.3))]
    return list(_checks(model, clips))


def _checks(model: SpeechModel, clips: Sequence[FloatArray]) -> Iterator[Check]:
    first, other = clips[:2]
    rng = np.random.default_rng(0)
    yield _try("the audio reaches the model", lambda: _reaches(model, first))
    yield _try("another clip is heard", lambda: _differs(model, first, other))
    yield _try("silence is heard", lambda: _differs(model, first, np.zeros_like(first)))
    noise = rng.normal(0, 0.1, first.size).astype(np.float32)
    yield _try("noise is heard", lambda: _differs(model, first, noise))
    yield _try("a batch answers like single clips", lambda: _batch_like_singles(model, clips))
    yield _try("the same request answers the same", lambda: _repeats(model, first))
    yield _try("every label has a first token of its own", lambda: _distinguishable(model))
    yield _try("every prompt is answered", lambda: _prompts(model, first))
    yield _try("answers differ from clip to clip", lambda: _follows(model, clips))
    yield _try("a clip too long is refused", lambda: _too_long(model))


def _try(name: str, check: Callable[[], tuple[bool, str] | tuple[bool, str, bool]]) -> Check:
    try:
        return Check(name, *check())
    except AmbivoxError as error:
        return Check(name, False, str(error))


def _asked(model: SpeechModel) -> list[str]:
    """The built-in prompts that the model takes, three of unlike answers first."""
    names = dict.fromkeys(("word", "letter", "dictionary", *PROMPTS))
    return [name for name in names if takes(model, PROMPTS[name].format)]


def _ask(model: SpeechModel, samples: FloatArray, prompt: str | None = None) -> Request:
    rendered = PROMPTS[prompt or _asked(model)[0]].render(load_emotions("iemocap4"))
    rendered = replace(rendered, max_new_tokens=min(rendered.max_new_tokens, MAX_NEW_TOKENS))
    return Request(samples, rendered, model.label_tokens(rendered.answers))


def _reaches(model: SpeechModel, clip: FloatArray) -> tuple[bool, str]:
    tokens = model.generate([_ask(model, clip)])[0].audio_tokens
    return tokens > 0, f"{tokens} audio tokens for {len(clip) / SAMPLE_RATE_HZ:.1f} s"


def _differs(model: SpeechModel, clip: FloatArray, other: FloatArray) -> tuple[bool, str]:
    a, b = (model.generate([_ask(model, samples)])[0] for samples in (clip, other))
    difference = float(np.abs(a.token_logits[0] - b.token_logits[0]).max())
    return difference > HEARD, f"the label logits differ by up to {difference:.2g}"


def _batch_like_singles(model: SpeechModel, clips: Sequence[FloatArray]) -> tuple[bool, str]:
    prompts = _asked(model)[:3]
    # every clip twice, so that models which batch clips of one length only do batch
    asked = [
        _ask(model, clip, prompts[(i + k) % len(prompts)]) for k in range(2) for i, clip in enumerate(clips)
    ]
    together, alone = model.generate(asked), [model.generate([request])[0] for request in asked]
    difference = max(_distance(a, b) for a, b in zip(together, alone, strict=True))
    detail = f"{len(asked)} requests, largest difference {difference:.2g} in probability"
    if difference > ROUNDING:
        return False, f"{detail}: padding or masks are broken, use batch_size 1"
    if difference > TOLERANCE:
        return False, f"{detail}: rounding at low precision, use dtype float32 or batch_size 1"
    return True, detail


def _repeats(model: SpeechModel, clip: FloatArray) -> tuple[bool, str]:
    a, b = (model.generate([_ask(model, clip)])[0] for _ in range(2))
    return a.text == b.text and _distance(a, b) <= TOLERANCE, f"{a.text!r} and {b.text!r}"


def _distance(a: Reply, b: Reply) -> float:
    """Largest difference in probability up to the step where the answers part; 1 if they part otherwise."""
    steps = min(len(a.token_ids), len(b.token_ids))
    parted = [t for t in range(steps) if a.token_ids[t] != b.token_ids[t]]
    same = parted[0] + 1 if parted else steps
    p, q = (np.exp(r.token_logits[:same] - r.logsumexp[:same, None]) for r in (a, b))
    return float(np.abs(p - q).max()) if parted or len(a.token_ids) == len(b.token_ids) else 1.0


def _distinguishable(model: SpeechModel) -> tuple[bool, str]:
    lost: dict[str, None] = {}
    shared: dict[str, None] = {}
    for name in emotion_sets():
        emotions = load_emotions(name)
        label_tokens = model.label_tokens(emotions.forms)
        owned = {labels[0] for labels in label_tokens.token_labels if len(labels) == 1}
        lost |= dict.fromkeys(emotions.labels[n] for n in range(len(emotions)) if n not in owned)
        shared |= dict.fromkeys(
            f"{token!r} begins {', '.join(emotions.labels[n] for n in labels)}"
            for token, labels in zip(label_tokens.tokens, label_tokens.token_labels, strict=True)
            if len(labels) > 1
        )
    if lost:
        return False, f"no first token belongs to {', '.join(lost)} alone: read whole labels (sequence)"
    return True, f"shared: {'; '.join(list(shared)[:4])}" if shared else "no two labels begin alike"


def _prompts(model: SpeechModel, clip: FloatArray) -> tuple[bool, str]:
    prompts = _asked(model)
    replies = model.generate([_ask(model, clip, prompt) for prompt in prompts])
    empty = [prompt for prompt, reply in zip(prompts, replies, strict=True) if not reply.token_ids]
    return not empty, f"no answer to {', '.join(empty)}" if empty else ", ".join(prompts)


def _follows(model: SpeechModel, clips: Sequence[FloatArray]) -> tuple[bool, str, bool]:
    """No failure, for a model may hear no emotion in what is not speech; but a constant answer is said."""
    emotions = load_emotions("iemocap4")
    constant = []
    prompts = _asked(model)
    for name in prompts:
        rendered = PROMPTS[name].render(emotions)
        label_tokens = model.label_tokens(rendered.answers)
        texts = {reply.text for reply in model.generate([Request(c, rendered, label_tokens) for c in clips])}
        if len(texts) == 1:
            constant.append(f"{name} ({next(iter(texts))[:20]!r})")
    if not constant:
        return True, f"{len(clips)} clips, {len(prompts)} prompts", False
    said = f"{', '.join(constant)}: the same answer on {len(clips)} of {len(clips)} clips"
    return True, f"{said}; on real clips such a score is that of a constant guess", True


def _too_long(model: SpeechModel) -> tuple[bool, str]:
    limit = model.max_audio_s
    if limit is None:
        return True, "no limit found"
    long = speech_like(limit + 1, seed=0)
    try:
        model.generate([_ask(model, long)])
    except AudioError:
        return True, f"clips up to {limit:g} s are heard whole"
    return False, f"{limit + 1:g} s were accepted, only {limit:g} s are heard"
