"""The grid of the paper's method: every cell is the score of the readout it stands for."""

from io import StringIO
from pathlib import Path

from rich.console import Console

from ambivox.present.text.scores import show_grid
from ambivox.readouts import load_readouts
from ambivox.readouts.grid import grid
from ambivox.run import Study, run_study
from ambivox.scoring import ScoringOptions, score
from tests.run.toy import ToyModel


def test_the_grid_has_every_combination_once() -> None:
    options = [dict(readout.options) for readout in load_readouts(grid())]
    assert len({tuple(sorted(chosen.items())) for chosen in options}) == 3 * 3 * 2
    assert all(set(chosen) == {"value", "over", "normalise"} for chosen in options)


def test_the_printed_grid_holds_the_scores_of_the_table(study: Study, tmp_path: Path) -> None:
    small = study.model_copy(update={"prompts": ("word", "letter")})
    table = score(run_study(small, tmp_path / "out", models=[ToyModel()]), ScoringOptions(readouts=grid()))
    console = Console(width=200, record=True, file=StringIO())
    show_grid(console, table)
    lines = console.export_text().splitlines()
    for row in table.rows:
        if row.level == "control":
            continue
        options = dict(row.key.options)
        [line] = [
            one for one in lines if one.split()[:3] == [options[o] for o in ("value", "over", "normalise")]
        ]
        if row.scores:
            assert f"{row.scores['jsd_bits'].value:.3f}" in line
        else:
            assert "–" in line
