"""The example plug-in as a user installs it: by pip, into a Python of its own as far as that goes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ambivox.testing import sound_of

pytest.importorskip("hatchling", reason="pip builds the plug-in with it")
pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).resolve().parents[1]
CALLS = """
import json, sys
from typer.testing import CliRunner
from ambivox.cli import app
from ambivox.scoring import noise_ceiling
# The noise ceiling is most of a score's cost.
noise_ceiling.NOISE_READINGS, noise_ceiling.LEAST_DRAWS, noise_ceiling.MOST_DRAWS = 400, 4, 4
told = [CliRunner().invoke(app, words) for words in json.loads(sys.argv[1])]
print(json.dumps([(one.exit_code, one.stdout, one.stderr) for one in told]))
"""
"""Several commands in one process, which is slow to start: what each of them ended with and said."""
COMMANDS = {
    "metrics": "metrics",
    "readouts": "readouts",
    "corpora": "corpora",
    "prompts": "prompts",
    "inspect": "corpora inspect folders --corpus folders --json",
    "run": "run study.yaml -o run",
    "score": "score run --metric largest_gap",
    "score as JSON": "score run --metric largest_gap --json",
}
Told = dict[str, tuple[int, str, str]]
VOTES = {"angry": [7, 1, 1, 0, 1, 0], "happy": [0, 0, 1, 8, 1, 0], "sad": [1, 0, 1, 0, 2, 6]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which pip has put the plug-in, built without a network."""
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--target", str(site)]
    copy = tmp_path_factory.mktemp("copy") / "plugin"
    subprocess.run(["cp", "-r", str(REPOSITORY / "examples" / "plugin"), str(copy)], check=True)
    subprocess.run([*pip, *offline, str(copy)], check=True, capture_output=True)
    return site


def python(site: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), str(REPOSITORY / "src")])
    environment = os.environ | {"PYTHONPATH": path, "COLUMNS": "200", "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=cwd, capture_output=True, text=True
    )


def write_study(folder: Path) -> None:
    """A study of the listener with the readout and the prompt of the plug-in."""
    labels = ["angry", "disgust", "fear", "happy", "neutral", "sad"]
    lines = ["id,audio,speaker," + ",".join(f"votes.{label}" for label in labels)]
    for n, (name, votes) in enumerate(VOTES.items()):
        soundfile.write(folder / f"{name}.wav", sound_of([v / 10 for v in votes]), 16_000)
        lines.append(f"{name},{name}.wav,s{n}," + ",".join(map(str, votes)))
    (folder / "clips.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "study.yaml").write_text(
        "corpora: [{name: manifest, path: clips.csv}]\nmodels: [listener]\ncontrols: [clip]\n"
        "prompts: [word, think-aloud]\nreadouts: [first, last_named, 'last_named(window=40)']\n",
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def told(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The exit code, the output and the errors of each command."""
    folder = tmp_path_factory.mktemp("study")
    write_study(folder)
    for name in ("angry", "sad"):
        (folder / "folders" / name).mkdir(parents=True)
        soundfile.write(folder / "folders" / name / "a.wav", sound_of([0.5, 0.5]), 16_000)
    words = json.dumps([command.split() for command in COMMANDS.values()])
    done = python(site, "-c", CALLS, words, cwd=folder)
    assert done.returncode == 0, done.stderr
    return dict(zip(COMMANDS, map(tuple, json.loads(done.stdout)), strict=True))


@pytest.mark.parametrize(
    ("command", "name", "said"),
    [
        ("metrics", "largest_gap", "Largest difference in any label."),
        ("readouts", "last_named", "The label that an answer names last, one-hot"),
        ("corpora", "folders", "Clips in one folder per emotion"),
        ("prompts", "think-aloud", "what is heard in the voice first, then one label"),
    ],
)
def test_the_listings_show_what_the_plug_in_brings(told: Told, command: str, name: str, said: str) -> None:
    code, out, err = told[command]
    (line,) = (line for line in out.splitlines() if line.startswith(name))
    assert said in line
    assert (code, err) == (0, "")


def test_a_run_is_scored_by_its_metric_and_its_readout(told: Told) -> None:
    assert told["run"][0] == 0, told["run"]
    for score in ("score", "score as JSON"):
        assert (told[score][0], told[score][2]) == (0, "")
    assert "largest_gap" in told["score"][1]
    rows = json.loads(told["score as JSON"][1])["rows"]
    rows = [row for row in rows if row["key"].get("readout") == "last_named" and not row["key"]["options"]]
    assert [row["key"]["prompt"] for row in rows] == ["word", "think-aloud"]
    votes = np.array(list(VOTES.values())) / 10
    gaps = np.abs(np.eye(6)[votes.argmax(axis=1)] - votes).max(axis=1)
    assert [row["scores"]["largest_gap"]["value"] for row in rows] == pytest.approx([gaps.mean()] * 2)


def test_a_folder_of_folders_is_inspected_as_its_corpus(told: Told) -> None:
    code, out, err = told["inspect"]
    assert code == 0, err
    assert json.loads(out)["utterances"] == 2


def test_the_tests_of_the_plug_in_pass(site: Path) -> None:
    tests = REPOSITORY / "examples" / "plugin" / "tests"
    done = python(site, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(tests))
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
