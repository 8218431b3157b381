"""How often verdicts are wrong, and what true effects they find.

``python -m benchmarks.simulated_verdicts --data DIR`` writes benchmarks/results/verdicts.json by cells, and
goes on where it was stopped. The tables go to benchmarks/results/verdicts.md. DIR holds crema-d.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from ambivox.field_claims.catalogue import all_claims
from ambivox.field_claims.claim import Claim, judge
from ambivox.field_claims.paired import Paired
from ambivox.metrics import vote_prior
from ambivox.raters.distribution import Array
from ambivox.scoring.readings import Clips
from ambivox.statistics import (
    Interval,
    ambiguity_tertiles,
    cluster_sums,
    prior_scatter,
    rarefied_entropy_bits,
    ratio_intervals,
    sharpened_prior,
)
from benchmarks.coverage import BLOCK, RESULTS, SPEAKERS, percent, table
from benchmarks.kept import Kept
from benchmarks.simulated_listeners import (
    LISTENERS,
    Draw,
    Listener,
    Population,
    clips_of,
    crema_d,
    hearing,
    paired,
    simulated,
    unchecked_jsd_bits,
)
from benchmarks.simulated_studies import WORLDS
from benchmarks.simulated_values import flipped, plain_bootstrap_t

CONSTANT = tuple(name for name in LISTENERS if "mean vote" in name or "constant" in name)
"""Listeners that never vary, about whom chance decides nothing."""
WRONG = ("constant", "verdicts", "worlds")
"""The tables of wrong verdicts; the fourth is the power."""
KNOWS = (0.04, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3)
"""How far listeners lean to the clip, for the power."""


@contextmanager
def collected() -> Iterator[list[tuple[Array, Array]]]:
    """Keep the values and clusters of each part instead of finding its interval, which tells their place."""
    kept: list[tuple[Array, Array]] = []

    def keep(values: Array, groups: Sequence[int], **_: Any) -> Interval:
        kept.append((values, np.asarray(groups)))
        return Interval(float(np.nanmean(values)), np.nan, np.nan, clusters=len(kept) - 1)

    with patch("ambivox.field_claims.claim.mean_interval", keep):
        yield kept


@contextmanager
def of_one_corpus() -> Iterator[None]:
    """Remember what depends on the votes alone, while several listeners are asked about them."""
    known: dict[tuple[Any, ...], Any] = {}

    def remembering(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(votes: Array, *others: Any, **options: Any) -> Any:
            key = (function.__name__, np.asarray(votes).tobytes())
            if key not in known:
                known[key] = function(votes, *others, **options)
            return known[key]

        return call

    with (
        patch("ambivox.field_claims.hearing.sharpened_prior", remembering(sharpened_prior)),
        patch("ambivox.field_claims.paired.ambiguity_tertiles", remembering(ambiguity_tertiles)),
        patch("ambivox.field_claims.catalogue.rarefied_entropy_bits", remembering(rarefied_entropy_bits)),
    ):
        yield


@dataclass
class Unjudged:
    """The claims of a study whose intervals are still to be found, and the sums of each part."""

    claims: list[Claim]
    sums: list[Array]

    @classmethod
    def of(cls, study: Paired) -> Unjudged:
        """All claims on a study."""
        with collected() as kept:
            claims = all_claims(study)
        sums = []
        for part in (part for claim in claims for part in claim.parts):
            values, codes = kept[part.interval.clusters]
            there = ~np.isnan(values)
            both = np.column_stack([np.where(there, values, 0.0), there])
            sums.append(cluster_sums(both, codes, study.clips.n_clusters))
        return cls(claims, sums)


def judged(studies: Sequence[Unjudged], n_draws: int = 1999) -> list[tuple[Claim, ...]]:
    """The verdicts on several studies of as many speakers; all intervals are found together."""
    columns = np.array([sums for study in studies for sums in study.sums])
    found = iter(
        ratio_intervals(columns[..., 0].T, columns[..., 1].T, n_draws=n_draws) if len(columns) else []
    )
    return [
        judge(
            [
                replace(claim, parts=tuple(replace(part, interval=next(found)) for part in claim.parts))
                for claim in study.claims
            ]
        )
        for study in studies
    ]


def is_wrong(claim: Claim, deaf: bool) -> bool:
    """Whether a verdict says what is false of a listener: see `simulated_listeners`."""
    hearing = claim.name.startswith(("hears", "audio-carries", "beats-prior", "ambiguous-by-skill"))
    if claim.name in ("token-beats-text", "steadier"):
        return claim.verdict in ("supported", "contradicted")
    if hearing or claim.name == "follows-ambiguity":
        neither = claim.name == "follows-ambiguity" and deaf
        wrong = ("supported", "contradicted") if neither else ("supported",) if deaf else ("contradicted",)
        return claim.verdict in wrong
    return False


@dataclass(frozen=True)
class FormerPrior:
    """What the former rule measured skill against: the leave-one-speaker-out mean vote."""

    clips: Clips
    scores: Array
    scatter: Array

    @classmethod
    def of(cls, clips: Clips) -> FormerPrior:
        """Of the votes of a corpus."""
        prior = vote_prior(clips.q, clips.codes.tolist()).p
        scatter = prior_scatter(prior, clips.q, unchecked_jsd_bits)
        return cls(clips, unchecked_jsd_bits(prior, clips.q), scatter)

    def sums(self, study: Paired) -> tuple[Array, Array]:
        """The sums of the former part of ``beats-prior``."""
        codes, n = self.clips.codes, self.clips.n_clusters
        scores, control = study.scores("token")[0], self.scores
        skill = 1 - scores.mean() / control.mean()
        moved = (1 - skill) * (control + self.scatter) - scores
        values = skill + (moved - moved.mean()) / control.mean()
        return cluster_sums(values, codes, n), cluster_sums(np.ones(len(values)), codes, n)


def supported_before(sums: Sequence[tuple[Array, Array]], rng: np.random.Generator) -> int:
    """How often the former rule supported ``beats-prior`` when it alone was tested."""
    above, clips = (np.array(side).T for side in zip(*sums, strict=True))
    low = plain_bootstrap_t(above, clips, 1999)[0]
    return int(((low > 0) & (flipped(above, rng) < 0.05)).sum())


def measure(
    draw: Draw, listeners: Mapping[str, Listener], n_speakers: int, seed: Sequence[int]
) -> dict[str, Any]:
    """Of `BLOCK` corpora, the verdicts on every listener: how many are wrong, by claim, and more.

    ``alone`` counts ``beats-prior`` called supported if it were the only claim, ``alone before`` the same by
    the former rule.
    """
    rng = np.random.default_rng([*seed, n_speakers])
    population = Population.of(draw(400, np.random.default_rng(1)).q)
    unjudged: dict[str, list[Unjudged]] = {name: [] for name in listeners}
    former: dict[str, list[tuple[Array, Array]]] = {name: [] for name in listeners}
    for _ in range(BLOCK):
        corpus = draw(n_speakers, rng)
        clips = clips_of(corpus)
        prior = FormerPrior.of(clips)
        with of_one_corpus():
            for name, listener in listeners.items():
                study = paired(corpus, clips, listener, population, rng)
                unjudged[name].append(Unjudged.of(study))
                former[name].append(prior.sums(study))
    return {
        name: _counted(judged(unjudged[name]), listener.deaf)
        | {"alone before": supported_before(former[name], rng)}
        for name, listener in listeners.items()
    }


def _counted(studies: Sequence[tuple[Claim, ...]], deaf: bool) -> dict[str, Any]:
    wrong: Counter[str] = Counter()
    any_wrong = alone = supported = 0
    skills = []
    for claims in studies:
        own = [claim.name for claim in claims if is_wrong(claim, deaf)]
        wrong.update(own)
        any_wrong += bool(own)
        beats = next(claim for claim in claims if claim.name == "beats-prior")
        above = bool(beats.parts) and all(part.interval.estimate > 0 for part in beats.parts)
        alone += above and beats.p < 0.05
        supported += beats.verdict == "supported"
        skills += [part.interval.estimate for part in beats.parts[:1]]
    return {
        "studies": len(studies),
        "wrong": dict(sorted(wrong.items())),
        "any": any_wrong,
        "alone": int(alone),
        "supported": supported,
        "skill": float(np.mean(skills)) if skills else 0.0,
    }


def added(blocks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The counts of several blocks of studies of one listener."""
    wrong: Counter[str] = Counter()
    for block in blocks:
        wrong.update(block["wrong"])
    sums = {
        key: sum(block[key] for block in blocks)
        for key in ("studies", "any", "alone", "alone before", "supported")
    }
    return sums | {"wrong": dict(wrong), "skill": float(np.mean([block["skill"] for block in blocks]))}


