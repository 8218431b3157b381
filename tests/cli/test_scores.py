"""Tables and exports through the commands that users type."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.present.runs import Made, make_run

USUAL = {"clips": 8, "prompts": ("word",), "readouts": ("label", "first")}

pytestmark = pytest.mark.usefixtures("few_noise_draws")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two runs, which is the working one."""
    make_run(tmp_path / "a", Made(**USUAL))  # type: ignore[arg-type]
    make_run(tmp_path / "b", Made(**USUAL, model="other"))  # type: ignore[arg-type]
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_several_runs_are_scored_in_one_table(folder: Path, call_cli: Cli) -> None:
    code, out, _ = call_cli("score", "a", "b", "--columns", "jsd_bits,failed")
    assert code == 0
    assert "a: Prompt word, mini" in out
    assert "b: Prompt word, other" in out
    assert "b (other) less a (mini)" in out
    code, out, _ = call_cli("score", "a", "b", "--json")
    found = json.loads(out)
    assert {row["key"]["run"] for row in found["rows"]} == {"", "a", "b"}
    assert [one["between"] for one in found["differences"]] == ["models", "models"]
    code, _, err = call_cli("score", "a", "b", "--csv", "--differences", "differences.csv")
    assert (code, err) == (0, "wrote differences.csv\n")
    rows = list(csv.DictReader(io.StringIO(Path("differences.csv").read_text())))
    assert {(row["run"], row["reference_run"], row["metric"]) for row in rows} == {("b", "a", "jsd_bits")}


def test_a_mistake_in_what_is_shown_is_one_line_and_exit_code_2(folder: Path, call_cli: Cli) -> None:
    mistakes = {
        ("score", "a", "a"): "given twice",
        ("score", "a", "--columns", "bliss"): "unknown column 'bliss'",
        ("score", "a", "--csv", "--latex"): "choose one of them",
        ("score", "a", "--differences", "x.csv"): "--differences: they lie between several runs",
        ("score", "a", "--figure", "a.png"): "written as .svg or .pdf",
        ("report", "a", "b"): "name the page with --out",
        ("export", "a", "--as", "label-studio", "-o", "a.csv"): "Label Studio reads .json",
    }
    for words, said in mistakes.items():
        code, _, err = call_cli(*words)
        assert (code, err.count("\n")) == (2, 1)
        assert said in err
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]


def test_scores_are_printed_for_papers_and_spreadsheets(folder: Path, call_cli: Cli) -> None:
    code, out, _ = call_cli("score", "a", "--csv")
    assert code == 0
    assert {row["metric"] for row in csv.DictReader(io.StringIO(out))} >= {"jsd_bits", "accuracy"}
    code, out, _ = call_cli("score", "a", "--latex")
    assert code == 0
    assert out.count(r"\toprule") == 1
    code, _, err = call_cli("score", "a", "b", "--figure", "ab.svg", "--figure-width", "page")
    assert code == 0
    assert "wrote ab.svg" in err
    assert (folder / "ab.svg").read_text("utf-8").count("<svg") == 1


@pytest.mark.slow
def test_figures_of_runs_are_written_with_latex_that_includes_them(folder: Path, call_cli: Cli) -> None:
    code, out, err = call_cli("figures", "a", "b", "-o", "drawn/here")
    written = {path.name for path in (folder / "drawn" / "here").iterdir()}
    assert (code, out, err) == (0, "", f"wrote {len(written)} files into drawn/here: include figures.tex\n")
    assert written >= {"scores-column.pdf", "scores-page.svg", "figures.tex"}
    assert not any(name.endswith(".partial") for name in written)
    code, _, err = call_cli("figures", "a", "-o", "drawn/here/figures.tex")
    assert (code, err.count("\n")) == (1, 1)
    assert "cannot be made (File exists): choose another folder" in err


@pytest.mark.parametrize(
    ("format_", "name", "made"),
    [
        ("label-studio", "t.json", "t.json"),
        ("audformat", "db", "db/db.yaml"),
        ("croissant", "c.json", "c.json"),
        ("table", "t.jsonl", "t.jsonl"),
    ],
)
def test_a_run_is_exported_in_each_format(
    folder: Path, call_cli: Cli, format_: str, name: str, made: str
) -> None:
    code, _, err = call_cli("export", "a", "--as", format_, "-o", name)
    assert (code, err.strip()) == (0, f"wrote {name}")
    assert (folder / made).stat().st_size > 100
