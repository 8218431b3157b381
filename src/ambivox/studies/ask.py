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
from ambivox.studies.config import Control
from ambivox.studies.plan import Planned, request_key

WITHOUT_AUDIO: tuple[Control, ...] = ("no-audio", "transcript-only")

# What a model may raise on one odd request; programming errors (TypeError and the like) are left to surface.
_MODEL_ERRORS = (AmbivoxError, RuntimeError, ValueError, IndexError)


def with_key(planned: Planned, *, seed: int) -> Planned:
    """The planned request with its key, which reads the bytes of the clip (but does not decode them)."""
    record = planned.record
    try:
        digest = _digest(record)
    except AmbivoxError as error:
        digest = f"unreadable: {error}"
    settings: dict[str, object] = {
        "max_new_tokens": planned.prompt.max_new_tokens,
        "needs": planned.needs,
        "decoding": "greedy",
    }
    if planned.n_draws:
        settings |= {"n_draws": planned.n_draws, "temperature": record.temperature}
    if record.control == "noise" or planned.n_draws:
        settings["seed"] = seed
    return replace(planned, record=replace(record, key=request_key(record, digest, **settings)))


def ask(model: SpeechModel, batch: Sequence[Planned], *, seed: int = 0) -> list[Record]:
    """Answer a batch of planned requests, in their order.

    Args:
        model: any engine.
        batch: what to ask; its requests go to the model together.
        seed: of the noise control.

    Returns:
        One record each. A clip that cannot be read or heard whole, or that the model fails on, is a failed
        record with its reason; the others are not touched by it.
    """
    records: list[Record] = []
    asked: list[tuple[int, Request]] = []
    for i, planned in enumerate(batch):
        records.append(planned.record)
        try:
            samples = _samples(planned.record, seed)
            _check_heard_whole(planned.record, samples, model.max_audio_s)
        except AmbivoxError as error:
            records[i] = planned.record.failed(str(error))
        else:
            asked.append((i, _request(planned, samples)))
    scored = ["score" in batch[i].needs for i, _ in asked]
    answers = _answer(model, [request for _, request in asked], scored)
    for (i, request), answer in zip(asked, answers, strict=True):
        if isinstance(answer, str):
            records[i] = records[i].failed(answer)
        else:
            reply, sequence_logp = answer
            duration_s = None if request.samples is None else len(request.samples) / SAMPLE_RATE_HZ
            records[i] = records[i].answered(reply, request.watch, sequence_logp, duration_s)
    return records


def _request(planned: Planned, samples: Samples | None) -> Request:
    record = planned.record
    return Request(
        samples,
        planned.prompt,
        planned.watch,
        Path(record.clip).name,
        n_draws=planned.n_draws,
        temperature=record.temperature or 1.0,
        seed=zlib.crc32(record.key.encode()),  # each request draws answers of its own, whatever the order
        lens="lens" in planned.needs,
    )


def _answer(
    model: SpeechModel, requests: Sequence[Request], scored: Sequence[bool]
) -> list[tuple[Any, Any] | str]:
    if not requests:
        return []
    try:
        replies = model.generate(requests)
        to_score = [r for r, wanted in zip(requests, scored, strict=True) if wanted]
        scores = iter(model.score(to_score) if to_score else ())
    except _MODEL_ERRORS as error:
        if len(requests) == 1:
            return [_one_line(error)]
        alone = zip(requests, scored, strict=True)
        return [answer for request, wanted in alone for answer in _answer(model, [request], [wanted])]
    return [(reply, next(scores) if wanted else None) for reply, wanted in zip(replies, scored, strict=True)]


def _digest(record: Record) -> str:
    if record.control in WITHOUT_AUDIO:
        return record.control
    return audio_digest(record.clip, record.start_s, record.end_s)


def _samples(record: Record, seed: int) -> Samples | None:
    if record.control == "transcript-only" and not record.transcript:
        raise AmbivoxError(
            f"{record.utterance}: no transcript to show: give the corpus transcripts, and the prompt "
            f"{record.prompt!r} a place for them, or leave out the control 'transcript-only'"
        )
    if record.control in WITHOUT_AUDIO:
        return None
    samples = load_audio(record.clip, record.start_s, record.end_s)
    if record.control == "silence":
        return silence_like(samples)
    if record.control == "noise":
        # One seed for the study; each clip gets noise of its own that does not depend on the order.
        return noise_like(samples, seed=zlib.crc32(f"{seed}/{record.corpus}/{record.utterance}".encode()))
    return samples


def _check_heard_whole(record: Record, samples: Samples | None, max_audio_s: float | None) -> None:
    duration_s = 0.0 if samples is None else len(samples) / SAMPLE_RATE_HZ
    if max_audio_s is not None and duration_s > max_audio_s + 1 / SAMPLE_RATE_HZ:
        raise AmbivoxError(
            f"{record.clip}: {duration_s:.1f} s of audio, {record.model} hears at most {max_audio_s:g} s: "
            "give a start and an end"
        )


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if isinstance(error, AmbivoxError) else f"{type(error).__name__}: {text}"
