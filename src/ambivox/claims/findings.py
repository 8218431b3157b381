"""The findings of a run: every claim on every corpus and model, and the comparisons behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ambivox.claims.claim import Claim, judge
from ambivox.claims.comparisons import Comparison, compare
from ambivox.claims.field import ONE_VOTE, all_claims
from ambivox.claims.frame import Frame, frames
from ambivox.distribution import Outside
from ambivox.errors import UsageError, unknown_name
from ambivox.metrics import METRICS, FailedAs
from ambivox.readouts import load_readouts
from ambivox.studies.parallel import answered
from ambivox.studies.readings import Cluster, CorpusReadings, read_all
from ambivox.studies.run import Run
from ambivox.studies.table import plain


@dataclass(frozen=True)
class CorpusFindings:
    """The claims on one corpus and model.

    Args:
        basis: what was tested, in words: clips, speakers, votes, prompts and readouts.
        notes: what to know of the corpus before any verdict.
    """

    corpus: str
    model: str
    basis: str
    claims: tuple[Claim, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Findings:
    """All that `find` found.

    Args:
        comparisons: by corpus.
    """

    metric: str
    failed_as: FailedAs
    cluster: Cluster
    corpora: tuple[CorpusFindings, ...]
    comparisons: dict[str, tuple[Comparison, ...]]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; a number that is not finite becomes None."""
        return plain(self)


def find(
    run: Run | str | Path,
    *,
    metric: str = "jsd_bits",
    token: str | None = None,
    readouts: Sequence[str] | None = None,
    outside: Outside = "drop",
    failed_as: FailedAs = "uniform",
    cluster: Cluster = "speaker",
    n_processes: int = 1,
) -> Findings:
    """Put the claims of the field to the test on the records of a run. Nothing is asked of a model.

    Args:
        metric: one with a value per utterance.
        token: the token-level readout for all prompts, in place of the one that suits each.
        readouts: in place of the study's.
        outside, failed_as, cluster, n_processes: as in `ambivox.studies.score`.

    Raises:
        UsageError: unknown name, no records, or no votes.
    """
    run = run if isinstance(run, Run) else Run(Path(run))
    if not METRICS[metric].per_utterance:
        raise UsageError(f"metric {metric!r}: it has no value per utterance; take jsd_bits")
    wanted = load_readouts([*(readouts or run.study().readouts), *([token] if token else [])])
    token = load_readouts([token])[0].name if token else None
    if token and token not in {r.name for r in wanted if r.level == "token"}:
        raise unknown_name("token-level readout", token, [r.name for r in wanted if r.level == "token"])
    corpora, _ = read_all(answered(run, wanted, n_processes), wanted, outside=outside, cluster=cluster)
    if not corpora:
        raise UsageError(f"{run.folder}: no clip with votes inside the emotion set, nothing to test against")
    found: list[CorpusFindings] = []
    comparisons = {}
    for corpus in corpora:
        framed, without = frames(corpus, metric=metric, failed_as=failed_as, token=token)
        for frame in framed:
            claims = judge(all_claims(frame))
            found.append(
                CorpusFindings(corpus.corpus, frame.model, _basis(frame), claims, _notes(frame, corpus))
            )
        reason = "no prompt has readings at both levels: give the study text-level and token-level readouts"
        found += [CorpusFindings(corpus.corpus, model, reason, ()) for model in without]
        comparisons[corpus.corpus] = compare(corpus, metric=metric, failed_as=failed_as)
    return Findings(metric, failed_as, cluster, tuple(found), comparisons)


def _basis(frame: Frame) -> str:
    clips = frame.clips
    votes = clips.votes.sum(axis=1)
    each = f"{votes.min()}" if votes.min() == votes.max() else f"{votes.min()} to {votes.max()}"
    speakers = len({speaker for speaker in clips.speakers if speaker is not None})
    orders = max(len(p) for p in frame.p["token", "none"])
    pairs = dict.fromkeys(zip(frame.readouts["text"], frame.readouts["token"], strict=True))
    levels = "; ".join(
        f"{', '.join(_prompts(frame, text, token))}: {text} against {token}" for text, token in pairs
    )
    return (
        f"{len(clips.names)} clips of {speakers or 'unknown'} speakers, {each} vote(s) each; {levels}; "
        f"{orders} order(s) of the options"
    )


def _prompts(frame: Frame, text: str, token: str) -> list[str]:
    readouts = zip(frame.prompts, frame.readouts["text"], frame.readouts["token"], strict=True)
    return [prompt for prompt, *pair in readouts if pair == [text, token]]


def _notes(frame: Frame, corpus: CorpusReadings) -> tuple[str, ...]:
    notes = [note.removeprefix(f"{corpus.corpus}: ") for note in corpus.notes]
    if frame.clips.votes.sum(axis=1).max() < 2:
        notes.insert(0, f"{ONE_VOTE}; what is tested is nearness to that label")
    return tuple(notes)
