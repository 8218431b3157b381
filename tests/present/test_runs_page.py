"""The page of several runs."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from ambivox.field_claims import claims
from ambivox.present.differences import difference_table
from ambivox.present.html import write_report
from ambivox.scoring import ScoringOptions, score
from tests.present.pages import Page
from tests.present.runs import Made, make_run

EVIL = "<img src=x onerror=alert(1)>"


@pytest.mark.usefixtures("few_noise_draws")
def test_the_page_of_several_runs_has_their_table_and_differences(tmp_path: Path) -> None:
    usual = Made(clips=16, prompts=("word",), readouts=("label", "first"))
    other = Made(clips=16, prompts=("word",), readouts=("label", "first"), model=EVIL, say=lambda *_: "sad")
    runs = [make_run(tmp_path / "a", usual), make_run(tmp_path / "b", other)]
    options = ScoringOptions(cluster="clip", n_draws=100)
    out = write_report(runs, tmp_path / "page.html", options)
    page = Page(out.read_text("utf-8"))
    assert ["a: Prompt word, mini"] in page.rows
    assert [f"b: Prompt word, {EVIL}"] in page.rows
    assert [f"b ({EVIL}) less a (mini)"] in page.rows
    assert "img" not in {tag for tag, _ in page.tags}
    # The claims of each run, and how to do each again.
    assert {f"The claims on {name}" for name in "ab"} <= set(re.findall(r"The claims on \w", page.text))
    sentences = [claim.sentence for one in claims(runs[0], options).corpora for claim in one.claims]
    assert [row[0] for row in page.rows if row[0] in sentences] == sentences * 2
    assert "ambivox report a b --cluster clip" in page.text
    assert page.text.count("The exact words of the prompts") == 2
    table = difference_table(score(runs, options), "crema-d")
    assert table is not None
    [line] = [line for line in table.lines if line.cells[0].text == "word · label"]
    shown = next(row for row in page.rows if row[0] == "word · label")
    assert shown[2].startswith(f"{line.cells[2].text}{line.cells[2].detail}")
    assert line.cells[2].text.startswith("+")


@pytest.mark.usefixtures("few_noise_draws")
def test_clips_of_several_runs_have_the_answers_of_all_side_by_side(tmp_path: Path) -> None:
    usual = Made(clips=6, prompts=("word",), readouts=("label", "first"))
    other = replace(usual, clips=9, model="other", say=lambda *_: "sad")
    runs = [make_run(tmp_path / "a", usual), make_run(tmp_path / "b", other)]
    out = write_report(runs, tmp_path / "page.html", ScoringOptions(cluster="clip", n_draws=100))
    [clips] = Page(out.read_text("utf-8")).clips
    first, second = clips["questions"]
    assert [first["name"], second["name"]] == ["a · mini · word", "b · other · word"]
    assert clips["beside"] == 1
    assert len(clips["ids"]) == 9
    assert first["answers"][6:] == [None] * 3
    assert second["answers"] == ["sad"] * 9
    for question, known in ((first, 6), (second, 9)):
        level = question["levels"]["token"]
        assert [status >= 0 for status in level["status"]] == [True] * known + [False] * (9 - known)
        assert set(level["p"][6 * known :]) <= {-1}
        assert all(question["tokens"][n] for n in range(known) if question["answers"][n])
