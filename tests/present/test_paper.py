"""Tables and pictures for a paper: CSV, LaTeX, SVG and PDF, from the same score table."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from ambivox.choices import PictureWidth
from ambivox.errors import UsageError
from ambivox.metrics import METRICS
from ambivox.present.figures.paper import WIDTHS_MM, write_figures, write_picture
from ambivox.present.latex import escape_latex, latex_table
from ambivox.present.scores import score_table
from ambivox.present.tables import Cell, Column, Group, Line, Table
from ambivox.scoring import RowKey, ScoreTable, ScoringOptions, read_run, score
from ambivox.statistics import mean_interval
from ambivox.table_file import csv_text
from tests.present.runs import LABELS, Made, make_run

OPTIONS = ScoringOptions(n_draws=200, cluster="clip")
EVIL = "=cmd|' /C calc'!A0"
MADE = Made(clips=16, prompts=("dictionary",), readouts=("dictionary", "first"), model=EVIL)

Scored = Callable[..., ScoreTable]


@pytest.fixture(scope="module")
def scored(few_noise_draws: None, tmp_path_factory: pytest.TempPathFactory) -> Scored:
    """Scores of a run made otherwise, each made once."""
    found: dict[str, ScoreTable] = {}

    def scored(**made: object) -> ScoreTable:
        if repr(made) not in found:
            run = make_run(tmp_path_factory.mktemp("made") / "run", replace(MADE, **made))  # type: ignore[arg-type]
            found[repr(made)] = score(run, OPTIONS)
        return found[repr(made)]

    return scored


def said(clip: int, prompt: str, votes: np.ndarray) -> str:
    """The votes themselves, which nothing can be better than."""
    return str({label: float(n) / 10 for label, n in zip(LABELS, votes, strict=True)})


@pytest.mark.usefixtures("few_noise_draws")
def test_the_best_row_leads_where_the_paired_interval_leaves_out_nought(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", replace(MADE, say=said))
    table = score(run, OPTIONS)
    [lead] = [lead for lead in table.leads if lead.metric == "jsd_bits"]
    assert (lead.key.readout, lead.next.readout) == ("dictionary", "first")
    assert table.leader("crema-d", "jsd_bits") == lead.key
    [corpus] = read_run(run, OPTIONS).corpora
    p = {one.key.readout: one.p for one in corpus.readings}
    jsd = METRICS["jsd_bits"].function
    differences = jsd(p["dictionary"], corpus.clips.q) - jsd(p["first"], corpus.clips.q)
    expected = mean_interval(differences, range(16), n_draws=200, unit="clips")
    assert (lead.interval.low, lead.interval.high) == pytest.approx((expected.low, expected.high))


def test_a_row_that_is_ahead_by_chance_is_not_marked(scored: Scored) -> None:
    table = scored(readouts=("first", "answer"), clips=14)
    [lead] = [lead for lead in table.leads if lead.metric == "jsd_bits"]
    assert lead.interval.low < 0 < lead.interval.high
    assert table.leader("crema-d", "jsd_bits") is None
    cells = [cell for line in score_table(table, "crema-d").lines for cell in line.cells]
    assert "best" not in {cell.mark for cell in cells[:3]}


@pytest.mark.usefixtures("few_noise_draws")
def test_two_names_of_one_row_are_not_ahead_of_each_other(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", replace(MADE, say=said))
    table = score(run, replace(OPTIONS, readouts=("dictionary", "dictionary(parser=aer-llm)", "first")))
    [lead] = [lead for lead in table.leads if lead.metric == "jsd_bits"]
    assert lead.next.readout == "first"


def test_latex_has_every_number_and_bold_only_where_a_row_leads(scored: Scored) -> None:
    scores = scored(say=said)
    table = score_table(scores, "crema-d")
    text = latex_table(table)
    cells = [cell for line in table.lines for cell in line.cells[1:]]
    numbers = [n for cell in cells for n in re.findall(r"\d\.\d{3}", f"{cell.text} {cell.detail}")]
    assert re.findall(r"\d\.\d{3}", text.partition(r"\bottomrule")[0]) == numbers
    assert re.findall(r"\\textbf\{([^}]*)\}", text) == [cell.text for cell in cells if cell.mark == "best"]
    assert any(cell.mark == "best" for cell in cells)
    assert [text.count(rule) for rule in (r"\toprule", r"\bottomrule")] == [1, 1]
    n_columns = len(re.search(r"\\begin\{tabular\}\{(\w+)\}", text)[1])  # type: ignore[index]
    rows = [line for line in text.splitlines() if line.endswith(r"\\") and r"\multicolumn" not in line]
    assert {line.count(" & ") for line in rows} == {n_columns - 1}


def test_latex_shows_any_text_as_it_is() -> None:
    evil = r"\input{/etc/passwd} 100% & _{x}^$ # ~"
    table = Table(
        evil, (Column("a"), Column("b")), (Group(evil, (Line((Cell(evil), Cell("-0.1")), 1),)),), (evil,)
    )
    text = latex_table(table)
    assert r"\input" not in text
    assert r"$-$0.1" in text
    bare = re.sub(r"\\[\\&%$#_{}]", "", text)
    assert bare.count("{") == bare.count("}")
    assert "\n" not in escape_latex("a\nb")


def test_csv_has_a_row_for_each_row_and_metric_and_no_formula(scored: Scored) -> None:
    scores = scored()
    rows = list(csv.DictReader(io.StringIO(csv_text(scores.to_arrow()))))
    assert len(rows) == len(scores.rows) * len(scores.metrics)
    assert {row["model"] for row in rows} == {"", "'" + EVIL}
    assert not any(cell[:1] in ("=", "+", "@") for row in rows for cell in row.values())
    [row] = [r for r in rows if (r["readout"], r["control"], r["metric"]) == ("first", "clip", "jsd_bits")]
    [found] = [one for one in scores.rows if isinstance(one.key, RowKey) and one.key.readout == "first"]
    assert float(row["score"]) == found.value("jsd_bits")
    assert float(row["low"]) == found.intervals["jsd_bits"].low


def width_mm(path: Path) -> float:
    """How wide a drawing is, as a reader of its format finds it."""
    if path.suffix == ".svg":
        points = float(ElementTree.fromstring(path.read_text("utf-8")).attrib["width"].removesuffix("pt"))
    else:
        [box] = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ", path.read_bytes())
        points = float(box)
    return points * 25.4 / 72


@pytest.mark.parametrize("width", ["column", "page"])
def test_a_picture_is_as_wide_as_asked_and_shows_every_score(
    scored: Scored, tmp_path: Path, width: PictureWidth
) -> None:
    scores = scored(model="<b>&$x$", clips=14)
    path = write_picture(scores, tmp_path / "new" / "a.svg", width)
    assert width_mm(path) == pytest.approx(WIDTHS_MM[width], abs=0.1)
    words = "\n".join(re.findall("<!-- (.*?) -->", path.read_text("utf-8")))  # its text is drawn as paths
    for row in scores.rows:
        if row.of_clips:
            assert f"{row.value('jsd_bits'):.3f}" in words
    assert "vote prior" in words
    assert path.read_bytes() == write_picture(scores, tmp_path / "b.svg", width).read_bytes()


@pytest.fixture(scope="module")
def written(few_noise_draws: None, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The standard figures of a run."""
    folder = tmp_path_factory.mktemp("figures")
    made = replace(MADE, prompts=("word",), readouts=("label", "first"), controls=("clip", "swapped"))
    readings = read_run(make_run(folder / "run", made), OPTIONS)
    return write_figures([readings], folder / "new" / "figures")


