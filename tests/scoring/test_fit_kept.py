"""Fit a calibration to a run, keep it, and apply it to what is read later."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import ambivox
from ambivox.calibration import KeptCalibration, fit_temperature, read_kept, write_kept
from ambivox.errors import UsageError
from ambivox.run import Run, run_study
from ambivox.run.part import Part, merge_parts
from ambivox.scoring import ScoringOptions, calibrate, read_run
from ambivox.study import CorpusSpec, ModelSpec, Study
from tests.run.toy import ToyModel, write_corpus


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("kept")
    write_corpus(folder / "clips")
    study = Study(
        corpora=(CorpusSpec(name="manifest", path=folder / "clips" / "manifest.csv"),),
        models=(ModelSpec(name="toy"),),
        prompts=("word", "dictionary"),
        readouts=("first", "dictionary"),
        controls=("clip",),
    )
    return run_study(study, folder / "run", models=[ToyModel()])


@pytest.fixture(scope="module")
def kept(run: Run) -> KeptCalibration:
    return calibrate(run)


def readings_of(run: Run, **options: Any) -> Any:
    [corpus] = read_run(run, ScoringOptions(**options)).corpora
    return corpus


def test_it_is_what_is_fitted_to_all_clips(run: Run, kept: KeptCalibration) -> None:
    corpus = readings_of(run)
    assert [(fit.prompt, fit.readout) for fit in kept.fits] == [
        (found.key.prompt, found.key.readout) for found in corpus.readings
    ]
    for fit, found in zip(kept.fits, corpus.readings, strict=True):
        own = fit_temperature(found.p[~found.failed], corpus.clips.q[found.clips[~found.failed]])
        assert fit.scaling.temperature == pytest.approx(own.temperature)
        assert (fit.n_clips, fit.n_failed) == ((~found.failed).sum(), found.failed.sum())
        assert fit.n_speakers == len(set(corpus.clips.speakers))


def test_how_it_fits_others_is_what_scoring_with_folds_finds(run: Run, kept: KeptCalibration) -> None:
    corpus = readings_of(run, calibrations=["temperature"])
    for fit in kept.fits:
        assert fit.held_out is not None
        before, after = (
            found
            for found in corpus.readings
            if (found.key.prompt, found.key.readout) == (fit.prompt, fit.readout)
        )
        ok = ~before.failed
        q = corpus.clips.q[before.clips[ok]]
        for found, told in zip((before, after), fit.held_out.loss_nats, strict=True):
            assert told == pytest.approx(-(q * np.log(np.maximum(found.p[ok], 1e-6))).sum(axis=1).mean())
        assert fit.held_out.on == "folds of speakers"


def test_named_speakers_are_fitted_to_and_the_others_tell_how_it_does(run: Run) -> None:
    corpus = readings_of(run)
    speakers = np.array(corpus.clips.speakers)
    chosen = str(speakers[0])
    for fit, found in zip(calibrate(run, development_speakers=[chosen]).fits, corpus.readings, strict=True):
        own = (speakers[found.clips] == chosen) & ~found.failed
        assert fit.scaling.temperature == pytest.approx(
            fit_temperature(found.p[own], corpus.clips.q[found.clips[own]]).temperature
        )
        assert (fit.n_speakers, fit.n_clips) == (1, own.sum())
        assert fit.held_out is not None
        assert (fit.held_out.on, fit.held_out.n_clips) == ("other speakers", (~own & ~found.failed).sum())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "pmi"}, "cannot be kept"),
        ({"model": "mini"}, "no model 'mini' in this run"),
        ({"prompts": ["letter"]}, "no prompt 'letter' in this run"),
        ({"development_speakers": ["nobody"]}, "no speaker 'nobody' in this run"),
        ({"readouts": ["label"], "prompts": ["dictionary"]}, "to fit to"),
    ],
)
def test_what_cannot_be_fitted_is_one_line(run: Run, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as raised:
        calibrate(run, **options)
    assert "\n" not in str(raised.value)


def with_calibration(
    folder: Path,
    kept: KeptCalibration,
    model: ToyModel | None = None,
    part: Part | None = None,
    **changes: Any,
) -> Run:
    write_corpus(folder / "other", n_clips=4)
    write_kept(kept, folder / "cal.json")
    manifest = CorpusSpec(name="manifest", path=folder / "other" / "manifest.csv", options={"name": "other"})
    study = Study(
        corpora=(manifest,),
        models=(ModelSpec(name="toy"),),
        prompts=("word", "letter"),
        readouts=("first", "mean"),
        controls=("clip",),
        calibrate=folder / "cal.json",
    )
    models = [model or ToyModel()]
    return run_study(study.model_copy(update=changes), folder / "run", models=models, part=part)


def test_a_run_is_scored_calibrated_where_the_calibration_is_for_it(
    kept: KeptCalibration, tmp_path: Path
) -> None:
    run = with_calibration(tmp_path, kept)
    (tmp_path / "cal.json").unlink()  # the run has its own
    found = read_run(run)
    rows = {(r.key.prompt, r.key.readout, r.key.calibration): r for r in found.corpora[0].readings}
    assert {name for name in rows if name[2]} == {("word", "first", "kept-temperature")}
    [fit] = [fit for fit in kept.fits if (fit.prompt, fit.readout) == ("word", "first")]
    np.testing.assert_allclose(
        rows["word", "first", "kept-temperature"].p, fit.scaling(rows["word", "first", None].p)
    )
    assert {note.code for note in found.notes} >= {"kept-calibration"}
    assert "kept-in-sample" not in {note.code for note in found.notes}
    assert [fit.prompt for fit in calibrate(run, readouts=["first"]).fits] == ["word", "letter"]


def test_a_prompt_with_its_options_in_another_order_is_not_calibrated_and_said_to_be_so(
    kept: KeptCalibration, tmp_path: Path
) -> None:
    found = read_run(with_calibration(tmp_path, kept, order_seeds=(None, 1)))
    assert {readings.key.calibration for readings in found.corpora[0].readings} == {None}
    told = [note.text for note in found.notes if note.code == "kept-not-applied"]
    assert told == ["kept calibration: not applied to word, whose wording or order of options differs"]


def test_parts_that_are_put_together_keep_the_calibration(kept: KeptCalibration, tmp_path: Path) -> None:
    with_calibration(tmp_path, kept, part=Part(1, 1))
    assert read_kept(merge_parts(tmp_path / "run").calibration_path) == kept


def test_a_corpus_that_a_calibration_was_fitted_to_is_told(kept: KeptCalibration, tmp_path: Path) -> None:
    run = with_calibration(tmp_path, kept.model_copy(update={"corpora": ("other",)}))
    assert "kept-in-sample" in {note.code for note in read_run(run).notes}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": ToyModel(fingerprint="toy-2")}, "fitted to another model"),
        ({"emotions": "ekman6"}, "fitted to the emotions"),
        ({"prompts": ("letter",)}, "not fitted to any prompt and readout of this study"),
        ({"readouts": ("mean",)}, "not fitted to any prompt and readout of this study"),
        ({"calibrate": Path("gone.json")}, "gone.json: no such file"),
    ],
)
def test_a_run_with_a_calibration_of_something_else_is_refused(
    kept: KeptCalibration, tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        with_calibration(tmp_path, kept, **changes)
    assert not list(tmp_path.glob("run/records/*"))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "voice.wav", np.random.default_rng(3).normal(0, 0.1, 32_000), 16_000)
    return tmp_path / "voice.wav"


def test_a_clip_is_read_calibrated_with_the_plain_distribution_beside_it(
    kept: KeptCalibration, clip: Path, tmp_path: Path
) -> None:
    write_kept(kept, tmp_path / "cal.json")
    answer = ambivox.read(clip, ToyModel(), calibrate=tmp_path / "cal.json")
    plain = ambivox.read(clip, ToyModel(), prompt=["word", "dictionary"], readouts=["first", "dictionary"])
    assert list(answer.readings) == list(plain.readings)
    for name, reading in answer.readings.items():
        prompt, _, readout = name.partition("/")
        [fit] = [fit for fit in kept.fits if (fit.prompt, fit.readout) == (prompt, readout)]
        before = plain.readings[name].distribution
        np.testing.assert_array_equal(reading.uncalibrated, before)
        np.testing.assert_allclose(reading.distribution, fit.scaling(before[np.newaxis])[0])
        assert reading.calibration == "temperature"
        written = answer.to_dict()["answers"][prompt]["readings"][readout]
        assert list(written["uncalibrated"].values()) == before.tolist()
        assert written["calibration"] == "temperature"


def test_a_track_is_calibrated_as_the_same_segment_alone(kept: KeptCalibration, clip: Path) -> None:
    for row in ambivox.track(clip, ToyModel(), window_s=1, hop_s=1, calibrate=kept):
        options = {"start_s": row.start_s, "end_s": row.end_s, "calibrate": kept}
        alone = ambivox.read(clip, ToyModel(), **options).readings["word/first"]
        np.testing.assert_array_equal(row.distribution, alone.distribution)
        assert list(row.to_dict()["uncalibrated"].values()) == alone.uncalibrated.tolist()


@pytest.mark.parametrize("options", [{"emotions": "ekman6"}, {"prompt": "letter"}])
def test_other_emotions_and_prompts_are_refused_before_the_model_loads(
    kept: KeptCalibration, clip: Path, options: dict[str, Any]
) -> None:
    for read in (ambivox.read, ambivox.track):
        with pytest.raises(UsageError, match="calibration: "):
            read(clip, "no/model-of-this-name", calibrate=kept, **options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": ToyModel(fingerprint="toy-2")}, "fitted to another model"),
        ({"emotions": "ekman6"}, "fitted to the emotions"),
        ({"prompt": "letter"}, "not fitted to letter/"),
        ({"readouts": ["mean"]}, "not fitted to word/mean, only to word/first"),
        ({"order_seed": 1}, "worded otherwise"),
    ],
)
def test_a_calibration_of_something_else_is_refused(
    kept: KeptCalibration, clip: Path, options: dict[str, Any], said: str
) -> None:
    model = options.pop("model", ToyModel())
    with pytest.raises(UsageError, match=said) as raised:
        ambivox.read(clip, model, calibrate=kept, **options)
    assert "\n" not in str(raised.value)
