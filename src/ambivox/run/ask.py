"""Ask a speech model: planned requests in, records out. One bad clip becomes one failed record."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ambivox.audio import SAMPLE_RATE_HZ, Samples, audio_digest, channel_named
from ambivox.errors import AmbivoxError, UnreachableError
from ambivox.models import Reply, Request, SpeechModel
from ambivox.models.protocol import PartlyAnsweredError
from ambivox.reasons import Reason
from ambivox.record import SILENT, AskedClip, Record, Sound
from ambivox.run.answer_cache import AnswerCache, Given, shared_input
from ambivox.run.clips import WITHOUT_AUDIO, Clips
from ambivox.run.plan import Planned, request_key

_NOTHING_TO_HEAR = Reason(
    SILENT,
    "digital silence: there is nothing to hear",
    "copy the clip again, or set ask_silent",
)

# What a model may raise on one odd request; programming errors (TypeError and the like) are left to surface.
_MODEL_ERRORS = (AmbivoxError, RuntimeError, ValueError, IndexError, MemoryError, OSError)

MAY_PASS = ("crash", "memory", "unreachable")
"""Codes of failures that say nothing of the request: it is asked again when the study is run again."""


def with_keys(batch: Sequence[Planned], *, seed: int) -> list[Planned]:
    """The planned requests with their keys, which read the bytes of each clip once (and decode nothing)."""
    digest = functools.cache(_digest)
    return [
        _with_key(planned, digest(asked.control in WITHOUT_AUDIO, asked.clip), seed)
        for planned in batch
        for asked in (planned.record.asked,)
    ]


def _with_key(planned: Planned, digest: tuple[str, bool], seed: int) -> Planned:
    record, (sound, readable) = planned.record, digest
    settings: dict[str, object] = {
        "max_new_tokens": record.asked.prompt.max_new_tokens,
        "needs": planned.needs,
        "decoding": "greedy",
    }
    if planned.n_draws:
        settings |= {"n_draws": planned.n_draws, "temperature": record.asked.temperature}
    if record.asked.control == "noise" or planned.n_draws:
        settings["seed"] = seed
    if planned.ask_silent:
        settings["ask_silent"] = True
    return replace(
        planned, record=replace(record, key=request_key(record.asked, sound, **settings)), readable=readable
    )


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
    sounds: dict[int, Sound | None] = {}
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
            samples, sound = clips[planned.record] or (None, None)
            _check_heard_whole(planned.record, sound, model.max_audio_s)
        except AmbivoxError as error:
            records[i] = planned.record.failed(Reason("clip", str(error)))
            continue
        if sound is not None and sound.silent and not planned.ask_silent:
            records[i] = planned.record.failed(_NOTHING_TO_HEAR, sound)
            continue
        sounds[i] = sound
        given = shared_input(planned, samples)
        if given is not None and (given in waiting or cache.find(given)):
            again.append((i, given))
            continue
        asked.append((i, _request(planned, samples)))
        if given is not None:
            waiting.add(given)
    answers = _answer(model, [request for _, request in asked])
    for (i, _), answer in zip(asked, answers, strict=True):
        if isinstance(answer, Reason):
            records[i] = records[i].failed(answer, sounds[i])
        else:
            records[i] = records[i].answered(answer, sounds[i])
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
        record.asked.prompt,
        record.asked.label_tokens,
        Path(record.asked.clip.path).name,
        n_draws=planned.n_draws,
        temperature=record.asked.temperature or 1.0,
        seed=zlib.crc32(record.key.encode()),  # each request draws answers of its own, whatever the order
        lens="lens" in planned.needs,
        score="score" in planned.needs,
    )


def _answer(model: SpeechModel, requests: Sequence[Request]) -> list[Reply | Reason]:
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
    except PartlyAnsweredError as error:
        return [a if isinstance(a, Reply) else Reason(_code(a), _one_line(a)) for a in error.answers]
    except _MODEL_ERRORS as error:
        if len(requests) == 1:
            return [Reason(_code(error), _one_line(error))]
        half = len(requests) // 2  # one odd request should cost the others little
        return _answer(model, requests[:half]) + _answer(model, requests[half:])
    return [replace(reply, sequence_logp=score) for reply, score in zip(replies, scores, strict=True)]


def _digest(without_audio: bool, clip: AskedClip) -> tuple[str, bool]:
    """What stands for the sound in a key, and whether it could be read."""
    if without_audio:
        return "no audio", True
    try:
        return audio_digest(clip.path, clip.start_s, clip.end_s, channel_named(clip.channel)), True
    except AmbivoxError as error:
        return f"unreadable: {error}", False


def _check_heard_whole(record: Record, sound: Sound | None, max_audio_s: float | None) -> None:
    asked = record.asked
    duration_s = 0.0 if sound is None else sound.duration_s
    if max_audio_s is not None and duration_s > max_audio_s + 1 / SAMPLE_RATE_HZ:
        raise AmbivoxError(
            f"{asked.clip.path}: {duration_s:.1f} s of audio, {asked.model.name} hears at most "
            f"{max_audio_s:g} s: give a start and an end"
        )


def _code(error: BaseException) -> str:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's own
        return "memory"
    return "unreachable" if isinstance(error, OSError | UnreachableError) else "model"


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if isinstance(error, AmbivoxError) else f"{type(error).__name__}: {text}"