@pytest.mark.slow
def test_every_figure_is_there_as_svg_and_pdf_in_both_widths_and_latex_includes_it(
    written: list[Path],
) -> None:
    names = ["claims", "scores", "thirds", "calibration"]
    expected = {f"{name}-{width}{end}" for name in names for width in WIDTHS_MM for end in (".svg", ".pdf")}
    assert {path.name for path in written} == expected | {"figures.tex"}
    assert sorted(path.name for path in written[0].parent.iterdir()) == sorted(path.name for path in written)
    for path in written[:-1]:
        width: PictureWidth = "column" if "-column" in path.name else "page"
        assert width_mm(path) == pytest.approx(WIDTHS_MM[width], abs=0.1)
    included = re.findall(r"\\includegraphics\{(.*?)\}", written[-1].read_text("utf-8"))
    assert included == [f"{name}-{width}.pdf" for name in names for width in ("column", "page")]


@pytest.mark.slow
def test_every_font_is_inside_and_no_text_of_an_svg_needs_one(written: list[Path]) -> None:
    for path in written:
        content = path.read_bytes()
        if path.suffix == ".pdf":
            fonts = re.findall(rb"/Type /FontDescriptor.*?>>", content, re.DOTALL)
            assert fonts
            assert all(b"/FontFile2" in font for font in fonts)
            assert b"/Type3" not in content
        elif path.suffix == ".svg":
            assert b"<text" not in content
            assert b"font-family" not in content


def test_a_picture_that_cannot_be_made_is_one_line(scored: Scored, tmp_path: Path) -> None:
    scores = scored()
    with pytest.raises(UsageError, match=r"written as \.svg or \.pdf"):
        write_picture(scores, tmp_path / "a.png")
    with pytest.raises(UsageError, match="'wide' is not one of column, page"):
        write_picture(scores, tmp_path / "a.svg", "wide")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="nothing to draw"):
        write_picture(replace(scores, rows=()), tmp_path / "a.svg")
