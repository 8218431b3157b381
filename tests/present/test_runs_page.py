"""The page of several runs."""

from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

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
    page = Page(out.read_text("utf-8").replace(get_plotlyjs(), ""))
    assert ["a: Prompt word, mini"] in page.rows
    assert [f"b: Prompt word, {EVIL}"] in page.rows
    assert [f"b ({EVIL}) less a (mini)"] in page.rows
    assert "img" not in {tag for tag, _ in page.tags}
    table = difference_table(score(runs, options), "crema-d")
    assert table is not None
    [line] = [line for line in table.lines if line.cells[0].text == "word · label"]
    shown = next(row for row in page.rows if row[0] == "word · label")
    assert shown[2].startswith(f"{line.cells[2].text}{line.cells[2].detail}")
    assert line.cells[2].text.startswith("+")
