"""The clip browser's data: every clip with its votes, what was said of it and what was read from that.

Columns are as long as there are clips, and numbers are whole thousandths: 100,000 clips fit into a page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ambivox.choices import ClipSound
from ambivox.metrics import entropy_bits, jsd_bits
from ambivox.present.figures.charts import GREY, TEXT, TOKEN
from ambivox.present.figures.of_readings import Named
from ambivox.present.html.packed import NOT_THERE, packed, thousandths
from ambivox.present.html.sound import clip_sounds
from ambivox.present.html.tokens import said_tokens
from ambivox.present.names import row_name, several_models
from ambivox.present.numbers import plural
from ambivox.raters.distribution import Array
from ambivox.readouts import STATUSES, Level
from ambivox.record import AskedClip
from ambivox.scoring import RowKey, RunReadings, ScoreTable
from ambivox.scoring.keys import prompt_text, request_key
from ambivox.scoring.readings import CorpusReadings, Readings

LEVELS: tuple[Level, ...] = ("text", "token")
CLIP_LEGEND = (("votes", GREY), ("text level", TEXT.colour), ("token level", TOKEN.colour))
"""The colours of `clips.js`."""
TOKENS_AT_MOST = 2_000
"""Clips in a page whose answers are shown token by token."""


@dataclass(frozen=True)
class _Part:
    """What one run read of a corpus.

    Args:
        run: its name; empty where there is just one.
        places: shape ``(U,)``, where each of its clips stands among those of all runs.
    """

    run: str
    readings: RunReadings
    corpus: CorpusReadings
    places: NDArray[np.intp]


@dataclass(frozen=True)
class _Question:
    """A question in one order of its options, and the readings that are shown of it."""

    part: _Part
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


def clip_browser(scores: ScoreTable, readings: Named, corpus: str, audio: ClipSound, out: Path) -> Browser:
    """The clip browser of a corpus, in the page `out`; of several runs, with their questions side by side."""
    own = [one for _, one in readings if any(found.corpus == corpus for found in one.corpora)]
    options = own[0].options
    people = "votes" if options.truth == "votes" and options.truth_table is None else "truth"
    columns = clip_columns(scores, readings, corpus) | {"people": people}
    every = {clip for one in own for clip in one.facts.corpora[corpus].clips}
    where = {clip: sound for one in own for clip, sound in one.facts.corpora[corpus].sounds.items()}
    told = _told(len(every) - len(columns["ids"]), len(columns["ids"]), audio)
    return browser_of(f"clips-{scores.corpora.index(corpus)}", columns, where, told, audio, out)


def browser_of(
    name: str,
    columns: dict[str, Any],
    where: Mapping[str, AskedClip],
    told: Sequence[str],
    audio: ClipSound,
    out: Path,
) -> Browser:
    """The clip browser of columns as `clip_columns` gives them, with ``people``, what the truth is called."""
    sources = clip_sounds(columns["ids"], where, audio, out)
    sound = {"how": audio, "sources": sources if audio == "link" else [], "id": f"{name}-sounds"}
    return Browser(
        name,
        columns["people"],
        tuple(told),
        packed(columns | {"sound": sound}),
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


def clip_columns(scores: ScoreTable, readings: Named, corpus: str) -> dict[str, Any]:
    """All that the clip browser shows of a corpus, as plain data.

    Of each question it shows the readout of either level that scored best, as its readings were scored.
    Shapes: U clips, N labels; tables are flat, row by row.
    """
    parts = _parts(readings, corpus)
    labels = parts[0].corpus.emotions.labels
    n_clips = 1 + max(int(part.places.max()) for part in parts)
    votes, truth = np.zeros((n_clips, len(labels)), dtype=np.int64), np.empty((n_clips, len(labels)))
    names, speakers = [""] * n_clips, [""] * n_clips
    for part in parts:
        clips = part.corpus.clips
        votes[part.places], truth[part.places] = clips.votes, clips.q
        for place, name, speaker in zip(part.places, clips.names, clips.speakers, strict=True):
            names[place], speakers[place] = name, speaker or ""
    questions = [question for part in parts for question in _questions(scores, part)]
    several = several_models(scores.rows)
    asked = [_columns(question, n_clips, several, len(questions) > 1) for question in questions]
    if n_clips <= TOKENS_AT_MOST:
        tokens = {part.run: _tokens(part) for part in parts}
        for question, columns in zip(questions, asked, strict=True):
            found = tokens[question.part.run]
            columns["tokens"] = [found.get((question.request, question.order, name)) for name in names]
    return vote_columns(corpus, labels, names, speakers, votes, truth) | {
        "questions": asked,
        "beside": _other_model(questions),
    }


def vote_columns(
    corpus: str,
    labels: Sequence[str],
    names: Sequence[str],
    speakers: Sequence[str],
    votes: NDArray[np.int64],
    truth: Array,
) -> dict[str, Any]:
    """What is known of clips before anything is asked.

    Args:
        votes, truth: shape ``(U, N)``; truth is ``nan`` for a clip that nobody rated.
    """
    known = sorted(set(speakers))
    place = {speaker: n for n, speaker in enumerate(known)}
    return {
        "corpus": corpus,
        "labels": list(labels),
        "ids": list(names),
        "speakers": known,
        "speaker": [place[speaker] for speaker in speakers],
        "votes": votes.ravel().tolist(),
        "truth": thousandths(truth),
        "entropy": thousandths(_entropies(truth)),
        "statuses": list(STATUSES),
        "questions": [],
        "beside": None,
    }


def _entropies(truth: Array) -> Array:
    """Shape ``(U,)``, in bits; ``nan`` where there is no truth."""
    found = np.full(len(truth), np.nan)
    known = ~np.isnan(truth).any(axis=1) & (truth.shape[1] > 0)
    if known.any():
        found[known] = entropy_bits(truth[known])
    return found


def _parts(readings: Named, corpus: str) -> list[_Part]:
    """The runs that have the corpus; clips are numbered in the order in which they first come."""
    numbers: dict[str, int] = {}
    parts = []
    for run, one in readings:
        for found in one.corpora:
            if found.corpus == corpus:
                places = [numbers.setdefault(name, len(numbers)) for name in found.clips.names]
                parts.append(_Part(run, one, found, np.array(places, dtype=np.intp)))
    return parts


def _other_model(questions: Sequence[_Question]) -> int | None:
    """The first question to another model than the first one's, which is shown beside it at first."""
    asked = [(question.part.run, question.request.model) for question in questions]
    return next((n for n, one in enumerate(asked) if one != asked[0]), None)


