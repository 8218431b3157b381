"""The command line as a user meets it, with a toy model in place of a real one where speed matters."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from ambivox.emotions import load_emotions
from ambivox.models import MODELS
from ambivox.prompts import load_prompt
from tests.cli.conftest import Cli
from tests.run.toy import ToyModel, write_corpus


@pytest.fixture
def ambivox(monkeypatch: pytest.MonkeyPatch, call_cli: Cli, tmp_path: Path) -> Cli:
    """Run a command in an empty folder: ``ambivox("read", "x.wav") -> (exit code, stdout, stderr)``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(MODELS._items, "toy", lambda _, **options: ToyModel(fails_on=("sick.wav",)))
    monkeypatch.setenv("COLUMNS", "200")
    return call_cli


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "voice.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 16_000), 16_000)
    return path


@pytest.fixture
def study(tmp_path: Path) -> Path:
    write_corpus(tmp_path / "clips")
    path = tmp_path / "small.yaml"
    data = {"corpora": [{"name": "manifest", "path": "clips/manifest.csv"}], "models": ["toy"]}
    data["controls"] = ["clip"]
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


def is_one_error_line(err: str) -> bool:
    return err.startswith("error: ") and err.count("\n") == 1 and "Traceback" not in err


def test_read_draws_both_distributions(ambivox: Cli, clip: Path) -> None:
    code, out, err = ambivox("read", str(clip), "--model", "toy")
    assert (code, err) == (0, "")
    assert "text level" in out
    assert "token level" in out
    assert all(name in out for name in ("dictionary/dictionary", "dictionary/expected", "word/first"))
    assert "█" in out
    assert all(label in out for label in ("angry", "disgust", "fear", "happy", "neutral", "sad"))


def test_read_says_where_a_model_runs_and_what_with(ambivox: Cli, clip: Path) -> None:
    def shares(*options: str) -> list[float]:
        code, out, err = ambivox("read", str(clip), "--prompt", "word", "--json", *options)
        assert (code, err) == (0, "")
        readings = json.loads(out)["answers"]["word"]["readings"]
        return next(one["distribution"] for one in readings.values() if one["level"] == "token")

    exact = shares()
    assert shares("--device", "cpu") == pytest.approx(exact, abs=1e-4)
    assert shares("--dtype", "bfloat16") != pytest.approx(exact, abs=1e-4)


@pytest.mark.parametrize("command", ["read", "track"])
def test_a_device_that_is_none_is_one_line(ambivox: Cli, clip: Path, command: str) -> None:
    code, out, err = ambivox(command, str(clip), "--device", "nowhere")
    assert (code, out) == (2, "")
    assert err == "error: unknown device 'nowhere': give cpu, cuda, cuda:1, mps or auto\n"


