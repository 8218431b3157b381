"""The main job on real clips with the bundled model, through the commands that users type."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from ambivox.run import Run, load_study, run_study
from ambivox.scoring import ScoringOptions, score
from tests.cli.conftest import Cli, call_cli
from tests.records import facts

__all__ = ["call_cli"]

REPOSITORY = Path(__file__).resolve().parents[1]
CLIPS = REPOSITORY / "examples" / "crema-d" / "AudioWAV"
OFFLINE = os.environ | {"HF_HUB_OFFLINE": "1", "COLUMNS": "200"}
AMBIVOX = [sys.executable, "-m", "ambivox"]


def command(*arguments: str, cwd: Path = REPOSITORY) -> str:
    done = subprocess.run([*AMBIVOX, *arguments], cwd=cwd, env=OFFLINE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 12 CREMA-D clips x 4 prompts, without the controls of the demo."""
    path = tmp_path_factory.mktemp("study") / "demo.yaml"
    data = yaml.safe_load((REPOSITORY / "examples" / "demo.yaml").read_text())
    data["corpora"][0]["path"] = str(CLIPS.parent)
    path.write_text(yaml.safe_dump(data | {"shard_size": 8, "controls": ["clip"]}))
    return path


@pytest.fixture(scope="module")
def uninterrupted(study: Path) -> Run:
    return run_study(load_study(study), study.parent / "whole")


def test_a_run_killed_halfway_and_run_again_has_the_records_of_an_uninterrupted_one(
    study: Path, uninterrupted: Run, call_cli: Cli
) -> None:
    out = study.parent / "killed"
    process = subprocess.Popen(
        [*AMBIVOX, "run", str(study), "--out", str(out)], env=OFFLINE, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while len(list((out / "records").glob("*.parquet"))) < 3:
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = len(list((out / "records").glob("*.parquet")))
    assert 3 <= there < 6, "killed too late to show anything"
    code, _, err = call_cli("run", str(study), "--out", str(out))
    assert code == 0, err
    assert list(map(facts, Run(out).records())) == list(map(facts, uninterrupted.records()))


def test_every_clip_was_heard(uninterrupted: Run) -> None:
    records = list(uninterrupted.records())
    assert len(records) == 48
    assert all(r.reply for r in records)
    assert all(r.replied.audio_tokens and r.replied.audio_tokens > 0 for r in records)
    first_logits = {
        r.replied.token_logits[0].tobytes()
        for r in records
        if r.asked.prompt.name == "word" and r.replied.token_logits is not None
    }
    assert len(first_logits) == 12, "two clips gave the same logits"


@pytest.mark.usefixtures("few_noise_draws")
def test_the_table_has_controls_beside_the_readouts(uninterrupted: Run, call_cli: Cli) -> None:
    code, out, err = call_cli("score", str(uninterrupted.folder), "--json")
    assert code == 0, err
    table = json.loads(out)
    keys = [row["key"] for row in table["rows"]]
    controls = {key["control"] for key in keys if "model" not in key}
    assert {"uniform", "vote-prior", "one-hot-plurality"} <= controls
    readouts = {(key["prompt"], key["readout"]) for key in keys if "model" in key}
    assert {("word", "label"), ("letter", "label"), ("dictionary", "dictionary")} <= readouts
    assert {(prompt, "first") for prompt in ("word", "letter", "dictionary", "percentages")} <= readouts
    assert all(sum(row["statuses"].values()) == row["utterances"] == 12 for row in table["rows"])


@pytest.mark.usefixtures("few_noise_draws")
def test_mini_answers_with_a_word_a_letter_and_a_dictionary_that_can_be_read(uninterrupted: Run) -> None:
    # Its percentages and rankings are often out of format; the model card says how often.
    table = score(uninterrupted, ScoringOptions(readouts=("dictionary", "label")))
    failed = {row.key.prompt: row.failed for row in table.rows if row.level == "text"}
    assert (failed["word"], failed["letter"], failed["dictionary"]) == (0, 0, 0)


def test_a_bare_read_draws_two_distributions_offline() -> None:
    [clip, *_] = sorted(CLIPS.glob("*.wav"))
    out = command("read", str(clip))
    assert "dictionary/dictionary" in out
    assert "word/first" in out
    assert "improbable" not in out


def test_mini_is_small() -> None:
    folder = REPOSITORY / "src" / "ambivox" / "models" / "mini"
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert size <= 16e6


def test_the_readmes_python_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(REPOSITORY)
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    [block] = [part.split("```")[0] for part in text.split("```python\n")[1:]]
    assert len([line for line in block.splitlines() if line.strip()]) <= 6
    exec(compile(block, "README.md", "exec"), {})
    out = capsys.readouterr().out
    assert re.search(r"^dictionary/dictionary (ok|renormalised) \[0\.\d*", out, re.MULTILINE)
    assert re.search(r"^word/first ok \[0\.\d+", out, re.MULTILINE)