@dataclass(frozen=True)
class Cells:
    """The cells of a table: who listens to which corpora, with so many speakers."""

    kind: str
    corpora: Mapping[str, tuple[Draw, Mapping[str, Listener]]]

    def compute(self, kept: Kept, block: int, speakers: Sequence[int]) -> None:
        """Measure a block of studies of every cell; what is kept is not computed again."""
        for n in speakers:
            for place, (corpus, (draw, listeners)) in enumerate(self.corpora.items()):
                kept.get(
                    f"{self.kind} | {corpus} | {n} | {block}",
                    partial(measure, draw, listeners, n, (place, block)),
                )

    def found(self, kept: Kept) -> Iterator[tuple[str, str, int, dict[str, Any]]]:
        """Corpora, listener, speakers, and the counts of all blocks that were kept."""
        for corpus, (_, listeners) in self.corpora.items():
            for name in listeners:
                for n in SPEAKERS:
                    prefix = f"{self.kind} | {corpus} | {n} | "
                    blocks = [cell[name] for key, cell in kept.cells.items() if key.startswith(prefix)]
                    if blocks:
                        yield corpus, name, n, added(blocks)


def verdict_rows(cells: Cells, kept: Kept) -> Iterator[list[object]]:
    """Wrong verdicts of every listener on every corpus, with so many speakers and in all."""
    found: dict[tuple[str, str], dict[int, dict[str, Any]]] = {}
    for corpus, name, n, cell in cells.found(kept):
        found.setdefault((corpus, name), {})[n] = cell
    for (corpus, name), by_speakers in found.items():
        told = []
        for n in SPEAKERS:
            cell = by_speakers.get(n)
            each = (max(cell["wrong"].values(), default=0), cell["any"]) if cell else ()
            told.append(" / ".join(f"{100 * hits / cell['studies']:.1f}" for hits in each if cell))
        whole = added(list(by_speakers.values()))
        claim, hits = max(whole["wrong"].items(), key=lambda item: item[1], default=("", 0))
        worst, family = (percent(count, whole["studies"]) for count in (hits, whole["any"]))
        alone = [f"{100 * whole[key] / whole['studies']:.1f}" for key in ("alone", "alone before")]
        row = [corpus, name, *told, whole["studies"], f"{worst} {claim}".strip(), family]
        yield [*row, *(alone if name.startswith("deaf") else ("", ""))]


