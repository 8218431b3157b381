"""Every readout and calibration of the package on the CREMA-D clips, as `mini` answers, with all controls.

``python -m benchmarks.mini_readouts --data DIR --out DIR`` asks all prompts with permuted options for all
that readouts need besides the answer (whole labels, numbers, sampled answers, layers), scores every readout,
every calibration and the grid of the paper's method, and writes mini_readouts.json and .md into
benchmarks/results. It ends with an error if a number is missing without a reason. A run that is there is gone
on with, or only read. The page shows what heard the clips; the JSON has the controls too.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from ambivox.calibration import CALIBRATIONS
from ambivox.errors import AmbivoxError
from ambivox.present.text.progress import run_progress
from ambivox.present.text.scores import show_grid, show_scores
from ambivox.prompts import PROMPTS
from ambivox.readouts.grid import grid
from ambivox.run import Study, run_study
from ambivox.scoring import ScoreRow, ScoreTable, ScoringOptions, score
from ambivox.scoring.keys import ControlKey, Key, control_text, prompt_text, readout_text
from ambivox.study import CONTROLS

READOUTS = (
    "label",
    "dictionary",
    "ranked",
    "prose",
    "frequency",
    "first",
    "first(join=max)",
    "first(forms=all)",
    "sequence",
    "sequence(per_token=true)",
    "expected",
    "answer",
    "mean",
    "mean(value=logit, normalise=sum)",
    "lens",
)
WIDTH = 200
RESULTS = Path(__file__).parent / "results"


def study(data: Path, model: str, orders: int, n_draws: int) -> Study:
    """All prompts, all controls, all that the readouts need."""
    return Study.model_validate(
        {
            "corpora": [{"name": "crema-d", "path": data / "crema-d", "options": {"votes": "voice"}}],
            "models": [model],
            "prompts": list(PROMPTS),
            "readouts": READOUTS,
            "controls": CONTROLS,
            "order_seeds": [None, *range(1, orders)],
            "n_draws": n_draws,
            "batch_size": 144,
            "shard_size": 288,
        }
    )


def cells(table: ScoreTable) -> Iterator[tuple[str, bool, str]]:
    """Every cell of a table: where it is, whether it holds a number, and the reason if it does not."""
    for row in table.rows:
        where = " | ".join(_name(row.key))
        for name in table.metrics:
            why = row.why_none(name)
            yield f"{where} | {name}", row.value(name) is not None, why.text if why else ""
        for name, interval in {**row.intervals, **row.skill_intervals}.items():
            why = interval.reason
            yield f"{where} | interval of {name}", not why, why.text if why else ""
        for third in row.tertiles:
            why = third.reason or third.skill.reason
            yield f"{where} | third {third.tertile}", not why, why.text if why else ""
    for row in table.sensitivities:
        where = " | ".join((*_name(row.key), f"sensitivity over {row.over}"))
        why = row.reason.text if row.reason else ""
        yield where, not why and not math.isnan(row.of_single), why


def _name(key: Key) -> list[str]:
    if isinstance(key, ControlKey):
        return ["no model", control_text(key)]
    return [key.model, key.control, prompt_text(key), readout_text(key)]


def summary(table: ScoreTable) -> dict[str, Any]:
    """How many cells hold a number, and how many each reason stands in for.

    Raises:
        AmbivoxError: a cell has neither a number nor a reason.
    """
    reasons: dict[str, int] = {}
    n_numbers = 0
    for where, number, reason in cells(table):
        n_numbers += number
        if not number:
            if not reason:
                raise AmbivoxError(f"{where}: no number, and no reason for it")
            reasons[reason] = reasons.get(reason, 0) + 1
    return {"rows": len(table.rows), "numbers": n_numbers, "reasons": reasons}


def printed(name: str, table: ScoreTable) -> str:
    """A table as the terminal shows it, without what was heard in place of the clips."""
    console = Console(file=StringIO(), width=WIDTH, highlight=False)
    heard = replace(table, rows=tuple(row for row in table.rows if row.level == "control" or row.of_clips))
    if name == "grid":
        show_grid(console, heard)
    else:
        show_scores(console, heard, tertiles=name == "readouts", sensitivity=name == "readouts")
    assert isinstance(console.file, StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="holds crema-d")
    parser.add_argument("--out", type=Path, required=True, help="the run")
    parser.add_argument("--model", default="mini")
    parser.add_argument("--orders", type=int, default=3, help="orders of the options")
    parser.add_argument("--draws", type=int, default=10, help="sampled answers to each request")
    arguments = parser.parse_args()
    begun_s = time.perf_counter()
    planned = study(arguments.data.resolve(), arguments.model, arguments.orders, arguments.draws)
    with run_progress(Console(stderr=True)) as bar:
        run = run_study(planned, arguments.out, report=bar)
    asked_s = time.perf_counter() - begun_s
    calibrated = ScoringOptions(readouts=_uncalibrated(), calibrations=list(CALIBRATIONS), cluster="clip")
    tables = {
        "readouts": score(run, ScoringOptions(cluster="clip")),
        "calibrated": score(run, calibrated),
        "grid": score(run, ScoringOptions(readouts=grid(), cluster="clip")),
    }
    found = {name: summary(table) for name, table in tables.items()}
    fingerprint = run.environment()["models"]
    facts = {
        "models": fingerprint,
        "orders": arguments.orders,
        "draws": arguments.draws,
        "asked_s": round(asked_s, 1),
        "scored_s": round(time.perf_counter() - begun_s - asked_s, 1),
    }
    rows = {name: [_kept(row, table.headline) for row in table.rows] for name, table in tables.items()}
    report = json.dumps(facts | {"cells": found, "rows": rows})
    RESULTS.joinpath("mini_readouts.json").write_text(report + "\n", encoding="utf-8")
    RESULTS.joinpath("mini_readouts.md").write_text(_page(tables, found, facts), encoding="utf-8")
    print(json.dumps(facts | {"cells": found}, indent=2))


def _uncalibrated() -> list[str]:
    """What a calibration is worth trying on: one readout of each kind."""
    return [name for name in READOUTS if "(" not in name and name != "lens"]


def _kept(row: ScoreRow, headline: str) -> dict[str, Any]:
    """What the JSON keeps of a row: its name, and the headline score, skill and interval."""
    kept: dict[str, Any] = {
        "row": _name(row.key),
        "failed": f"{row.failed}/{row.utterances}",
    }
    if headline not in row.scores:
        why = row.why_none(headline)
        return kept | {"reason": why.text if why else ""}
    kept[headline] = round(row.scores[headline].value, 4)
    interval = row.intervals.get(headline)
    if interval is not None and not interval.reason:
        kept["95%"] = [round(interval.low, 4), round(interval.high, 4)]
    skill = row.skill.get(headline, math.nan)
    return kept | {"skill": None if math.isnan(skill) else round(skill, 4)}


def _page(tables: dict[str, ScoreTable], found: dict[str, Any], facts: dict[str, Any]) -> str:
    models = ", ".join(f"{name} {print_[:12]}" for name, print_ in facts["models"].items())
    lines = [
        "# All readouts on the CREMA-D clips",
        "",
        f"{models}; {facts['orders']} orders of the options, {facts['draws']} sampled answers.",
        "Intervals are over the clips of two speakers, and say nothing of others.",
    ]
    for name, table in tables.items():
        counted = found[name]
        lines += ["", f"## {name.capitalize()}", "", "```", printed(name, table), "```", ""]
        lines.append(f"{counted['numbers']} cells hold a number; the others say why not:")
        lines += ["", *(f"- {n} cells: {reason}" for reason, n in counted["reasons"].items())]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