def test_read_json_gives_one_object_per_clip(ambivox: Cli, clip: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.flac"
    soundfile.write(other, np.random.default_rng(1).normal(0, 0.1, 8_000), 16_000)
    code, out, _ = ambivox("read", str(clip), str(other), "-m", "toy", "--json")
    objects = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [o["clip"] for o in objects] == [str(clip), str(other)]
    for o in objects:
        assert list(o["answers"]) == ["dictionary", "word"]
        numbers, word = o["answers"].values()
        assert numbers["text"].startswith("{")
        assert word["text"] in o["labels"]
        assert list(numbers["readings"]) == ["dictionary", "expected"]
        assert list(word["readings"]) == ["first"]
        assert word["readings"]["first"]["level"] == "token"
        for reading in (numbers["readings"]["dictionary"], word["readings"]["first"]):
            assert sum(reading["distribution"].values()) == pytest.approx(1)
            assert reading["distribution"].keys() == set(o["labels"])


def test_a_prompt_that_is_named_is_the_only_one_asked(ambivox: Cli, clip: Path) -> None:
    code, out, _ = ambivox("read", str(clip), "-m", "toy", "--json", "-p", "letter", "-p", "word")
    answers = json.loads(out)["answers"]
    assert (code, list(answers)) == (0, ["letter", "word"])
    assert {"label", "first", "sequence"} <= answers["letter"]["readings"].keys()


def test_one_bad_clip_among_good_ones_is_told_and_the_rest_is_read(
    ambivox: Cli, clip: Path, tmp_path: Path
) -> None:
    sick = tmp_path / "sick.wav"
    sick.write_bytes(clip.read_bytes())
    code, out, err = ambivox("read", "missing.wav", str(sick), str(clip), "-m", "toy", "--json")
    objects = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [o["error"] is not None for o in objects] == [True, True, False]
    assert err.count("error: ") == 2
    assert "missing.wav" in err
    assert "sick.wav" in err


def test_a_folder_is_read_into_a_file_that_the_same_command_goes_on_with(
    ambivox: Cli, clip: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "clips"
    (folder / "inner").mkdir(parents=True)
    for name in ("b.wav", "inner/a.wav", ".hidden.wav", "notes.txt"):
        (folder / name).write_bytes(clip.read_bytes())
    code, out, err = ambivox("read", str(folder), "-m", "toy", "-o", "out.jsonl")
    assert (code, out, err) == (0, "", "out.jsonl: 2 clips\n")
    lines = [json.loads(line) for line in Path("out.jsonl").read_text().splitlines()]
    assert [line["clip"] for line in lines] == [str(folder / "b.wav"), str(folder / "inner" / "a.wav")]
    (folder / "sick.wav").write_bytes(clip.read_bytes())
    code, out, err = ambivox("read", str(folder), "-m", "toy", "-o", "out.jsonl")
    assert (code, out) == (1, "")
    assert err == "out.jsonl: 3 clips, 2 of them from before; 1 failed, see their lines\n"


def test_a_calibration_is_fitted_kept_applied_and_refused_by_another_model(
    ambivox: Cli, clip: Path, study: Path
) -> None:
    ambivox("run", str(study), "-o", "run")
    code, out, err = ambivox("calibrate", "run", "-o", "cal.json", "--readout", "first", "-p", "word")
    assert (code, err) == (0, "wrote cal.json; next: ambivox read CLIP --calibrate cal.json\n")
    kept = json.loads(Path("cal.json").read_text())
    [fit] = kept["fits"]
    cells = next(line for line in out.splitlines() if line.startswith("word")).split()
    assert cells[:5] == ["word", "first", f"{1 / fit['scale'][0]:.2f}", "6", "2"]
    assert cells[5:7] == [f"{nats:.3f}" for nats in fit["held_out"]["loss_nats"]]
    code, out, _ = ambivox("read", str(clip), "-m", "toy", "--calibrate", "cal.json", "--json")
    reading = json.loads(out)["answers"]["word"]["readings"]["first"]
    assert (code, reading["calibration"]) == (0, "temperature")
    assert reading["distribution"] != reading["uncalibrated"]
    code, out, _ = ambivox("track", str(clip), "-m", "toy", "--calibrate", "cal.json", "--json")
    assert (code, json.loads(out)["calibration"]) == (0, "temperature")
    for words in (("-p", "letter"), ("-m", "mini")):
        code, out, err = ambivox("read", str(clip), "-m", "toy", *words, "--calibrate", "cal.json")
        assert (code, out) == (2, "")
        assert is_one_error_line(err)


def test_a_log_gets_a_line_of_progress_now_and_then(
    ambivox: Cli, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ambivox.present.text.progress.LINE_EVERY_S", 0.0)
    for n in range(20):
        (tmp_path / f"clip {n}.wav").write_bytes(clip.read_bytes())
    _, _, err = ambivox("read", *(f"clip {n}.wav" for n in range(20)), "-m", "toy", "-o", "out.jsonl")
    lines = [line.rstrip() for line in err.splitlines()]
    assert lines[0].startswith("0 of 20")
    assert re.fullmatch(r"16 of 20, [\d.]+/s, 0:00:\d\d left", lines[1])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["read", "voice.wav", "-m", "toy", "--json", "-o", "x.jsonl"], 2, "--out and --json: choose one"),
        (["read", "empty", "-m", "toy"], 1, "empty: no sound files in this folder"),
        (["read"], 2, "Missing argument 'CLIP...'"),
        (["frobnicate"], 2, "No such command 'frobnicate'"),
        (["read", "voice.wav", "--modle", "toy"], 2, "No such option: --modle"),
        (["read", "voice.wav", "-m", "toi"], 2, "unknown model 'toi': did you mean 'toy'"),
        (["read", "voice.wav", "-m", "toy", "-p", "dictonary"], 2, "did you mean 'dictionary'"),
        (["read", "voice.wav", "-m", "toy", "-p", "word", "-p", "word"], 2, "'word' is given twice"),
        (["read", "voice.wav", "-m", "toy", "-e", "cremad"], 2, "did you mean 'cremad6'"),
        (["read", "voice.wav", "-m", "toy", "--readout", "mean(valu=logit)"], 2, "did you mean 'value'"),
        (["read", "voice.wav", "-m", "toy", "--readout", "mean(value=loget)"], 2, "logit"),
        (["read", "none.wav", "-m", "toy"], 1, "none.wav"),
        (["read", "voice.wav", "-m", "toy", "--start-s", "9"], 1, "voice.wav"),
        (["run", "none.yaml"], 2, "none.yaml"),
        (["score", "nowhere"], 2, "nowhere: no run here"),
        (["claims", "nowhere"], 2, "nowhere: no run here"),
        (["report", "nowhere"], 2, "nowhere"),
        (["check", "toi"], 2, "unknown model"),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(
    ambivox: Cli, clip: Path, arguments: list[str], code: int, message: str
) -> None:
    Path("empty").mkdir()
    got, out, err = ambivox(*arguments)
    assert got == code
    assert is_one_error_line(err)
    assert message in err
    assert out == ""


@pytest.mark.parametrize(
    "name", ["models", "prompts", "emotions", "corpora", "readouts", "calibrations", "metrics"]
)
def test_listings_name_everything_in_text_and_json(ambivox: Cli, name: str) -> None:
    expected = {
        "models": ["mini", "transformers", "whisper"],
        "prompts": ["word", "letter", "sentence", "dictionary", "percentages", "ranked", "free"],
        "emotions": ["iemocap4", "cremad6", "msp8", "ekman6", "ravdess8"],
        "corpora": ["crema-d", "manifest"],
        "readouts": ["dictionary", "label", "first", "mean", "sequence"],
        "calibrations": ["batch", "contextual", "pmi", "prior-match", "temperature", "vector"],
        "metrics": ["jsd_bits", "brier_mean", "aer-llm", "yu-2026"],
    }[name]
    code, out, _ = ambivox(name)
    assert code == 0
    assert all(word in out for word in expected)
    code, out, _ = ambivox(name, "--json")
    assert code == 0
    assert all(f'"{word}"' in json.dumps(json.loads(out)) for word in expected)


def test_a_prompt_is_shown_as_the_model_sees_it(ambivox: Cli) -> None:
    prompt, emotions = load_prompt("letter"), load_emotions("iemocap4")
    code, out, _ = ambivox("prompts", "letter", "--emotions", "iemocap4")
    assert code == 0
    assert prompt.render(emotions).text in out
    code, out, _ = ambivox("prompts", "letter", "--emotions", "iemocap4", "--json")
    shown = json.loads(out)
    assert shown["template"] == prompt.text
    assert shown["answers"]["sad"] == ["D"]
    assert set(shown["variables"]) == {"context", "lettered", "transcript"}


def test_run_score_and_report_follow_each_other(ambivox: Cli, study: Path, tmp_path: Path) -> None:
    code, _, err = ambivox("run", str(study))
    assert code == 0
    assert "24 records in runs/small (0 were there, 0 failed)" in err
    code, out, _ = ambivox("score", "runs/small")
    assert code == 0
    assert "vote prior" in out
    assert "jsd_bits" in out
    code, _, err = ambivox("export", "runs/small", "-o", "small.csv")
    assert (code, err.strip()) == (0, "wrote small.csv")
    code, out, _ = ambivox("score", "runs/small", "-c", "scaling-ambiguity", "--json")
    assert code == 0
    assert json.loads(out)["convention"] == "scaling-ambiguity"
    code, out, _ = ambivox("score", "runs/small", "--tertiles", "--sensitivity", "--cluster", "clip")
    assert code == 0
    assert "by ambiguity" in out
    assert "manifest: sensitivity" in out
    code, out, _ = ambivox("claims", "runs/small")
    assert code == 0
    assert "The token level is nearer to the votes than the text level: not tested" in out
    assert "2 speakers: an interval needs at least 12" in out
    code, out, _ = ambivox("claims", "runs/small", "--json")
    assert json.loads(out)["corpora"][0]["claims"][0]["verdict"] == "not tested"
    code, out, _ = ambivox("claims", str(study), "--plan")
    assert code == 0
    assert "cannot be tested: 2 speakers: an interval needs at least 12" in out
    code, _, err = ambivox("report", "runs/small", "-o", "page.html")
    assert code == 0
    assert "<html" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_run_in_which_everything_failed_is_a_failure(ambivox: Cli, study: Path, tmp_path: Path) -> None:
    for path in (tmp_path / "clips").glob("*.wav"):
        path.write_bytes(b"not sound")
    code, _, err = ambivox("run", str(study))
    assert code == 1
    assert "error: all 24 requests failed" in err


def test_an_interrupt_is_one_line_that_says_how_to_go_on(
    ambivox: Cli, study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: ToyModel, requests: object) -> object:
        raise KeyboardInterrupt

    monkeypatch.setattr(ToyModel, "generate", interrupted)
    code, _, err = ambivox("run", str(study))
    assert code == 1
    assert err.strip().splitlines()[-1] == (
        "error: interrupted after 0 of 24 requests; the same command goes on where it stopped"
    )


def test_listing_and_scoring_need_neither_torch_nor_the_distributions_of_scipy() -> None:
    code = (
        "import sys\nimport ambivox.cli, ambivox.run, ambivox.scoring, ambivox.metrics, ambivox.corpora\n"
        "print(sorted({'torch', 'transformers', 'matplotlib', 'scipy.stats'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_clips_that_cannot_be_heard_do_not_wait_for_the_model(tmp_path: Path) -> None:
    code = (
        "import sys\nsys.argv = ['ambivox', 'read', 'none.wav', 'nor.wav', '--json']\n"
        "from ambivox.__main__ import main\n"
        "try: main()\nexcept SystemExit as end: code = end.code\n"
        "print(code, sorted({'torch', 'scipy.optimize'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    *objects, last = done.stdout.strip().splitlines()
    assert last == "1 []"
    assert [json.loads(one)["clip"] for one in objects] == ["none.wav", "nor.wav"]
    assert all("no such file" in json.loads(one)["error"]["text"] for one in objects)
    assert done.stderr.count("error: ") == 2


def test_a_run_on_a_corpus_of_labels_says_how_it_is_scored(
    call_cli: Cli, tmp_path: Path, data_dir: Path
) -> None:
    study = tmp_path / "s.yaml"
    corpus = f"{{name: nemo, path: {data_dir / 'nemo'}, limit: 2}}"
    study.write_text(f"corpora: [{corpus}]\nprompts: [word]\nreadouts: [label]\n")
    run = tmp_path / "run"
    code, _, err = call_cli("run", str(study), "--out", str(run))
    assert (code, f"next: ambivox score {run} --truth intended\n" in err) == (0, True)
    code, _, err = call_cli("score", str(run))
    assert (code, "score with --truth intended" in err) == (2, True)
    code, out, _ = call_cli("score", str(run), "--truth", "intended")
    assert code == 0
    assert "one label per clip" in " ".join(out.split())


@pytest.fixture
def call(tmp_path: Path) -> Path:
    """Three seconds of noise with a second of silence in between."""
    noise = np.random.default_rng(0).normal(0, 0.1, 32_000)
    path = tmp_path / "call.wav"
    soundfile.write(path, np.insert(noise, 8_000, np.zeros(8_000)), 8_000)
    return path


def test_track_prints_the_same_windows_as_text_json_and_csv(ambivox: Cli, call: Path) -> None:
    words = ("track", str(call), "-m", "toy", "--window", "1", "--hop", "1", "--channel", "0")
    code, text, err = ambivox(*words)
    assert (code, err) == (0, "")
    rows = [json.loads(line) for line in ambivox(*words, "--json")[1].splitlines()]
    table = list(csv.DictReader(ambivox(*words, "--csv")[1].splitlines()))
    lines = text.splitlines()
    assert [row["status"] for row in rows] == ["improbable", "silent", *["improbable"] * 3]
    assert [(row["start_s"], row["end_s"]) for row in rows] == [(n, n + 1) for n in range(5)]
    assert len(rows) == len(table) == len(lines)
    assert lines[1].split() == ["1.00", "2.00", "s", "silent"]
    assert table[1]["p.angry"] == table[1]["mass"] == table[1]["entropy_bits"] == ""
    for row, cells, line in zip(rows, table, lines, strict=True):
        assert (float(cells["start_s"]), cells["status"]) == (row["start_s"], row["status"])
        if row["distribution"] is None:
            continue
        assert {name: float(cells[f"p.{name}"]) for name in row["distribution"]} == row["distribution"]
        top = max(row["distribution"], key=row["distribution"].get)
        assert f"{top} " in line
        assert f"{row['distribution'][top]:.1%}" in line
        assert f"{row['entropy_bits']:.2f} bits" in line


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--window", "11"), 2),
        (("--hop", "0"), 2),
        (("--channel", "1"), 1),
        (("--channel", "left"), 2),
        (("--json", "--csv"), 2),
    ],
)
def test_track_says_in_one_line_what_cannot_be(
    ambivox: Cli, call: Path, words: tuple[str, ...], code: int
) -> None:
    found, out, err = ambivox("track", str(call), "-m", "toy", *words)
    assert (found, out) == (code, "")
    assert is_one_error_line(err)


def test_track_fails_where_a_window_did(ambivox: Cli, call: Path) -> None:
    code, out, err = ambivox("track", str(call.rename(call.with_name("sick.wav"))), "-m", "toy")
    assert code == 1
    assert "failed (RuntimeError: cannot digest sick.wav)" in out
    assert is_one_error_line(err)
