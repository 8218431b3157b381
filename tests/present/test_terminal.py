"""The score table of a terminal: narrow, and with all that was asked for."""

import io
import re
from dataclasses import replace

import pytest
from rich.console import Console

from ambivox.errors import UsageError
from ambivox.present.scores import score_table
from ambivox.present.tables import Cell, Column, Group, Line, Table
from ambivox.present.text.scores import show_scores
from ambivox.present.text.table import Footnotes, print_table
from ambivox.scoring import RowKey, ScoreTable, ScoringOptions, score
from tests.present.runs import Made, make_run

MADE = Made(clips=16, prompts=("word",), readouts=("label", "first", "answer"), controls=("clip", "silence"))


def printed(scores: ScoreTable, width: int = 80, **choices: object) -> str:
    console = Console(file=io.StringIO(), width=width)
    show_scores(console, scores, **choices)  # type: ignore[arg-type]
    text = str(console.file.getvalue())  # type: ignore[attr-defined]
    assert max(map(len, text.splitlines())) <= width
    return text


@pytest.fixture(scope="module")
def scores(few_noise_draws: None, tmp_path_factory: pytest.TempPathFactory) -> ScoreTable:
    run = make_run(tmp_path_factory.mktemp("made") / "run", MADE)
    return score(run, ScoringOptions(n_draws=100, metrics=("uar", "vote_ece", "smooth_ece", "brier_mean")))


def headings(text: str) -> list[str]:
    """The names of all columns, whichever block they are in."""
    return [name for line in text.splitlines() if line.startswith("readout ") for name in line.split()[1:]]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_metrics_that_were_asked_for_are_never_left_out(scores: ScoreTable, width: int) -> None:
    assert {"uar", "vote_ece", "smooth_ece", "brier_mean"} <= set(headings(printed(scores, width)))


@pytest.mark.parametrize("width", [60, 80, 200])
def test_columns_that_are_named_are_all_that_is_shown_in_their_order(scores: ScoreTable, width: int) -> None:
    names = ["statuses", "accuracy", "mass", "uar", "failed", "vote_ece", "skill", "jsd_bits"]
    assert headings(printed(scores, width, columns=names)) == names


def test_statuses_that_are_asked_for_are_shown_whole(scores: ScoreTable) -> None:
    words = re.sub(r"\s+", " ", printed(scores, 60, columns=["statuses"]))
    [row] = [row for row in scores.rows if row.level == "text" and row.of_clips]
    assert len(row.statuses) > 4
    assert all(f"{status} {n}" in words for status, n in row.statuses.items())


def test_a_column_that_there_is_not_is_refused_with_those_that_there_are(scores: ScoreTable) -> None:
    with pytest.raises(UsageError, match=r"unknown column 'acuracy': did you mean 'accuracy'"):
        score_table(scores, "crema-d", columns=["acuracy"])


def test_columns_of_intervals_that_are_all_missing_are_one_note(scores: ScoreTable) -> None:
    text = printed(scores, 200)
    assert "95%" not in headings(text)
    assert text.count("5 speakers: an interval needs at least 12") == 1
    assert "no 95% intervals: 5 speakers: an interval needs at least 12" in text


def with_again(scores: ScoreTable, **changes: str) -> ScoreTable:
    """The table with the rows of `first` (or, with another control, of silence) again under another name."""
    again = [
        replace(row, key=replace(row.key, **changes))  # type: ignore[arg-type]
        for row in scores.rows
        if isinstance(row.key, RowKey)
        and (row.key.control == "silence" if "control" in changes else row.key.readout == "first")
    ]
    return replace(scores, rows=(*scores.rows, *again))


def names_in(scores: ScoreTable) -> list[str]:
    return [line.cells[0].text for line in score_table(scores, "crema-d").lines]


def test_readouts_with_the_same_numbers_stand_on_one_line(scores: ScoreTable) -> None:
    names = names_in(with_again(scores, readout="mean"))
    assert "first, mean" in names
    assert {"first", "mean"}.isdisjoint(names)


def test_a_readout_that_differs_in_the_fifth_digit_keeps_its_line_and_in_the_ninth_does_not(
    scores: ScoreTable,
) -> None:
    twice = with_again(scores, readout="mean")
    last = twice.rows[-1]
    assert last.mass is not None
    names = [
        names_in(replace(twice, rows=(*twice.rows[:-1], replace(last, mass=last.mass + apart))))
        for apart in (1e-5, 1e-9)
    ]
    assert {"first", "mean"} <= set(names[0])
    assert "first, mean" in names[1]


def test_controls_with_the_same_numbers_stand_on_one_line(scores: ScoreTable) -> None:
    names = names_in(with_again(scores, control="no-audio"))
    assert names.count("hearing silence; or nothing") == 3


def test_columns_that_do_not_fit_go_on_below_with_the_names_again() -> None:
    lead = [Column("value", kind="text"), Column("over", kind="text")]
    columns = (*lead, *(Column(f"prompt {n}") for n in range(8)))
    cells = (Cell("logit"), Cell("labels"), *(Cell(f"0.12{n}") for n in range(8)))
    console = Console(file=io.StringIO(), width=60)
    print_table(console, Table("grid", columns, (Group("", (Line(cells),)),)), Footnotes())
    text = str(console.file.getvalue())  # type: ignore[attr-defined]
    assert re.findall(r"0\.12\d", text) == [f"0.12{n}" for n in range(8)]
    rows = [line for line in text.splitlines() if "0.12" in line]
    assert len(rows) > 1
    assert all(line.startswith("logit  labels") for line in rows)
