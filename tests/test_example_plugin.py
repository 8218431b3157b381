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
SCORE = """
import sys
from ambivox.scoring import noise_ceiling
from ambivox.cli import app
noise_ceiling.LEAST_DRAWS = noise_ceiling.MOST_DRAWS = 4  # the noise ceiling is most of a score's cost
for face in ([], ["--json"]):
    app(["score", *sys.argv[1:], *face], standalone_mode=False)
    print("---")
"""
"""The command twice in a process, which is slow to start: for people, then as JSON."""
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


@pytest.fixture(scope="module")
def run(site: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of the listener with the readout and the prompt of the plug-in."""
    folder = tmp_path_factory.mktemp("study")
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
    done = python(site, "-m", "ambivox", "run", "study.yaml", "-o", "run", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "run"


@pytest.mark.parametrize(
    ("command", "name", "said"),
    [
        ("metrics", "largest_gap", "Largest difference in any label."),
        ("readouts", "last_named", "The label that an answer names last, one-hot"),
        ("corpora", "folders", "Clips in one folder per emotion"),
        ("prompts", "think-aloud", "what is heard in the voice first, then one label"),
    ],
)
def test_the_listings_show_what_the_plug_in_brings(site: Path, command: str, name: str, said: str) -> None:
    done = python(site, "-m", "ambivox", command)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith(name))
    assert said in line
    assert (done.returncode, done.stderr) == (0, "")


def test_a_run_is_scored_by_its_metric_and_its_readout(site: Path, run: Path) -> None:
    score = python(site, "-c", SCORE, str(run), "--metric", "largest_gap")
    assert (score.returncode, score.stderr) == (0, "")
    shown, given, _ = score.stdout.split("---\n")
    assert "largest_gap" in shown
    rows = [row for row in json.loads(given)["rows"] if row["key"].get("readout") == "last_named"]
    rows = [row for row in rows if not row["key"]["options"]]
    assert [row["key"]["prompt"] for row in rows] == ["word", "think-aloud"]
    votes = np.array(list(VOTES.values())) / 10
    gaps = np.abs(np.eye(6)[votes.argmax(axis=1)] - votes).max(axis=1)
    assert [row["scores"]["largest_gap"]["value"] for row in rows] == pytest.approx([gaps.mean()] * 2)


def test_a_folder_of_folders_is_inspected_as_its_corpus(site: Path, tmp_path: Path) -> None:
    for name in ("angry", "sad"):
        (tmp_path / name).mkdir()
        soundfile.write(tmp_path / name / "a.wav", sound_of([0.5, 0.5]), 16_000)
    done = python(site, "-m", "ambivox", "corpora", "inspect", str(tmp_path), "--corpus", "folders", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["utterances"] == 2


def test_the_tests_of_the_plug_in_pass(site: Path) -> None:
    tests = REPOSITORY / "examples" / "plugin" / "tests"
    done = python(site, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(tests))
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