def power_rows(cells: Cells, kept: Kept) -> Iterator[list[object]]:
    """The skill that is found in 80% of studies, by the present rule in the family and alone, and before."""
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for corpus, _, n, cell in cells.found(kept):
        found.setdefault((corpus, n), []).append(cell)
    for (corpus, n), points in found.items():
        skills, told = [cell["skill"] for cell in points], []
        for key in ("supported", "alone", "alone before"):
            rates = np.maximum.accumulate([100 * cell[key] / cell["studies"] for cell in points])
            if rates[-1] < 80:
                told.append(f"above {skills[-1]:.3f}")
            else:
                told.append(f"{'below ' if rates[0] >= 80 else ''}{np.interp(80, rates, skills):.3f}")
        yield [corpus, n, min(cell["studies"] for cell in points), *told]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds crema-d")
    parser.add_argument("--studies", type=int, default=2000, help=f"of each listener, in blocks of {BLOCK}")
    parser.add_argument("--power", type=int, default=300, help="studies for each point of the power")
    parser.add_argument("--constants", type=int, default=100, help="studies of listeners that never vary")
    parser.add_argument("--worlds", type=int, default=2000, help="studies of each other world of votes")
    parser.add_argument("--speakers", type=int, nargs="+", default=SPEAKERS)
    arguments = parser.parse_args()
    kept = Kept(RESULTS / "verdicts.json")
    both: dict[str, Draw] = {
        "simulated": simulated(WORLDS["plain"]),
        "CREMA-D": crema_d(arguments.data / "crema-d"),
    }
    constants = {name: listener for name, listener in LISTENERS.items() if name in CONSTANT}
    others = {name: listener for name, listener in LISTENERS.items() if name not in CONSTANT}
    equal = {"hears alike at both levels": LISTENERS["hears alike at both levels"]}
    leaning = {f"hears, {knows:g}": hearing(knows) for knows in KNOWS}
    worlds = {f"simulated, {name}": simulated(world) for name, world in WORLDS.items() if name != "plain"}
    tables = {
        "constant": Cells("constant", {name: (draw, constants) for name, draw in both.items()}),
        "verdicts": Cells("verdicts", {name: (draw, others) for name, draw in both.items()}),
        "worlds": Cells("worlds", {name: (draw, equal) for name, draw in worlds.items()}),
        "power": Cells("power", {name: (draw, leaning) for name, draw in both.items()}),
    }
    wanted = {
        "constant": arguments.constants,
        "verdicts": arguments.studies,
        "worlds": arguments.worlds,
        "power": arguments.power,
    }
    for block in range(max(wanted.values()) // BLOCK):
        for name, cells in tables.items():
            if block < wanted[name] // BLOCK:
                cells.compute(kept, block, arguments.speakers)
    (RESULTS / "verdicts.md").write_text(page(tables, kept), encoding="utf-8")


def counted(tables: Mapping[str, Cells], kept: Kept) -> str:
    """How many studies there are in a cell of each table."""
    told = []
    for name in WRONG:
        sizes = {cell["studies"] for *_, cell in tables[name].found(kept)} or {0}
        told.append(f"{min(sizes)} to {max(sizes)} ({name})" if len(sizes) > 1 else f"{max(sizes)} ({name})")
    return ", ".join(told)


def page(tables: Mapping[str, Cells], kept: Kept) -> str:
    """The tables of what was measured so far."""
    head = (
        "votes",
        "listener",
        *(f"{n} speakers" for n in SPEAKERS),
        "studies in all",
        "most often wrong",
        "any wrong",
        "alone",
        "alone before",
    )
    lines = [
        "# How often verdicts are wrong",
        "",
        "Percent of studies (`python -m benchmarks.simulated_verdicts`). By number of speakers: the claim "
        "with the most wrong verdicts / studies with any wrong verdict. Then all studies together, with 95% "
        "intervals, and `beats-prior` called supported if it were the only claim, by the present rule and "
        f"by the former one. Studies with each number of speakers: {counted(tables, kept)}. Listeners that "
        "say a constant are refuted without a test, since nothing changes given another clip.",
        "",
        *table(head, [row for name in WRONG for row in verdict_rows(tables[name], kept)]),
        "",
        "# What is found",
        "",
        "The skill against the sharpened prior at which `beats-prior` is supported in 80% of studies: among "
        "all claims, alone, and by the former rule, which supported models that hear nothing as well.",
        "",
        *table(
            ("votes", "speakers", "studies a point", "among all claims", "alone", "alone before"),
            power_rows(tables["power"], kept),
        ),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
