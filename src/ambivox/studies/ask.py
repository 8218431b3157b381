"""Ask a speech model: planned requests in, records out. One bad clip becomes one failed record."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ambivox.audio import SAMPLE_RATE_HZ, Samples, audio_digest, load_audio, noise_like, silence_like
from ambivox.errors import AmbivoxError
from ambivox.models import Request, SpeechModel
from ambivox.record import Record
from ambivox.studies.plan import Planned, request_key

# What a model may raise on one odd request; programming errors (TypeError and the like) are left to surface.
_MODEL_ERRORS = (AmbivoxError, RuntimeError, ValueError, IndexError)


def with_key(planned: Planned, *, seed: int, score_labels: bool) -> Planned:
    """The planned request with its key, which reads the bytes of the clip (but does not decode them)."""
    record = planned.record
    try:
        digest = audio_digest(record.clip, record.start_s, record.end_s)
    except AmbivoxError as error:
        digest = f"unreadable: {error}"
    settings: dict[str, object] = {
        "max_new_tokens": planned.prompt.max_new_tokens,
        "score_labels": score_labels,
        "decoding": "greedy",
    }
    if record.control == "noise":
        settings["seed"] = seed
    return replace(planned, record=replace(record, key=request_key(record, digest, **settings)))


def ask(
    model: SpeechModel, batch: Sequence[Planned], *, seed: int = 0, score_labels: bool = True
) -> list[Record]:
    """Answer a batch of planned requests, in their order.

    Args:
        model: any engine.
        batch: what to ask; its requests go to the model together.
        seed: of the noise control.
        score_labels: also ask for the probabilities of whole labels.

    Returns:
        One record each. A clip that cannot be read or heard whole, or that the model fails on, is a failed
        record with its reason; the others are not touched by it.
    """
    records: list[Record] = []
    asked: list[tuple[int, Request, float]] = []
    for i, planned in enumerate(batch):
        records.append(planned.record)
        try:
            samples = _samples(planned.record, seed)
            duration_s = len(samples) / SAMPLE_RATE_HZ
            _check_heard_whole(planned.record, duration_s, model.max_audio_s)
        except AmbivoxError as error:
            records[i] = planned.record.failed(str(error))
        else:
            name = Path(planned.record.clip).name
            asked.append((i, Request(samples, planned.prompt, planned.watch, name), duration_s))
    answers = _answer(model, [request for _, request, _ in asked], score_labels)
    for (i, request, duration_s), answer in zip(asked, answers, strict=True):
        if isinstance(answer, str):
            records[i] = records[i].failed(answer)
        else:
            reply, sequence_logp = answer
            records[i] = records[i].answered(reply, request.watch, sequence_logp, duration_s)
    return records


def _answer(model: SpeechModel, requests: list[Request], score_labels: bool) -> list[tuple[Any, Any] | str]:
    if not requests:
        return []
    try:
        replies = model.generate(requests)
        scores = model.score(requests) if score_labels else [None] * len(requests)
    except _MODEL_ERRORS as error:
        if len(requests) == 1:
            return [_one_line(error)]
        return [answer for request in requests for answer in _answer(model, [request], score_labels)]
    return list(zip(replies, scores, strict=True))


def _samples(record: Record, seed: int) -> Samples:
    samples = load_audio(record.clip, record.start_s, record.end_s)
    if record.control == "silence":
        return silence_like(samples)
    if record.control == "noise":
        # One seed for the study; each clip gets noise of its own that does not depend on the order.
        return noise_like(samples, seed=zlib.crc32(f"{seed}/{record.corpus}/{record.utterance}".encode()))
    return samples


def _check_heard_whole(record: Record, duration_s: float, max_audio_s: float | None) -> None:
    if max_audio_s is not None and duration_s > max_audio_s + 1 / SAMPLE_RATE_HZ:
        raise AmbivoxError(
            f"{record.clip}: {duration_s:.1f} s of audio, {record.model} hears at most {max_audio_s:g} s: "
            "give a start and an end"
        )


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if isinstance(error, AmbivoxError) else f"{type(error).__name__}: {text}"
