"""The claims of a run: every claim on every corpus and model, and the comparisons behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ambivox.choices import Cluster, FailedAs
from ambivox.errors import UsageError
from ambivox.field_claims.catalogue import all_claims
from ambivox.field_claims.claim import Claim, judge
from ambivox.field_claims.comparisons import Comparison, compare
from ambivox.field_claims.hearing import ONE_VOTE
from ambivox.field_claims.paired import Paired, paired_levels
from ambivox.metrics import METRICS
from ambivox.readouts import Readout, load_readout
from ambivox.reasons import Reason
from ambivox.run_folder import Run
from ambivox.scoring.arrow import plain_columns, to_pandas
from ambivox.scoring.cautions import run_cautions
from ambivox.scoring.keys import RowKey
from ambivox.scoring.notes import Note
from ambivox.scoring.options import DEFAULT_OPTIONS, ScoringOptions
from ambivox.scoring.read_run import RunReadings, read_run
from ambivox.scoring.readings import CorpusReadings
from ambivox.scoring.table import plain

CLAIM_SCHEMA = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("corpus", "model", "claim", "verdict", "reason", "number", "unit")
        ),
        *((name, pa.float64()) for name in ("estimate", "low", "high", "p", "p_holm")),
    ]
)
_NONE = Reason("", "")
_NO_PAIR = Reason(
    "one-level",
    "no prompt has readings at both levels",
    "give the study text-level and token-level readouts",
)


@dataclass(frozen=True)
class Basis:
    """What was tested.

    Args:
        clips, speakers: how many; no speakers where the corpus does not say.
        votes: fewest and most per clip.
        orders: of the options, at most.
        pairs: the text-level and the token-level readout of each prompt.
    """

    clips: int
    speakers: int
    votes: tuple[int, int]
    orders: int
    pairs: tuple[tuple[RowKey, RowKey], ...]


@dataclass(frozen=True)
class CorpusClaims:
    """The claims on one corpus and model.

    Args:
        basis: what was tested; None where `reason` says why nothing was.
        notes: what to know of the corpus before any verdict.
    """

    corpus: str
    model: str
    basis: Basis | None
    claims: tuple[Claim, ...]
    notes: tuple[Note, ...] = ()
    reason: Reason | None = None


@dataclass(frozen=True)
class RunClaims:
    """The claims of a run.

    Args:
        comparisons: by corpus.
        cautions: what makes the numbers of the run mean something else than they seem to.
        margin: within which differences count as none; None where nobody stated one.
    """

    metric: str
    failed_as: FailedAs
    cluster: Cluster
    corpora: tuple[CorpusClaims, ...]
    comparisons: dict[str, tuple[Comparison, ...]]
    cautions: tuple[Note, ...] = ()
    margin: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON; a number that is not finite becomes None."""
        return plain(self)

    def to_arrow(self) -> pa.Table:
        """One row per number that a claim needs (one for a claim without any), reasons as codes."""
        return pa.Table.from_pylist(list(_rows(self)), schema=CLAIM_SCHEMA)

    def to_pandas(self) -> Any:
        """The same as a pandas data frame; `UsageError` where pandas is not installed."""
        return to_pandas(self.to_arrow())


def _rows(claims: RunClaims) -> Iterator[dict[str, Any]]:
    for corpus in claims.corpora:
        for claim in corpus.claims:
            about = {
                "corpus": corpus.corpus,
                "model": corpus.model,
                "claim": claim.name,
                "verdict": claim.verdict,
                "p_holm": claim.p_holm,
                "reason": (claim.reason or claim.refuted or _NONE).code or None,
            }
            if not claim.parts:
                yield plain_columns(about)
            for part in claim.parts:
                found = part.interval
                ends = {"estimate": found.estimate, "low": found.low, "high": found.high, "p": found.p}
                yield plain_columns(about | {"number": part.what, "unit": part.unit} | ends)


def claims(
    run: Run | str | Path,
    options: ScoringOptions = DEFAULT_OPTIONS,
    *,
    metric: str = "jsd_bits",
    token: str | None = None,
    margin: float | None = None,
    n_processes: int = 1,
) -> RunClaims:
    """Put the claims of the field to the test on the records of a run. Nothing is asked of a model.

    Args:
        run: a run or its directory.
        options: as in `ambivox.score`; calibrations are left out.
        metric: one with a value per utterance.
        token: the token-level readout for all prompts, in place of the one that suits each.
        margin: the largest difference of the metric that would not matter, above 0: an undecided claim one of
            whose differences is shown to be smaller is called equivalent.
        n_processes: as in `ambivox.score`.

    Raises:
        UsageError: unknown name, no records, or no votes.
    """
    run = run if isinstance(run, Run) else Run(run)
    if margin is not None and not margin > 0:
        raise UsageError(
            f"margin: {margin:g} is not above 0; take the largest difference that would not matter"
        )
    if not METRICS[metric].per_utterance:
        raise UsageError(f"metric {metric!r}: it has no value per utterance; take jsd_bits")
    readouts = tuple(run.study().readouts if options.readouts is None else options.readouts)
    chosen = load_readout(token) if token else None
    if chosen and chosen.level != "token":
        raise UsageError(f"readout {token!r}: it is read at the {chosen.level} level; name a token-level one")
    added = () if token is None else (token,)
    options = replace(options, readouts=(*readouts, *added), calibrations=())
    readings = read_run(run, options, n_processes=n_processes, texts=False)
    return claims_of_readings(readings, metric=metric, token=chosen, margin=margin)


def claims_of_readings(
    readings: RunReadings,
    *,
    metric: str = "jsd_bits",
    token: Readout | None = None,
    margin: float | None = None,
) -> RunClaims:
    """Put the claims to the test on what was read from a run, by the options that it was read with.

    Calibrated readings are left out.
    """
    failed_as = readings.options.counts_failed_as
    found: list[CorpusClaims] = []
    comparisons = {}
    for read in readings.corpora:
        corpus = replace(read, readings=tuple(one for one in read.readings if one.key.calibration is None))
        found_pairs, without = paired_levels(corpus, metric=metric, failed_as=failed_as, token=token)
        for paired in found_pairs:
            judged = judge(all_claims(paired), margin=margin)
            found.append(
                CorpusClaims(corpus.corpus, paired.model, _basis(paired), judged, _notes(paired, corpus))
            )
        found += [CorpusClaims(corpus.corpus, model, None, (), reason=_NO_PAIR) for model in without]
        comparisons[corpus.corpus] = compare(corpus, metric=metric, failed_as=failed_as)
    return RunClaims(
        metric,
        failed_as,
        readings.options.cluster,
        tuple(found),
        comparisons,
        tuple(run_cautions(readings)),
        margin,
    )


def _basis(paired: Paired) -> Basis:
    votes = paired.clips.votes.sum(axis=1)
    return Basis(
        clips=len(paired.clips.names),
        speakers=len({speaker for speaker in paired.clips.speakers if speaker is not None}),
        votes=(int(votes.min()), int(votes.max())),
        orders=max(len(p) for p in paired.p["token", "clip"]),
        pairs=tuple(zip(paired.keys["text"], paired.keys["token"], strict=True)),
    )


def _notes(paired: Paired, corpus: CorpusReadings) -> tuple[Note, ...]:
    if not np.all(paired.clips.votes.sum(axis=1) == 1):
        return corpus.notes
    text = f"{ONE_VOTE.text}; what is tested is nearness to that label"
    return (Note(ONE_VOTE.code, text, corpus.corpus), *corpus.notes)
