"""The clip browser's data: every clip with its votes, what was said of it and what was read from that.

Columns are as long as there are clips, and numbers are whole thousandths: 100,000 clips fit into a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ambivox.choices import ClipSound
from ambivox.metrics import entropy_bits, jsd_bits
from ambivox.present.html.packed import NOT_THERE, packed, thousandths
from ambivox.present.html.sound import clip_sounds
from ambivox.present.html.tokens import said_tokens
from ambivox.present.names import row_name
from ambivox.present.numbers import plural
from ambivox.raters.distribution import Array
from ambivox.readouts import STATUSES, Level
from ambivox.scoring import RowKey, RunReadings, ScoreTable
from ambivox.scoring.keys import prompt_text, request_key
from ambivox.scoring.readings import CorpusReadings, Readings

LEVELS: tuple[Level, ...] = ("text", "token")
TOKENS_AT_MOST = 2_000
"""Clips in a page whose answers are shown token by token."""


@dataclass(frozen=True)
class _Question:
    """A question in one order of its options, and the readings that are shown of it."""

    request: RowKey
    order: tuple[int, ...]
    shown: dict[Level, Readings]


@dataclass(frozen=True)
class Browser:
    """The clip browser of one corpus.

    Args:
        id: of its data in the page.
        people: what the truth is called.
        told: sentences on what is not there.
        packed: its columns, see `packed`.
        sounds: base64 of each clip's sound where it is embedded, else None.
    """

    id: str
    people: str
    told: tuple[str, ...]
    packed: str
    sounds: Sequence[str | None] | None


def clip_browser(
    scores: ScoreTable, readings: RunReadings, corpus: CorpusReadings, audio: ClipSound, out: Path
) -> Browser:
    """The clip browser of a corpus, in the page `out`."""
    facts, options, names = readings.facts.corpora[corpus.corpus], readings.options, corpus.clips.names
    name = f"clips-{readings.corpora.index(corpus)}"
    people = "votes" if options.truth == "votes" and options.truth_table is None else "truth"
    sources = clip_sounds(names, facts.sounds, audio, out)
    sound = {"how": audio, "sources": sources if audio == "link" else [], "id": f"{name}-sounds"}
    columns = clip_columns(scores, readings, corpus) | {"people": people, "sound": sound}
    return Browser(
        name,
        people,
        _told(len(facts.clips) - len(names), len(names), audio),
        packed(columns),
        sources if audio == "embed" else None,
    )


def _told(unrated: int, rated: int, audio: ClipSound) -> tuple[str, ...]:
    told = []
    if unrated:
        told.append(
            f"{plural(unrated, 'clip')} without votes that count {'is' if unrated == 1 else 'are'} not shown."
        )
    if rated > TOKENS_AT_MOST:
        told.append(f"Answers are shown token by token for up to {TOKENS_AT_MOST:,} clips, and so not here.")
    if audio == "none":
        told.append("The page was written without sound.")
    return tuple(told)


def clip_columns(scores: ScoreTable, readings: RunReadings, corpus: CorpusReadings) -> dict[str, Any]:
    """All that the clip browser shows of a corpus, as plain data.

    Of each question it shows the readout of either level that scored best, as its readings were scored.
    Shapes: U clips, N labels; tables are flat, row by row.
    """
    clips, labels = corpus.clips, corpus.emotions.labels
    speakers = sorted({speaker or "" for speaker in clips.speakers})
    place = {speaker: n for n, speaker in enumerate(speakers)}
    questions = _questions(scores, corpus)
    tokens = _tokens(readings, corpus) if len(clips.names) <= TOKENS_AT_MOST else {}
    return {
        "corpus": corpus.corpus,
        "labels": list(labels),
        "ids": list(clips.names),
        "speakers": speakers,
        "speaker": [place[speaker or ""] for speaker in clips.speakers],
        "votes": clips.votes.ravel().tolist(),
        "truth": thousandths(clips.q),
        "entropy": thousandths(entropy_bits(clips.q)),
        "statuses": list(STATUSES),
        "questions": [
            _columns(question, readings, corpus, len(questions) > 1)
            | {"tokens": [tokens.get((question.request, question.order, name)) for name in clips.names]}
            for question in questions
        ],
    }


def _tokens(
    readings: RunReadings, corpus: CorpusReadings
) -> dict[tuple[RowKey, tuple[int, ...], str], dict[str, Any] | None]:
    """Answers token by token, by question, order and clip: from records, since readings have no logits."""
    return {
        (request_key(record), record.asked.prompt.order, record.asked.utterance.id): said_tokens(record)
        for record in readings.run.records()
        if record.asked.control == "clip" and record.asked.utterance.corpus == corpus.corpus
    }


def _questions(scores: ScoreTable, corpus: CorpusReadings) -> list[_Question]:
    """Each question about the clips themselves, in every order that it was asked in."""
    heard = [one for one in corpus.readings if one.key.control == "clip" and one.key.calibration is None]
    by_key = {one.key: one for one in heard}
    best = [by_key[row.key] for row in scores.ranked(corpus.corpus) if row.key in by_key]
    found = []
    for request in dict.fromkeys(one.key.request for one in heard):
        # What has no score since every reading of it failed comes last.
        own = [one for one in (*best, *heard) if one.key.request == request]
        shown = {level: next((one for one in own if one.level == level), None) for level in LEVELS}
        kept = {level: one for level, one in shown.items() if one is not None}
        orders = dict.fromkeys(order for one in kept.values() for order, _ in one.conditions)
        found += [_Question(request, order, kept) for order in orders]
    return found


def _columns(
    question: _Question, readings: RunReadings, corpus: CorpusReadings, named: bool
) -> dict[str, Any]:
    key, names, labels = question.request, corpus.clips.names, corpus.emotions.labels
    found = {level: _of_order(one, question.order, len(names)) for level, one in question.shown.items()}
    several = len({condition[0] for one in question.shown.values() for condition in one.conditions}) > 1
    order = f" · options in the order {', '.join(labels[n] for n in question.order)}" if several else ""
    columns: dict[str, Any] = {
        "name": f"{key.model} · {prompt_text(key)}{order}" if named else prompt_text(key),
        "answers": [readings.facts.texts.get((key, question.order, name)) for name in names],
        "levels": {
            level: {
                "readout": row_name(question.shown[level].key),
                "p": thousandths(p),
                "status": statuses,
                "from_truth": thousandths(_divergence(p, corpus.clips.q)),
            }
            for level, (p, statuses) in found.items()
        },
    }
    if len(found) == len(LEVELS):
        columns["between"] = thousandths(_divergence(found["text"][0], found["token"][0]))
    return columns


def _of_order(one: Readings, order: tuple[int, ...], n_clips: int) -> tuple[Array, list[int]]:
    """The readings of one order clip by clip: shape ``(U, N)``, ``nan`` where there is none, and statuses."""
    codes = [code for code, condition in enumerate(one.conditions) if condition[0] == order]
    p, statuses = np.full((n_clips, one.p.shape[1]), np.nan), [NOT_THERE] * n_clips
    for row in np.flatnonzero(np.isin(one.variants, codes)):
        p[one.clips[row]] = one.p[row]
        statuses[one.clips[row]] = STATUSES.index(one.statuses[row])
    return p, statuses


def _divergence(p: Array, q: Array) -> Array:
    """Jensen-Shannon, in bits, shape ``(U,)``; ``nan`` where one of the two is missing."""
    both = ~(np.isnan(p[:, 0]) | np.isnan(q[:, 0]))
    found = np.full(len(p), np.nan)
    found[both] = jsd_bits(p[both], q[both])
    return found
