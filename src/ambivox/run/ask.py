"""Ask a speech model: planned requests in, records out. One bad clip becomes one failed record."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ambivox.audio import SAMPLE_RATE_HZ, Samples, audio_digest
from ambivox.errors import AmbivoxError
from ambivox.models import Request, SpeechModel
from ambivox.record import Record
from ambivox.run.answer_cache import AnswerCache, Given, shared_input
from ambivox.run.clips import WITHOUT_AUDIO, Clips
from ambivox.run.plan import Planned, request_key

# What a model may raise on one odd request; programming errors (TypeError and the like) are left to surface.
_MODEL_ERRORS = (AmbivoxError, RuntimeError, ValueError, IndexError)


def with_keys(batch: Sequence[Planned], *, seed: int) -> list[Planned]:
    """The planned requests with their keys, which read the bytes of each clip once (and decode nothing)."""
    digest = functools.cache(_digest)
    return [
        _with_key(planned, digest(r.control in WITHOUT_AUDIO, r.clip, r.start_s, r.end_s), seed)
        for planned in batch
        for r in (planned.record,)
    ]


def _with_key(planned: Planned, digest: str, seed: int) -> Planned:
    record = planned.record
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


def ask(
    model: SpeechModel,
    batch: Sequence[Planned],
    clips: Clips | None = None,
    cache: AnswerCache | None = None,
) -> list[Record]:
    """Answer a batch of planned requests, in their order.

    Args:
        model: any engine.
        batch: what to ask; its requests go to the model together.
        clips: what the model hears; made for the batch by default.
        cache: answers of the same model, taken over where the very same would be asked again; new ones are
            added.

    Returns:
        One record each. A clip that cannot be read or heard whole, or that the model fails on, is a failed
        record with its reason; the others are not touched by it.
    """
    records: list[Record] = []
    asked: list[tuple[int, Request]] = []
    again: list[tuple[int, Given]] = []
    if clips is None:
        with Clips() as own:
            return ask(model, batch, own, cache)
    cache, waiting = cache or AnswerCache(), set[Given]()
    clips.prepare(planned.record for planned in batch)
    for i, planned in enumerate(batch):
        records.append(planned.record)
        try:
            samples = clips[planned.record]
            _check_heard_whole(planned.record, samples, model.max_audio_s)
        except AmbivoxError as error:
            records[i] = planned.record.failed(str(error))
            continue
        given = shared_input(planned, samples)
        if given is not None and (given in waiting or cache.find(given)):
            again.append((i, given))
            continue
        asked.append((i, _request(planned, samples)))
        if given is not None:
            waiting.add(given)
    answers = _answer(model, [request for _, request in asked])
    for (i, request), answer in zip(asked, answers, strict=True):
        if isinstance(answer, str):
            records[i] = records[i].failed(answer)
        else:
            reply, sequence_logp = answer
            duration_s = None if request.samples is None else len(request.samples) / SAMPLE_RATE_HZ
            records[i] = records[i].answered(reply, request.label_tokens, sequence_logp, duration_s)
        cache.add(batch[i], records[i])
    # Where the one that was asked failed, the others find no answer and are asked on their own.
    for i, given in again:
        found = cache.find(given)
        records[i] = records[i].same_as(found) if found else ask(model, [batch[i]], clips, cache)[0]
    return records


def _request(planned: Planned, samples: Samples | None) -> Request:
    record = planned.record
    return Request(
        samples,
        planned.prompt,
        planned.label_tokens,
        Path(record.clip).name,
        n_draws=planned.n_draws,
        temperature=record.temperature or 1.0,
        seed=zlib.crc32(record.key.encode()),  # each request draws answers of its own, whatever the order
        lens="lens" in planned.needs,
        score="score" in planned.needs,
    )


def _answer(model: SpeechModel, requests: Sequence[Request]) -> list[tuple[Any, Any] | str]:
    if not requests:
        return []
    try:
        replies = model.generate(requests)
        scores = [
            reply.sequence_logp if request.score else None
            for request, reply in zip(requests, replies, strict=True)
        ]
        left = [n for n, request in enumerate(requests) if request.score and scores[n] is None]
        for n, score in zip(left, model.score([requests[n] for n in left]) if left else (), strict=True):
            scores[n] = score
    except _MODEL_ERRORS as error:
        if len(requests) == 1:
            return [_one_line(error)]
        half = len(requests) // 2  # one odd request should cost the others little
        return _answer(model, requests[:half]) + _answer(model, requests[half:])
    return list(zip(replies, scores, strict=True))


def _digest(without_audio: bool, clip: str, start_s: float | None, end_s: float | None) -> str:
    if without_audio:
        return "no audio"
    try:
        return audio_digest(clip, start_s, end_s)
    except AmbivoxError as error:
        return f"unreadable: {error}"


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