def _tokens(part: _Part) -> dict[tuple[RowKey, tuple[int, ...], str], dict[str, Any] | None]:
    """Answers token by token, by question, order and clip: from records, since readings have no logits."""
    return {
        (request_key(record), record.asked.prompt.order, record.asked.utterance.id): said_tokens(record)
        for record in part.readings.run.records()
        if record.asked.control == "clip" and record.asked.utterance.corpus == part.corpus.corpus
    }


def _questions(scores: ScoreTable, part: _Part) -> list[_Question]:
    """Each question about the clips themselves, in every order that it was asked in."""
    heard = [one for one in part.corpus.readings if one.key.control == "clip" and one.key.calibration is None]
    by_key = {replace(one.key, run=part.run): one for one in heard}
    ranked = [row.key for row in scores.ranked(part.corpus.corpus) if isinstance(row.key, RowKey)]
    best = [by_key[key] for key in ranked if key in by_key]
    found = []
    for request in dict.fromkeys(one.key.request for one in heard):
        # What has no score since every reading of it failed comes last.
        own = [one for one in (*best, *heard) if one.key.request == request]
        shown = {level: next((one for one in own if one.level == level), None) for level in LEVELS}
        kept = {level: one for level, one in shown.items() if one is not None}
        orders = dict.fromkeys(order for one in kept.values() for order, _ in one.conditions)
        found += [_Question(part, request, order, kept) for order in orders]
    return found


def _columns(question: _Question, n_clips: int, several: bool, named: bool) -> dict[str, Any]:
    part, key = question.part, question.request
    clips, labels = part.corpus.clips, part.corpus.emotions.labels
    found = {level: _of_order(one, question.order, len(clips.names)) for level, one in question.shown.items()}
    orders = {condition[0] for one in question.shown.values() for condition in one.conditions}
    order = f"options in the order {', '.join(labels[n] for n in question.order)}" if len(orders) > 1 else ""
    of = [part.run, key.model if several or not part.run else ""] if named else []
    texts: list[str | None] = [None] * n_clips
    said = (part.readings.facts.texts or {}).get((key, question.order), {})
    for place, name in zip(part.places, clips.names, strict=True):
        texts[place] = said.get(name)
    columns: dict[str, Any] = {
        "name": " · ".join(filter(None, [*dict.fromkeys(of), prompt_text(key), order])),
        "answers": texts,
        "tokens": [],
        "levels": {
            level: {
                "readout": row_name(question.shown[level].key),
                "p": thousandths(_among_all(p, part.places, n_clips)),
                "status": _among_all(statuses, part.places, n_clips, NOT_THERE).tolist(),
                "from_truth": thousandths(_among_all(_divergence(p, clips.q), part.places, n_clips)),
            }
            for level, (p, statuses) in found.items()
        },
    }
    if len(found) == len(LEVELS):
        between = _divergence(found["text"][0], found["token"][0])
        columns["between"] = thousandths(_among_all(between, part.places, n_clips))
    return columns


def _among_all(values: Any, places: NDArray[np.intp], n_clips: int, missing: float = np.nan) -> Array:
    """The values of a run's clips at the places of these among those of all runs."""
    found = np.full((n_clips, *values.shape[1:]), missing, dtype=values.dtype)
    found[places] = values
    return found


def _of_order(one: Readings, order: tuple[int, ...], n_clips: int) -> tuple[Array, NDArray[np.intp]]:
    """The readings of one order clip by clip: shape ``(U, N)``, ``nan`` where there is none, and statuses."""
    codes = [code for code, condition in enumerate(one.conditions) if condition[0] == order]
    p, statuses = np.full((n_clips, one.p.shape[1]), np.nan), np.full(n_clips, NOT_THERE, dtype=np.intp)
    for row in np.flatnonzero(np.isin(one.variants, codes)):
        p[one.clips[row]] = one.p[row]
        statuses[one.clips[row]] = one.status_codes[row]
    return p, statuses


def _divergence(p: Array, q: Array) -> Array:
    """Jensen-Shannon, in bits, shape ``(U,)``; ``nan`` where one of the two is missing."""
    both = ~(np.isnan(p[:, 0]) | np.isnan(q[:, 0]))
    found = np.full(len(p), np.nan)
    found[both] = jsd_bits(p[both], q[both])
    return found
