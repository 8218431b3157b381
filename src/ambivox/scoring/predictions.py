"""Score distributions that are at hand as arrays, and not in the records of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from ambivox.choices import Cluster
from ambivox.emotions import EmotionSet
from ambivox.raters.distribution import Array
from ambivox.readouts import STATUSES, Level, Status
from ambivox.reasons import Reason
from ambivox.scoring.gather import clips_of
from ambivox.scoring.keys import RowKey
from ambivox.scoring.notes import Note
from ambivox.scoring.options import DEFAULT_OPTIONS, ScoringOptions
from ambivox.scoring.readings import Clips, CorpusReadings, Readings
from ambivox.scoring.rows import CorpusScorer
from ambivox.scoring.table import ScoreRow


@dataclass(frozen=True)
class Predictions:
    """One distribution per clip, and what they are called.

    Args:
        key: what their row is about.
        level: ``text`` or ``token``.
        p: shape ``(U, N)``; rows of ``nan`` where there is none.
        statuses: U of them; the word for why there is none.
    """

    key: RowKey
    level: Level
    p: Array
    statuses: tuple[Status, ...]


def rated_clips(
    names: Sequence[str],
    speakers: Sequence[str | None],
    votes: ArrayLike,
    q: Array,
    *,
    corpus: str,
    cluster: Cluster = "speaker",
    prior: Array | None = None,
) -> tuple[Clips, list[Note]]:
    """Clips with their truth, and what must be known of their prior and clusters.

    Args:
        names, speakers: shape ``(U,)``.
        votes, q: shape ``(U, N)``, counts and truths.
        corpus: for the notes.
        cluster: what intervals take for independent.
        prior: shape ``(N,)``, the mean vote of other clips; None takes the leave-one-speaker-out prior.
    """
    clips, notes = clips_of(names, speakers, np.asarray(votes, np.int64), q, corpus=corpus, cluster=cluster)
    if prior is not None:
        clips = replace(clips, prior=np.tile(prior, (len(q), 1)), prior_is_own=False)
    return clips, notes


def score_predictions(
    predictions: Sequence[Predictions],
    clips: Clips,
    emotions: EmotionSet,
    options: ScoringOptions = DEFAULT_OPTIONS,
    *,
    corpus: str = "",
) -> list[ScoreRow]:
    """Rows as `score` makes them of a run: controls first, then the predictions in their order.

    >>> from ambivox.emotions import load_emotions
    >>> votes = np.array([[3, 1, 0, 0], [0, 2, 2, 0], [0, 0, 1, 3]])
    >>> clips, _ = rated_clips("abc", "xyz", votes, votes / 4, corpus="mine", cluster="clip")
    >>> guess = Predictions(RowKey("mine", "guess"), "text", np.full((3, 4), 0.25), ("ok",) * 3)
    >>> row = score_predictions([guess], clips, load_emotions("iemocap4"))[-1]
    >>> round(row.value("accuracy"), 3)
    0.25
    """
    return CorpusScorer(corpus_readings(predictions, clips, emotions, corpus), options).rows()


def corpus_readings(
    predictions: Sequence[Predictions],
    clips: Clips,
    emotions: EmotionSet,
    corpus: str,
    notes: Sequence[Note] = (),
) -> CorpusReadings:
    """Predictions as the readings of a corpus."""
    readings = tuple(_readings(one, emotions) for one in predictions)
    return CorpusReadings(corpus, emotions, clips, readings, tuple(notes))


def _readings(one: Predictions, emotions: EmotionSet) -> Readings:
    once = np.zeros(len(one.p), dtype=np.intp)
    nothing = np.full(len(one.p), np.nan)
    failed = np.flatnonzero(np.isnan(one.p).any(axis=1))
    return Readings(
        one.key,
        one.level,
        clips=np.arange(len(one.p)),
        variants=once,
        p=one.p,
        mass=nothing,
        forms_shift=nothing,
        status_codes=np.array([STATUSES.index(status) for status in one.statuses], dtype=np.uint8),
        conditions=((tuple(range(len(emotions))), False),),
        reasons={int(n): Reason(one.statuses[n], "") for n in failed},
    )
