"""``ambivox corpora inspect`` and ``check`` as a user meets them."""

import json
import re
from pathlib import Path

import pytest

from ambivox.cli import output
from tests.cli.conftest import Cli
from tests.corpora.trees import SMALL, write_iemocap


@pytest.fixture
def ambivox(monkeypatch: pytest.MonkeyPatch, call_cli: Cli) -> Cli:
    monkeypatch.setattr(output.console, "width", 160)
    return call_cli


def test_inspect_tells_the_known_numbers_of_crema_d(ambivox: Cli, data_dir: Path) -> None:
    code, out, err = ambivox("corpora", "inspect", str(data_dir / "crema-d"))
    assert (code, err) == (0, "")
    assert "7,442 utterances, 12 with audio" in out
    assert "raters per utterance: 4 to 12, median 9" in out
    assert "unanimous: 5.1%" in out
    assert "uniform: jsd_bits 0.378" in out
    assert "constant prior: jsd_bits 0.290" in out


def test_inspect_json_is_one_object(ambivox: Cli, tmp_path: Path) -> None:
    root = write_iemocap(tmp_path, SMALL)
    code, out, _ = ambivox("corpora", "inspect", str(root), "--json", "--option", "labels=everyone")
    found = json.loads(out)
    assert code == 0
    assert found["corpus"] == "iemocap"
    assert found["votes"]["utterances"] == 8
    assert found["durations"]["missing"] == 0
    assert {o["option"] for o in found["options"]} == {"labels", "emotions, outside", "four_class"}


def test_check_fails_where_something_is_to_fix(ambivox: Cli, tmp_path: Path) -> None:
    root = write_iemocap(tmp_path, SMALL)
    next(root.glob("Session1/sentences/wav/*/*.wav")).unlink()
    code, out, _ = ambivox("corpora", "check", str(root))
    assert code == 1
    assert re.search(r"FIX +audio present", out)
    assert "7 of 8 clips" in out
    code, out, _ = ambivox("corpora", "check", str(root), "--json")
    assert code == 1
    assert not next(c for c in json.loads(out)["checks"] if c["name"] == "audio present")["passed"]


def test_check_passes_a_whole_copy(ambivox: Cli, data_dir: Path) -> None:
    code, out, _ = ambivox("corpora", "check", str(data_dir / "emo-db"))
    assert code == 0
    assert "403 of 403 clips" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--option", "labels"), "--option 'labels': write NAME=VALUE"),
        (("--option", "labels=al"), "corpus 'iemocap', option 'labels': expected 'primary'"),
        (("--corpus", "iemocapp"), "unknown corpus 'iemocapp': did you mean 'iemocap'"),
        (("--corpus", "msp-podcast"), "labels_detailed.csv: no such file"),
        (("--truth-method", "dawid"), "'dawid' is not one of 'shares', 'dirichlet', 'dawid-skene', 'mace'"),
        (("-o", "t.txt"), "t.txt: end the name in .html for a page"),
        (("--emotions", "iemocap5"), "unknown emotion set 'iemocap5'"),
    ],
)
def test_mistakes_are_one_line(
    ambivox: Cli, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, _, err = ambivox("corpora", "inspect", str(write_iemocap(tmp_path, SMALL)), *arguments)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_the_bare_listing_keeps_working(ambivox: Cli) -> None:
    code, out, _ = ambivox("corpora")
    assert code == 0
    assert "msp-podcast" in out
    code, out, _ = ambivox("corpora", "--json")
    assert {row["corpus"] for row in json.loads(out)} >= {"iemocap", "datasets", "manifest"}


def test_inspect_writes_a_row_for_each_utterance(ambivox: Cli, tmp_path: Path) -> None:
    root = write_iemocap(tmp_path / "corpus", SMALL)
    table = tmp_path / "new" / "votes.csv"
    code, out, err = ambivox(
        "corpora", "inspect", str(root), "--truth-method", "dawid-skene", "-o", str(table)
    )
    assert (code, out) == (0, "")
    assert "wrote" in err
    lines = table.read_text().splitlines()
    assert len(lines) == 9
    assert lines[0].startswith('"id","speaker","partition","raters","votes","entropy_bits"')


def test_options_with_keys_are_written_with_a_dot(ambivox: Cli, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("Datei,Wer,Was\na.wav,7,sad\na.wav,8,angry\n")
    columns = [f"columns.{ours}={theirs}" for ours, theirs in (("audio", "Datei"), ("rater", "Wer"))]
    options = [word for text in [*columns, "columns.label=Was"] for word in ("--option", text)]
    code, out, _ = ambivox("corpora", "inspect", str(tmp_path / "m.csv"), *options, "--json")
    assert code == 0
    assert json.loads(out)["votes"]["n_raters"] == 2


def test_templates_are_listed_shown_and_written(ambivox: Cli, tmp_path: Path) -> None:
    code, out, _ = ambivox("corpora", "template")
    assert (code, "one row for each rating" in out) == (0, True)
    code, out, _ = ambivox("corpora", "template", "ratings")
    assert (code, "audio,rater,label,speaker\n" in out, "who rated" in out) == (0, True, True)
    made = tmp_path / "mine.csv"
    assert ambivox("corpora", "template", "ratings", "-o", str(made))[0] == 0
    assert ambivox("corpora", "inspect", str(made))[0] == 0
    code, _, err = ambivox("corpora", "template", "ratings", "-o", str(made))
    assert (code, "exists already" in err) == (2, True)
    assert "unknown format 'rating': did you mean 'ratings'" in ambivox("corpora", "template", "rating")[2]


@pytest.mark.parametrize("command", ["check", "inspect"])
def test_a_table_of_shares_is_checked_and_inspected(ambivox: Cli, tmp_path: Path, command: str) -> None:
    (tmp_path / "m.csv").write_text("audio,shares.sad,shares.angry\na.wav,0.75,0.25\n")
    code, out, err = ambivox("corpora", command, str(tmp_path / "m.csv"))
    assert (code, err) == (1 if command == "check" else 0, "")
    assert ("raters per utterance: not known, only shares of them" in out) == (command == "inspect")
