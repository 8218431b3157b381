"""The claims of a run: every claim on every corpus and model, and the comparisons behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ambivox.choices import Cluster, FailedAs, Outside
from ambivox.errors import UsageError, unknown_name
from ambivox.field_claims.catalogue import ONE_VOTE, all_claims
from ambivox.field_claims.claim import Claim, judge
from ambivox.field_claims.comparisons import Comparison, compare
from ambivox.field_claims.paired import Paired, paired_levels
from ambivox.metrics import METRICS
from ambivox.readouts import load_readouts
from ambivox.run.folder import Run
from ambivox.scoring.parallel import answered
from ambivox.scoring.readings import CorpusReadings, read_all
from ambivox.scoring.table import plain


@dataclass(frozen=True)
class CorpusClaims:
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
class RunClaims:
    """The claims of a run.

    Args:
        comparisons: by corpus.
    """

    metric: str
    failed_as: FailedAs
    cluster: Cluster
    corpora: tuple[CorpusClaims, ...]
    comparisons: dict[str, tuple[Comparison, ...]]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; a number that is not finite becomes None."""
        return plain(self)


def claims(
    run: Run | str | Path,
    *,
    metric: str = "jsd_bits",
    token: str | None = None,
    readouts: Sequence[str] | None = None,
    outside: Outside = "drop",
    failed_as: FailedAs = "uniform",
    cluster: Cluster = "speaker",
    n_processes: int = 1,
) -> RunClaims:
    """Put the claims of the field to the test on the records of a run. Nothing is asked of a model.

    Args:
        metric: one with a value per utterance.
        token: the token-level readout for all prompts, in place of the one that suits each.
        readouts: in place of the study's.
        outside, failed_as, cluster, n_processes: as in `ambivox.score`.

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
    found: list[CorpusClaims] = []
    comparisons = {}
    for corpus in corpora:
        found_pairs, without = paired_levels(corpus, metric=metric, failed_as=failed_as, token=token)
        for paired in found_pairs:
            judged = judge(all_claims(paired))
            found.append(
                CorpusClaims(corpus.corpus, paired.model, _basis(paired), judged, _notes(paired, corpus))
            )
        reason = "no prompt has readings at both levels: give the study text-level and token-level readouts"
        found += [CorpusClaims(corpus.corpus, model, reason, ()) for model in without]
        comparisons[corpus.corpus] = compare(corpus, metric=metric, failed_as=failed_as)
    return RunClaims(metric, failed_as, cluster, tuple(found), comparisons)


def _basis(paired: Paired) -> str:
    clips = paired.clips
    votes = clips.votes.sum(axis=1)
    each = f"{votes.min()}" if votes.min() == votes.max() else f"{votes.min()} to {votes.max()}"
    speakers = len({speaker for speaker in clips.speakers if speaker is not None})
    orders = max(len(p) for p in paired.p["token", "clip"])
    pairs = dict.fromkeys(zip(paired.readouts["text"], paired.readouts["token"], strict=True))
    levels = "; ".join(
        f"{', '.join(_prompts(paired, text, token))}: {text} against {token}" for text, token in pairs
    )
    return (
        f"{len(clips.names)} clips of {speakers or 'unknown'} speakers, {each} vote(s) each; {levels}; "
        f"{orders} order(s) of the options"
    )


def _prompts(paired: Paired, text: str, token: str) -> list[str]:
    readouts = zip(paired.prompts, paired.readouts["text"], paired.readouts["token"], strict=True)
    return [prompt for prompt, *pair in readouts if pair == [text, token]]


def _notes(paired: Paired, corpus: CorpusReadings) -> tuple[str, ...]:
    notes = [note.removeprefix(f"{corpus.corpus}: ") for note in corpus.notes]
    if paired.clips.votes.sum(axis=1).max() < 2:
        notes.insert(0, f"{ONE_VOTE}; what is tested is nearness to that label")
    return tuple(notes)
