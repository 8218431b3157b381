"""The clip browser of a corpus that nothing was asked about: every clip with its votes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ambivox.choices import ClipSound
from ambivox.corpora import Corpus, Utterance
from ambivox.emotions import EmotionSet
from ambivox.present.html.clips import Browser, browser_of, vote_columns
from ambivox.raters.truth import truth_from_raters, vote_counts
from ambivox.record import AskedClip


def corpus_browser(corpus: Corpus, emotions: EmotionSet | None, audio: ClipSound, out: Path) -> Browser:
    """All clips of a corpus, rated or not, in the page `out`.

    Args:
        emotions: what the votes are counted over; None where nobody rated.
    """
    every = corpus.utterances
    labels = () if emotions is None else emotions.labels
    votes, truth = np.zeros((len(every), len(labels)), dtype=np.int64), np.empty((len(every), len(labels)))
    if emotions is not None:
        votes, truth = vote_counts(every, emotions).astype(np.int64), truth_from_raters(every, emotions).p
    names, speakers = [one.id for one in every], [one.speaker or "" for one in every]
    columns = vote_columns(corpus.name, labels, names, speakers, votes, truth)
    where = {one.id: _clip(one) for one in every}
    return browser_of(
        "clips-0",
        columns | {"people": "votes", "about": [_about(one) for one in every]},
        where,
        (),
        audio,
        out,
    )


def _clip(one: Utterance) -> AskedClip:
    channel = None if one.channel is None else str(one.channel)
    return AskedClip(str(one.audio), one.start_s, one.end_s, one.id, channel)


def _about(one: Utterance) -> str:
    """What is known of a clip beside its votes."""
    parts = (
        f"intended {one.intended}" if one.intended else "",
        f"published as {one.consensus}" if one.consensus else "",
        f"“{one.transcript}”" if one.transcript else "",
    )
    return " · ".join(filter(None, parts))
