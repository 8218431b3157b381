import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
import yaml

from ambivox.choices import Truth
from ambivox.cli.app import app
from ambivox.present.html.again import commands, do_again, scoring_flags
from ambivox.scoring import ScoringOptions, read_run
from ambivox.study import Study
from tests.present.runs import Made, make_run

COMMANDS: Any = typer.main.get_command(app)


def test_the_study_can_be_run_again_from_what_is_shown(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", Made(clips=3))
    shown = Study.model_validate(yaml.safe_load(do_again(read_run(run)).study))
    made = run.study()
    assert shown == made.model_copy(
        update={"corpora": tuple(c.model_copy(update={"path": Path(c.path.name)}) for c in made.corpora)}
    )


def test_no_folder_is_told(tmp_path: Path) -> None:
    table = tmp_path / "truth.csv"
    assert scoring_flags(ScoringOptions(truth_table=table)) == ["--truth-table", "truth.csv"]


@pytest.mark.parametrize("command", ["score", "report"])
def test_the_flags_are_those_of_the_command_line(command: str) -> None:
    truth = get_args(Truth)[1]
    options = ScoringOptions(
        "aer-llm", ("kl_bits",), "other", "uniform", ("first",), ("pmi",), ("1001", "1002"), "clip", truth
    )
    left_out = {"truth_table", "n_draws", "seed"}
    changed = [f.name for f in fields(options) if getattr(options, f.name) != f.default]
    assert {f.name for f in fields(options)} - set(changed) == left_out
    context = COMMANDS.commands[command].make_context(command, ["run", *scoring_flags(options)])
    given = {
        k: str(v)
        for k, v in context.params.items()
        if v and k in {*changed, "metric", "readout", "calibration"}
    }
    assert given == {
        "convention": "aer-llm",
        "metric": str(["kl_bits"]),
        "outside": "other",
        "failed_as": "uniform",
        "readout": str(["first"]),
        "calibration": str(["pmi"]),
        "development_speakers": "1001,1002",
        "cluster": "clip",
        "truth": truth,
    }


def test_the_exact_words_of_each_prompt_are_told(tmp_path: Path) -> None:
    told = do_again(read_run(make_run(tmp_path / "run", Made(clips=3))))
    assert told.prompts == tuple(
        (f"{n} (v1)", "Which emotion does it carry?", 1) for n in ("word", "dictionary")
    )


def test_versions_and_fingerprints_are_told(tmp_path: Path) -> None:
    versions = dict(do_again(read_run(make_run(tmp_path / "run", Made(clips=3)))).versions)
    assert versions["python"] == "3.12.0"
    assert versions["numpy"] == "2.0.0"
    assert versions["corpus crema-d"] == "fingerprint 0123456789abcdef"


def test_every_command_is_one_of_the_command_line(tmp_path: Path) -> None:
    options = ScoringOptions(
        "aer-llm", ("kl_bits",), "exclude-utterance", calibrations=("pmi",), cluster="clip"
    )
    told = commands([read_run(make_run(tmp_path / "a run", Made(clips=6)), options)])
    for line in told:
        _, command, *words = shlex.split(line)
        context = COMMANDS.commands[command].make_context(command, words)
        assert "a run" in str(context.params)


def test_runs_in_folders_of_one_name_are_told_apart_in_the_commands(tmp_path: Path) -> None:
    runs = [read_run(make_run(tmp_path / name / "run", Made(clips=3))) for name in "ab"]
    assert commands(runs) == [
        "ambivox run a/run.yaml --out a/run",
        "ambivox run b/run.yaml --out b/run",
        "ambivox score a/run b/run",
        "ambivox claims a/run",
        "ambivox claims b/run",
        "ambivox report a/run b/run",
    ]
