"""A million answers of known truth: how many are read right, refused and wrong; and how long texts take.

    python -m benchmarks.answers_fuzz [--answers 1000000] [--seed 0] [--out benchmarks/results/answers_fuzz]

writes ``OUT.json`` and ``OUT.md``; the first again and again while it runs. The grammar is
`benchmarks.answer_grammar`; every answer is drawn by the seed, so that a wrong one can be made again.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.answer_grammar import make
from benchmarks.long_texts import REPEATED, repeated

OUTCOMES = ("right", "refused", "unsure", "wrong")
REPORT_EVERY = 50_000
SIZES = (1_000, 10_000, 100_000, 1_000_000)


def fuzz(n_answers: int, seed: int, out: Path) -> dict[str, Any]:
    rng = Random(seed)
    counts: Counter[tuple[str, str]] = Counter()
    wrong: list[dict[str, Any]] = []
    start = time.process_time()
    result: dict[str, Any] = {}
    for k in range(n_answers):
        case = make(rng)
        reading = case.read()
        outcome = case.outcome(reading)
        counts[case.kind, outcome] += 1
        if outcome in ("wrong", "unsure") and len(wrong) < 50:
            wrong.append({"outcome": outcome, "kind": case.kind, "format": case.format, "text": case.text,
                          "truth": case.truth, "status": reading.status, "note": reading.note})  # fmt: skip
        if (k + 1) % REPORT_EVERY == 0 or k + 1 == n_answers:
            result = summary(counts, k + 1, seed, time.process_time() - start, wrong)
            out.with_suffix(".json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
            print({outcome: result["all"][outcome] for outcome in ("answers", *OUTCOMES)}, flush=True)
    return result


def summary(
    counts: Counter[tuple[str, str]], n_answers: int, seed: int, time_s: float, wrong: list[dict[str, Any]]
) -> dict[str, Any]:
    kinds = sorted({kind for kind, _ in counts})
    by_kind = {kind: {outcome: counts[kind, outcome] for outcome in OUTCOMES} for kind in kinds}
    whole = {outcome: sum(own[outcome] for own in by_kind.values()) for outcome in OUTCOMES}
    return {
        "all": {"answers": n_answers, **whole},
        "kinds": by_kind,
        "seed": seed,
        "time_ms_per_answer": round(1e3 * time_s / n_answers, 3),
        "python": platform.python_version(),
        "wrong": wrong,
    }


def times() -> dict[str, dict[str, float]]:
    """Seconds of processor time for texts of each size, by what they repeat."""
    from ambivox.readouts import read_answer

    measured: dict[str, dict[str, float]] = {}
    for name, (piece, form) in REPEATED.items():
        for size in SIZES:
            text = repeated(piece, size)
            start = time.process_time()
            read_answer(text, format=form, emotions="iemocap4")  # type: ignore[arg-type]
            measured.setdefault(name, {})[str(size)] = round(time.process_time() - start, 4)
        print(name, measured[name], flush=True)
    return measured


def table(result: dict[str, Any]) -> str:
    whole = result["all"]
    lines = [
        f"# {whole['answers']:,} answers of known truth\n",
        f"Seed {result['seed']}, Python {result['python']}, {result['time_ms_per_answer']} ms of "
        "processor time each, the making of the answers included. "
        "`python -m benchmarks.answers_fuzz`; the grammar is in "
        "`benchmarks/answer_grammar.py`.\n",
        "Right: the distribution that was written, within 0.02, or no reading where there is none. Refused: "
        "no distribution. Unsure: another distribution, under a status that is neither `ok` nor "
        "`renormalised`. "
        "Wrong: another distribution as `ok` or `renormalised`.\n",
        "| kind | " + " | ".join(OUTCOMES) + " |",
        "|---|" + "---:|" * len(OUTCOMES),
    ]
    for kind, own in {**result["kinds"], "all": whole}.items():
        lines.append(f"| {kind} | " + " | ".join(f"{own[outcome]:,}" for outcome in OUTCOMES) + " |")
    if "times" in result:
        lines += [
            "\n## Seconds for long texts\n",
            "Processor time by the length of the text, which repeats one piece.\n",
        ]
        lines += [
            "| repeated | " + " | ".join(f"{size:,}" for size in SIZES) + " |",
            "|---|" + "---:|" * len(SIZES),
        ]
        for name, own in result["times"].items():
            lines.append(f"| {name} | " + " | ".join(f"{own[str(size)]:.3f}" for size in SIZES) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/answers_fuzz"))
    options = parser.parse_args()
    measured = times()
    result = fuzz(options.answers, options.seed, options.out) | {"times": measured}
    options.out.with_suffix(".json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    options.out.with_suffix(".md").write_text(table(result))


if __name__ == "__main__":
    main()
