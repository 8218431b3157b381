"""How often verdicts are wrong, and what true effects they find.

``python -m benchmarks.simulated_verdicts --data DIR`` writes benchmarks/results/verdicts.json by cells, and
goes on where it was stopped. The tables go to benchmarks/results/verdicts.md. DIR holds crema-d.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
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
from ambivox.statistics import Interval, cluster_sums, prior_scatter, ratio_intervals
from benchmarks.coverage import RESULTS, SPEAKERS, table
from benchmarks.kept import Kept
from benchmarks.simulated_listeners import (
    LISTENERS,
    Draw,
    Listener,
    Population,
    crema_d,
    hearing,
    paired,
    simulated,
    unchecked_jsd_bits,
)
from benchmarks.simulated_studies import WORLDS
from benchmarks.simulated_values import flipped, plain_bootstrap_t

AT_ONCE = 100
"""Studies whose intervals are found together."""
KNOWS = (0.04, 0.06, 0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3)
"""How far listeners lean to the clip, for the power."""


@contextmanager
def collected() -> Iterator[list[tuple[Array, Array]]]:
    """Keep the values and clusters of each part instead of finding its interval."""
    kept: list[tuple[Array, Array]] = []

    def keep(values: Array, groups: Sequence[int], **_: Any) -> Interval:
        kept.append((values, np.asarray(groups)))
        return Interval(float(np.nanmean(values)), np.nan, np.nan, 0)

    with patch("ambivox.field_claims.claim.mean_interval", keep):
        yield kept


def judged(studies: Sequence[Paired], n_draws: int = 1999) -> list[tuple[Claim, ...]]:
    """The verdicts on several studies of as many speakers; all intervals are found together."""
    claims: list[list[Claim]] = []
    sums: list[Array] = []
    for study in studies:
        with collected() as kept:
            claims.append(all_claims(study))
        used = {id(part.interval): None for claim in claims[-1] for part in claim.parts}
        assert len(used) <= len(kept)
        n = study.clips.n_clusters
        for values, codes in _of_parts(claims[-1], kept):
            there = ~np.isnan(values)
            both = np.column_stack([np.where(there, values, 0.0), there])
            sums.append(cluster_sums(both, codes, n))
    columns = np.array(sums)
    found = iter(ratio_intervals(columns[..., 0].T, columns[..., 1].T, n_draws=n_draws) if sums else [])
    return [
        judge(
            [
                replace(claim, parts=tuple(replace(part, interval=next(found)) for part in claim.parts))
                for claim in own
            ]
        )
        for own in claims
    ]


def _of_parts(claims: Sequence[Claim], kept: Sequence[tuple[Array, Array]]) -> Iterator[tuple[Array, Array]]:
    """The values of each part that a claim has; some were tried by a claim that then was not tested."""
    left = list(kept)
    for claim in claims:
        for part in claim.parts:
            place = next(
                n for n, (values, _) in enumerate(left) if _is_of(part.interval.estimate, values, claim.name)
            )
            yield left.pop(place)


def _is_of(estimate: float, values: Array, name: str) -> bool:
    mean = float(np.nanmean(values))
    return bool(np.isclose(np.tanh(mean) if name == "follows-ambiguity" else mean, estimate, rtol=1e-12))


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


def before(study: Paired) -> tuple[Array, Array]:
    """The sums of the former part of ``beats-prior``: skill against the leave-one-speaker-out mean vote."""
    q, codes, n = study.clips.q, study.clips.codes, study.clips.n_clusters
    scores = unchecked_jsd_bits(study.p["token", "clip"][0][0], q)
    prior = vote_prior(q, codes.tolist()).p
    control = unchecked_jsd_bits(prior, q)
    skill = 1 - scores.mean() / control.mean()
    moved = (1 - skill) * (control + prior_scatter(prior, q, unchecked_jsd_bits)) - scores
    values = skill + (moved - moved.mean()) / control.mean()
    return cluster_sums(values, codes, n), cluster_sums(np.ones(len(values)), codes, n)


def supported_before(sums: Sequence[tuple[Array, Array]], rng: np.random.Generator) -> float:
    """How often the former rule supported ``beats-prior`` when it alone was tested."""
    above, clips = (np.array(side).T for side in zip(*sums, strict=True))
    low = plain_bootstrap_t(above, clips, 1999)[0]
    return float(np.mean((low > 0) & (flipped(above, rng) < 0.05)))


def measure(draw: Draw, listener: Listener, n_speakers: int, n_studies: int, seed: int = 0) -> dict[str, Any]:
    """Wrong verdicts of a listener, in percent of studies: by claim, of any, and of ``beats-prior`` alone."""
    rng = np.random.default_rng([seed, n_speakers])
    population = Population.of(draw(400, np.random.default_rng(seed + 1)).q)
    wrong: dict[str, int] = {}
    any_wrong = alone = supported = 0
    skills, former = [], []
    for start in range(0, n_studies, AT_ONCE):
        corpora = (draw(n_speakers, rng) for _ in range(min(AT_ONCE, n_studies - start)))
        studies = [paired(corpus, listener, population, rng) for corpus in corpora]
        former += [before(study) for study in studies]
        for claims in judged(studies):
            own = [claim.name for claim in claims if is_wrong(claim, listener.deaf)]
            any_wrong += bool(own)
            for name in own:
                wrong[name] = wrong.get(name, 0) + 1
            beats = next(claim for claim in claims if claim.name == "beats-prior")
            above = bool(beats.parts) and all(part.interval.estimate > 0 for part in beats.parts)
            alone += above and beats.p < 0.05
            supported += beats.verdict == "supported"
            skills += [part.interval.estimate for part in beats.parts[:1]]
    percent = {name: 100 * count / n_studies for name, count in sorted(wrong.items())}
    return {
        "wrong": percent,
        "any": 100 * any_wrong / n_studies,
        "alone": 100 * alone / n_studies,
        "supported": 100 * supported / n_studies,
        "alone before": 100 * supported_before(former, rng),
        "skill": float(np.mean(skills)) if skills else 0.0,
    }


def rows_of(kept: Kept, draws: dict[str, Draw], studies: int, speakers: Sequence[int]) -> list[list[object]]:
    """Wrong verdicts of every listener on every corpus."""
    rows: list[list[object]] = []
    for corpus, draw in draws.items():
        own = (
            LISTENERS if corpus in ("simulated", "CREMA-D") else {"hears alike at both levels": hearing(0.3)}
        )
        for name, listener in own.items():
            for n in speakers:
                cell = kept.get(
                    f"{corpus} | {name} | {n} | {studies}", partial(measure, draw, listener, n, studies)
                )
                worst = max(cell["wrong"].items(), key=lambda item: item[1], default=("", 0.0))
                told = f"{worst[1]:.1f} ({worst[0]})" if worst[0] else "0"
                alone = (f"{cell['alone']:.1f}", f"{cell['alone before']:.1f}") if listener.deaf else ("", "")
                rows.append([corpus, name, n, told, f"{cell['any']:.1f}", *alone])
    return rows


def power_rows(
    kept: Kept, draws: dict[str, Draw], studies: int, speakers: Sequence[int]
) -> list[list[object]]:
    """The skill that is found in 80% of studies, by the present rule in the family and alone, and before."""
    rows: list[list[object]] = []
    for corpus in ("simulated", "CREMA-D"):
        for n in speakers:
            cells = [
                kept.get(
                    f"power | {corpus} | {knows} | {n} | {studies}",
                    partial(measure, draws[corpus], hearing(knows), n, studies),
                )
                for knows in KNOWS
            ]
            skills = [cell["skill"] for cell in cells]
            found = []
            for key in ("supported", "alone", "alone before"):
                rates = np.maximum.accumulate([cell[key] for cell in cells])
                least = np.interp(80, rates, skills) if rates[-1] >= 80 else np.nan
                found.append(f"{'below ' if rates[0] >= 80 else ''}{least:.3f}")
            rows.append([corpus, n, *found])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder that holds crema-d")
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--power", type=int, default=300, help="studies for each point of the power")
    parser.add_argument("--speakers", type=int, nargs="+", default=SPEAKERS)
    arguments = parser.parse_args()
    kept = Kept(RESULTS / "verdicts.json")
    draws: dict[str, Draw] = {
        "simulated": simulated(WORLDS["plain"]),
        "CREMA-D": crema_d(arguments.data / "crema-d"),
    }
    draws |= {f"simulated, {name}": simulated(world) for name, world in WORLDS.items() if name != "plain"}
    head = ("votes", "listener", "speakers", "most often wrong", "any wrong", "alone", "alone before")
    powers = power_rows(kept, draws, arguments.power, arguments.speakers)
    text = [
        "# How often verdicts are wrong",
        "",
        f"Percent of {arguments.studies} studies a cell (`python -m benchmarks.simulated_verdicts`): the "
        "claim with the most wrong verdicts, studies with any wrong verdict, and `beats-prior` called "
        "supported if it were the only claim, by the present rule and by the former one.",
        "",
        *table(head, rows_of(kept, draws, arguments.studies, arguments.speakers)),
        "",
        "# What is found",
        "",
        "The skill against the sharpened prior at which `beats-prior` is supported in 80% of studies "
        f"({arguments.power} a point): among all claims, alone, and by the former rule, which supported "
        "models that hear nothing as well.",
        "",
        *table(("votes", "speakers", "among all claims", "alone", "alone before"), powers),
    ]
    (RESULTS / "verdicts.md").write_text("\n".join(text) + "\n", encoding="utf-8")
    print("\n".join(text))


if __name__ == "__main__":
    main()
