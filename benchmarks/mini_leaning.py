"""How far the answers of `mini` lean to neutral, as raters do.

    python -m benchmarks.mini_leaning --data ../shared/data --work runs/mini

Writes results/mini_leaning.md, which says what is compared.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from recipes.mini.chat import written_numbers
from recipes.mini.ear import EarPlan, left_out, temperature_of
from recipes.mini.make import heard, training_clips
from recipes.mini.targets import AHEAD, HERE, INTENDED, LEAN, VOTED, VoteTable, leaning

from ambivox.metrics import jsd_bits
from benchmarks.whisper_weights import checkpoint

Array = NDArray[np.float64]
RESULTS = Path(__file__).parent / "results"
HEADING = """# How far the answers of `mini` lean to neutral

Written by `python -m benchmarks.mini_leaning`. Each of the four training corpora is heard by a head fitted
to the other three, and every clip of the six emotions is given the voice-only votes of a CREMA-D clip,
drawn at random, in which the same emotion was meant (89 actors; 1001 and 1002, whose clips are here, are
left out). *jsd* is between the answer and these votes, in bits, the mean over the four corpora; *skill* is
1 - jsd / jsd of the mean votes of the corpus. *Sharper* votes are those of 3 raters of whom 30% hear what
was meant. *Named* is how often the largest share is on what was meant, ties counting in part. Numbers are
tenths, each the nearest to what is due, as a dictionary has them. What a real corpus of the field would say
was not measured: none is here.
"""
CHOSEN = (LEAN, AHEAD)
PLANS = {
    "belief": (0.0, 0.0),
    **{
        f"lean {lean}, ahead {ahead}": (lean, ahead)
        for lean in (0.2, 0.4, 0.6)
        for ahead in (0.05, 0.1, 0.15, 0.2)
    },
}


def clips_of(votes: VoteTable) -> dict[str, Array]:
    """Shares of the votes of single clips by what was meant, ``(n, 6)`` each."""
    found: dict[str, list[Array]] = {}
    for name, counts in votes.of_clip.items():
        actor, _, intended, _ = name.split("_")
        if actor not in HERE:
            found.setdefault(INTENDED[intended], []).append(counts / counts.sum())
    return {emotion: np.array(shares) for emotion, shares in found.items()}


def tenths(shares: Array) -> Array:
    """What a dictionary would hold, ``(n, 6)``: each number the nearest to what is due."""

    class Nearest:
        def random(self) -> float:
            return 0.5

    return np.array([[n for _, n in written_numbers(row, 10, Nearest())] for row in shares]) / 10  # type: ignore[arg-type]


def named(answers: Array, meant: NDArray[np.int64]) -> float:
    """How often the largest share is on what was meant; a tie counts in part."""
    top = answers >= answers.max(axis=1, keepdims=True) - 1e-9
    return float((top[np.arange(len(meant)), meant] / top.sum(axis=1)).mean())


def drawn(clips: dict[str, Array], meant: NDArray[np.int64], sharper: bool) -> Array:
    """Votes for clips of which it is known what was meant."""
    rng = np.random.default_rng(0)
    shares = np.array([rng.choice(clips[VOTED[m]]) for m in meant])
    if not sharper:
        return shares
    shares = 0.7 * shares + 0.3 * np.eye(len(VOTED))[meant]
    return rng.multinomial(3, shares / shares.sum(axis=1, keepdims=True)) / 3


def figures(
    lean: float, ahead: float, beliefs: Sequence[tuple[Array, NDArray[np.int64]]], clips: dict[str, Array]
) -> list[float]:
    """The cells of one line.

    Args:
        beliefs: per corpus what is believed of its clips, ``(n, 6)``, and what was meant, ``(n,)``.
        clips: what `clips_of` gives.
    """
    rows = []
    for belief, meant in beliefs:
        words = np.array([leaning(row, VOTED, lean, ahead) for row in belief])
        numbers = tenths(words)
        votes, sharper = (drawn(clips, meant, sharper) for sharper in (False, True))
        away = [
            float(np.mean(jsd_bits(answer, truth)))
            for truth in (votes, sharper)
            for answer in (words, numbers, np.broadcast_to(truth.mean(axis=0), truth.shape))
        ]
        rows.append([*away, named(words, meant), named(numbers, meant)])
    a, b, prior, c, d, prior3, words_named, numbers_named = np.mean(rows, axis=0)
    return [a, b, 1 - a / prior, 1 - b / prior, 1 - c / prior3, 1 - d / prior3, words_named, numbers_named]


def main() -> None:
    """Read the command line; print and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("runs/mini"))
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.work.mkdir(parents=True, exist_ok=True)
    clips, plan = training_clips(given.data), EarPlan()
    hearing, _ = heard(clips, checkpoint("tiny.en", given.work), given.work, plan, seed=0)
    unseen = left_out(hearing, clips, plan)
    temperature = temperature_of(unseen)
    beliefs = [corpus.over_six(temperature) for corpus in unseen.values()]
    voted = clips_of(VoteTable(given.data))
    names = ["jsd, words", "jsd, numbers", "skill, words", "skill, numbers", "skill of words, sharper",
             "skill of numbers, sharper", "words named", "numbers named"]  # fmt: skip
    lines = [f"| answers | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    print("\n".join(lines), flush=True)
    for name, chosen in PLANS.items():
        cells = figures(*chosen, beliefs, voted)
        mark = " (chosen)" if chosen == CHOSEN else ""
        lines.append(f"| {name}{mark} | {' | '.join(f'{cell:.3f}' for cell in cells)} |")
        print(lines[-1], flush=True)
    (RESULTS / "mini_leaning.md").write_text("\n".join([HEADING, *lines, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
