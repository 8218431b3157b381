"""The facts of a corpus: clips, raters, votes, agreement, confusions, and what each option would keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any

import numpy as np

from ambivox.choices import TruthMethod
from ambivox.corpora import Corpus, Utterance, votes_of
from ambivox.emotions import OTHER, EmotionSet, emotion_sets, load_emotions
from ambivox.errors import UsageError
from ambivox.inspection.durations import Durations, measure_durations
from ambivox.inspection.options import OptionKept, SplitSizes, kept_by_options, split_sizes
from ambivox.metrics import METRICS, constant_prior, entropy_bits, uniform
from ambivox.raters.agreement import agreement, agreement_per_label, confusions
from ambivox.raters.distribution import Array
from ambivox.raters.truth import standard_error, truth_from_raters, vote_counts


@dataclass(frozen=True)
class Spread:
    """Smallest, median and largest of some numbers, and how often each whole one came up."""

    smallest: float
    median: float
    largest: float
    counts: Mapping[int, int]


@dataclass(frozen=True)
class LabelFacts:
    """One label: votes for it, its mean share of an utterance's votes, and the agreement on it.

    Args:
        standard_error: of its share in an utterance, the mean over those with two votes or more.
        alpha, kappa: against all other labels together; None where the extra ``raters`` is not installed.
        first: utterances on which no label has more votes, ties shared.
    """

    label: str
    votes: int
    share: float
    first: float
    standard_error: float | None
    alpha: float | None
    kappa: float | None


@dataclass(frozen=True)
class VoteFacts:
    """How the raters voted, over the labels of an emotion set.

    Args:
        utterances: those with a vote inside the set, U; entropy and controls are over them.
        outside: label outside the set -> votes.
        per_utterance: votes inside the set; None where only shares of them are known.
        raters: how many raters an utterance has, where it is known who they are; else as many as votes. None
            where only shares of the votes are known.
        n_raters: different raters; None where it is not known who they are.
        truth_method: by which raters are judged.
        reliability: rater -> how often they are right by it, see `RaterTruth`.
        entropy_bits: shape ``(U,)``.
        unanimous: share of utterances on which all votes are on one label.
        alpha, kappa: over all labels, one vote per rater (the main label).
        confusions: shape ``(N, N)``, one vote per rater: what a second says where a first said the row's.
        intended: intended emotion -> shape ``(N,)``, mean shares of the votes.
        controls: control -> metric -> mean score of what heard nothing.
    """

    emotion_set: str
    labels: tuple[LabelFacts, ...]
    utterances: int
    outside: Mapping[str, int]
    per_utterance: Spread | None
    raters: Spread | None
    n_raters: int | None
    truth_method: TruthMethod
    reliability: Mapping[str, float]
    entropy_bits: Array
    unanimous: float
    alpha: float | None
    kappa: float | None
    confusions: Array
    intended: Mapping[str, Array]
    controls: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class Inspection:
    """All that is told of a corpus; see `inspect_corpus`.

    Args:
        speakers: speaker -> utterances; None for utterances of unknown speaker.
        sexes, sessions, partitions, consensus: value -> utterances, None for unknown.
        votes: None where nobody rated.
    """

    corpus: str
    licence: str
    utterances: int
    load_issues: tuple[str, ...]
    durations: Durations
    speakers: Mapping[str | None, int]
    sexes: Mapping[str | None, int]
    sessions: Mapping[str | None, int]
    partitions: Mapping[str | None, int]
    consensus: Mapping[str | None, int]
    dialogues: int
    transcripts: int
    votes: VoteFacts | None
    options: tuple[OptionKept, ...]
    splits: tuple[SplitSizes, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; numbers that are not finite become None, those per utterance are summed up."""
        plain: dict[str, Any] = _plain(asdict(self))
        plain["durations"] = {
            "hours": self.durations.hours,
            "seconds": _summary(self.durations.seconds),
            "sample_rates_hz": _plain(self.durations.sample_rates_hz),
            "missing": len(self.durations.missing),
            "unreadable": len(self.durations.unreadable),
        }
        if self.votes is not None:
            plain["votes"]["entropy_bits"] = _summary(self.votes.entropy_bits)
        return plain


def inspect_corpus(
    corpus: Corpus, *, emotions: EmotionSet | None = None, truth_method: TruthMethod = "shares"
) -> Inspection:
    """Look at a corpus before any model runs.

    Args:
        corpus: loaded with ``require_audio=False`` where the loader has that option, to see what is missing.
        emotions: count votes over this set; by default over the smallest built-in set that has every label
            of the raters, or else over all labels that occur.
        truth_method: by which raters are judged reliable, a name of `TRUTH_METHODS`.

    Returns:
        The facts. Durations are read from the headers of the clips that are there.
    """
    utterances = corpus.utterances
    return Inspection(
        corpus=corpus.name,
        licence=corpus.licence,
        utterances=len(utterances),
        load_issues=corpus.notes,
        durations=measure_durations(utterances),
        speakers=_tally(utterances, "speaker"),
        sexes=_tally(utterances, "sex"),
        sessions=_tally(utterances, "session"),
        partitions=_tally(utterances, "partition"),
        consensus=_tally(utterances, "consensus"),
        dialogues=len({u.dialogue for u in utterances} - {None}),
        transcripts=sum(u.transcript is not None for u in utterances),
        votes=_vote_facts(corpus, emotions, truth_method),
        options=kept_by_options(corpus),
        splits=split_sizes(corpus),
    )


