"""Calibrated rows of a score table: the right references, and votes of no scored speaker."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ambivox.calibration import fit_temperature
from ambivox.errors import UsageError
from ambivox.present.html import write_report
from ambivox.readouts import load_readouts
from ambivox.run import Run, Study, run_study
from ambivox.scoring import ScoringOptions, score
from ambivox.scoring.calibrated import calibrate
from ambivox.scoring.gather import gather, read_all
from ambivox.scoring.keys import readout_text
from ambivox.scoring.readings import CorpusReadings
from tests.run.conftest import write_study
from tests.run.toy import ToyModel, write_corpus
from tests.scoring.rows import find_row


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """12 clips x two orders of one prompt x all controls; nobody changes it."""
    folder = tmp_path_factory.mktemp("calibrated")
    changes = {"prompts": ["word"], "readouts": ["label", "first"], "order_seeds": [None, 1]}
    needs = {"calibrations": ["contextual", "pmi", "batch"]}
    study = Study.model_validate(write_study(folder).model_dump() | changes | needs)
    write_corpus(folder / "clips", n_clips=12)
    return run_study(study, folder / "out", models=[ToyModel()])


def read(run: Run, keep: Callable[..., object] = lambda record: True) -> list[CorpusReadings]:
    readouts = load_readouts(["first"])
    return gather(read_all(list(filter(keep, run.records())), readouts))[0]


def of(corpora: Sequence[CorpusReadings], readout: str, control: str = "clip") -> NDArray[np.float64]:
    [found] = [r for r in corpora[0].readings if (readout_text(r.key), r.key.control) == (readout, control)]
    return found.p


def test_a_calibration_brings_the_controls_that_it_needs(run: Run) -> None:
    assert {record.asked.control for record in run.records()} == {"clip", "silence", "noise", "no-audio"}


@pytest.mark.parametrize("control", ["silence", "noise", "no-audio"])
def test_answers_are_divided_by_the_mean_answer_to_the_control_in_the_same_order(
    run: Run, control: str
) -> None:
    [found] = calibrate(read(run), [f"content-free-{control}"]).corpora
    own, reference = of([found], "first"), of([found], "first", control)
    for order in (0, 1):  # readings alternate between the two orders of the options
        expected = own[order::2] / reference[order::2].mean(axis=0)
        expected /= expected.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(of([found], f"first + content-free-{control}")[order::2], expected)


def test_the_contextual_reference_is_the_mean_of_three(run: Run) -> None:
    [found] = calibrate(read(run), ["contextual"]).corpora
    three = [of([found], "first", control)[::2].mean(axis=0) for control in ("silence", "noise", "no-audio")]
    expected = of([found], "first")[::2] / np.mean(three, axis=0)
    np.testing.assert_allclose(
        of([found], "first + contextual")[::2], expected / expected.sum(axis=1, keepdims=True)
    )


def test_mutual_information_is_taken_clip_by_clip(run: Run) -> None:
    [found] = calibrate(read(run), ["pmi"]).corpora
    expected = of([found], "first") / of([found], "first", "no-audio")
    np.testing.assert_allclose(of([found], "first + pmi"), expected / expected.sum(axis=1, keepdims=True))


def test_a_run_without_the_control_says_so(run: Run) -> None:
    corpora = read(run, lambda record: record.asked.control == "clip")
    done = calibrate(corpora, ["content-free-noise", "pmi"])
    [found], notes = done.corpora, done.notes
    assert [r.key.readout for r in found.readings] == ["first"]
    assert [(note.code, readout_text(note.key)) for note in notes] == [
        ("no-control", "first + content-free-noise"),
        ("no-control", "first + pmi"),
    ]
    assert "not computed: the run has no control 'noise'" in notes[0].text


def test_what_is_fitted_to_named_speakers_never_sees_the_others(run: Run) -> None:
    table = score(
        run,
        ScoringOptions(calibrations=["temperature"], development_speakers=["speaker1"], readouts=["first"]),
    )
    assert {row.utterances for row in table.rows if row.level != "control"} == {2 * 6}
    assert any(
        "fitted to development speakers speaker1, who are not scored" in note.text for note in table.notes
    )
    development = read(run, lambda record: record.asked.utterance.speaker == "speaker1")
    tested = read(run, lambda record: record.asked.utterance.speaker == "speaker0")
    [found] = calibrate(tested, ["temperature"], development=development).corpora
    [other] = [r for r in development[0].readings if r.key.control == "clip"]
    scaling = fit_temperature(other.p, development[0].clips.q[other.clips])
    np.testing.assert_allclose(of([found], "first + temperature"), scaling(of([found], "first")))


def test_development_speakers_to_whom_nothing_is_fitted_are_refused(run: Run) -> None:
    """Or they would go unscored without a word, and so would a misspelt name."""
    with pytest.raises(UsageError, match="no calibration is fitted to them; add temperature or vector"):
        score(
            run, ScoringOptions(calibrations=["batch"], development_speakers=["speaker1"], readouts=["first"])
        )


@pytest.mark.parametrize("name", ["temperature", "vector"])
def test_folds_never_fit_to_a_vote_of_the_speaker_they_are_used_on(run: Run, name: str) -> None:
    before = of(calibrate(read(run), [name]).corpora, f"first + {name}")
    changed = read(run)
    mine = np.array([speaker == "speaker0" for speaker in changed[0].clips.speakers])
    changed[0].clips.q[mine] = np.roll(changed[0].clips.q[mine], 1, axis=1)
    after = of(calibrate(changed, [name]).corpora, f"first + {name}")
    [found] = [r for r in changed[0].readings if r.key.control == "clip"]
    np.testing.assert_array_equal(before[mine[found.clips]], after[mine[found.clips]])
    assert not np.array_equal(before[~mine[found.clips]], after[~mine[found.clips]])


def test_one_speaker_only_is_a_stated_reason(run: Run) -> None:
    corpora = read(run, lambda record: record.asked.utterance.speaker == "speaker0")
    done = calibrate(corpora, ["temperature"])
    [found], notes = done.corpora, done.notes
    assert [r.key.readout for r in found.readings if r.key.control == "clip"] == ["first"]
    assert "not computed: fewer than 2 clips of other speakers" in notes[0].text


def test_an_unknown_development_speaker_is_one_line(run: Run) -> None:
    with pytest.raises(UsageError, match=r"no speaker 'bob' in this run \(it has speaker0, speaker1\)"):
        score(run, ScoringOptions(calibrations=["temperature"], development_speakers=["bob"]))


def test_an_unknown_calibration_is_said_before_anything_is_asked(study: Study, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown calibration 'bach': did you mean 'batch'"):
        run_study(study.model_copy(update={"calibrations": ("bach",)}), tmp_path / "out", models=[ToyModel()])


def test_one_hot_answers_to_silence_leave_a_reason_and_not_a_number(run: Run) -> None:
    table = score(run, ScoringOptions(calibrations=["content-free-silence"], readouts=["label"]))
    row = find_row(table, "label + content-free-silence", "word")
    assert row.scores == {}
    assert row.statuses == {"undefined": 24}
    assert any("has no probability for a label" in note.text for note in table.notes)


def test_the_study_says_which_and_the_table_is_json(run: Run) -> None:
    table = json.loads(json.dumps(score(run).to_dict()))
    keys = [row["key"] for row in table["rows"] if row["level"] != "control"]
    names = {(key["readout"], key["calibration"]) for key in keys}
    wanted = {("first", None), ("first", "contextual"), ("first", "pmi"), ("first", "batch")}
    assert wanted | {("label", "batch")} <= names


def test_a_report_of_calibrations_and_layers_is_written(study: Study, tmp_path: Path) -> None:
    changes = {"prompts": ["word"], "readouts": ["label", "first", "lens"], "calibrations": ["batch"]}
    run = run_study(Study.model_validate(study.model_dump() | changes), tmp_path / "out", models=[ToyModel()])
    page = write_report(run, tmp_path / "report.html").read_text("utf-8")
    for readout in ("first + batch", "lens(layer=1)", "lens(layer=2) + batch"):
        assert readout in page