def default_emotions(utterances: Sequence[Utterance]) -> EmotionSet | None:
    """The smallest built-in set that has every label of the votes, or one of all labels, most voted first.

    None where there are fewer than two labels.
    """
    votes: Counter[str] = Counter()
    for utterance in utterances:
        votes.update(utterance.votes)
        votes.update(dict.fromkeys(utterance.shares, 1))
    for emotions in sorted(map(load_emotions, emotion_sets()), key=len):
        if votes and all(emotions.index(label) is not None for label in votes):
            return emotions
    labels = sorted(votes, key=lambda label: (label == OTHER, -votes[label], label))
    return None if len(labels) < 2 else EmotionSet("all labels", tuple(labels), tuple((n,) for n in labels))


def _vote_facts(corpus: Corpus, emotions: EmotionSet | None, method: TruthMethod) -> VoteFacts | None:
    utterances = corpus.utterances
    emotions = emotions or default_emotions(utterances)
    if emotions is None:
        return None
    shares = truth_from_raters(utterances, emotions).p
    known = np.asarray(~np.isnan(shares).any(axis=1))
    if not known.any():
        return None
    rated = [u for u, there in zip(utterances, known, strict=True) if there]
    q, counts = shares[known], vote_counts(rated, emotions)
    counted = counts[counts.any(axis=1)]
    outside: Counter[str] = Counter()
    for utterance in utterances:
        outside.update({name: n for name, n in utterance.votes.items() if emotions.index(name) is None})
    raters = {r.rater for u in utterances for r in u.ratings if not r.by_speaker} - {None}
    by_rater = [sum(not r.by_speaker for r in u.ratings) for u in rated]
    paired = _one_vote_per_rater(corpus, rated, emotions, counts)
    whole = _agreement(paired)
    return VoteFacts(
        emotion_set=emotions.name,
        labels=_label_facts(emotions, counts, q, paired),
        utterances=len(counts),
        outside=dict(outside.most_common()),
        per_utterance=_spread(counted.sum(axis=1)) if len(counted) else None,
        raters=_raters(by_rater, counted),
        n_raters=len(raters) or None,
        truth_method=method,
        reliability=_reliability(rated, emotions, method) if raters or method != "shares" else {},
        entropy_bits=entropy_bits(q),
        unanimous=float((q.max(axis=1) == 1).mean()),
        alpha=whole[0],
        kappa=whole[1],
        confusions=confusions(paired),
        intended=_by_intention(rated, q),
        controls=_controls(q),
    )


def _raters(by_rater: Sequence[int], counted: Array) -> Spread | None:
    if any(by_rater):
        return _spread(np.array(by_rater))
    return _spread(counted.sum(axis=1)) if len(counted) else None


def _reliability(
    rated: Sequence[Utterance], emotions: EmotionSet, method: TruthMethod
) -> Mapping[str, float]:
    return truth_from_raters(rated, emotions, method).reliability


def _one_vote_per_rater(
    corpus: Corpus, rated: Sequence[Utterance], emotions: EmotionSet, counts: Array
) -> Array:
    """Votes for agreement: a rater with several labels must not be taken for several who disagree."""
    if corpus.labels not in ("all-labels", "everyone"):
        return counts
    return vote_counts((replace(u, votes=votes_of(u.ratings, "primary")) for u in rated), emotions)


def _label_facts(emotions: EmotionSet, counts: Array, q: Array, paired: Array) -> tuple[LabelFacts, ...]:
    errors = standard_error(counts[counts.sum(axis=1) >= 2])
    tops = q == q.max(axis=1, keepdims=True)
    firsts = (tops / tops.sum(axis=1, keepdims=True)).sum(axis=0)
    try:
        agreements = [(found.alpha, found.kappa) for found in agreement_per_label(paired)]
    except UsageError:
        agreements = []
    return tuple(
        LabelFacts(
            label=label,
            votes=int(counts[:, n].sum()),
            share=float(q[:, n].mean()),
            first=float(firsts[n]),
            standard_error=float(errors[:, n].mean()) if len(errors) else None,
            alpha=agreements[n][0] if agreements else None,
            kappa=agreements[n][1] if agreements else None,
        )
        for n, label in enumerate(emotions.labels)
    )


def _agreement(counts: Array) -> tuple[float | None, float | None]:
    try:
        found = agreement(counts)
    except UsageError:  # the extra is not installed; the drawing says so
        return None, None
    return found.alpha, found.kappa


def _by_intention(rated: Sequence[Utterance], q: Array) -> dict[str, Array]:
    rows: dict[str, list[Array]] = {}
    for utterance, shares in zip(rated, q, strict=True):
        if utterance.intended is not None:
            rows.setdefault(utterance.intended, []).append(shares)
    return {intended: np.mean(shares, axis=0) for intended, shares in sorted(rows.items())}


def _controls(q: Array) -> dict[str, dict[str, float]]:
    """What two controls would score that know nothing, or only how the corpus is voted on as a whole."""
    controls = {"uniform": uniform(*q.shape), "constant prior": constant_prior(q)}
    return {
        control: {
            name: METRICS[name].score(p, q).value for name in ("jsd_bits", "bhattacharyya", "brier_mean")
        }
        for control, p in controls.items()
    }


def _spread(values: Array | np.ndarray[Any, Any]) -> Spread:
    counts = dict(sorted(Counter(int(v) for v in values).items()))
    return Spread(float(values.min()), float(np.median(values)), float(values.max()), counts)


def _summary(values: Array) -> dict[str, Any] | None:
    if not len(values):
        return None
    return {"mean": float(values.mean()), "quartiles": np.quantile(values, [0, 0.25, 0.5, 0.75, 1]).tolist()}


def _tally(utterances: Sequence[Utterance], attribute: str) -> dict[str | None, int]:
    counts = Counter(getattr(u, attribute) for u in utterances)
    return dict(sorted(counts.items(), key=lambda item: (item[0] is None, str(item[0]))))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {"unknown" if key is None else str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if isfinite(value) else None
    return value
