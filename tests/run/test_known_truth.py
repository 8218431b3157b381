"""Readouts and calibrations recover what a listener of known beliefs was made to believe."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from ambivox.metrics import METRICS
from ambivox.raters.distribution import Array
from ambivox.readouts import load_readouts
from ambivox.record import Record
from ambivox.run import Study, run_study
from ambivox.scoring.calibrated import calibrate
from ambivox.scoring.cautions import row_cautions
from ambivox.scoring.gather import gather, read_all
from ambivox.scoring.keys import readout_text
from ambivox.scoring.readings import CorpusReadings
from ambivox.testing.listener import Listener, sound_of

N_CLIPS = 24
LABELS = ("neutral", "happy", "angry", "sad")
BIAS = (1.0, -0.5, 0.3, 0.0)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips that carry distributions, and so many votes that the shares are those distributions."""
    folder = tmp_path_factory.mktemp("corpus")
    truths = np.random.default_rng(3).dirichlet(np.full(4, 1.5), size=N_CLIPS)
    rows = ["id,audio,speaker," + ",".join(f"votes.{label}" for label in LABELS)]
    for i, p in enumerate(truths):
        soundfile.write(folder / f"{i}.wav", sound_of(p), 16_000, subtype="FLOAT")
        rows.append(f"{i},{i}.wav,s{i % 6}," + ",".join(str(round(1000 * share)) for share in p))
    (folder / "m.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder / "m.csv"


def study_of(corpus: Path, readout: str, **changes: Any) -> Study:
    plain = {"emotions": "iemocap4", "prompts": ["word"], "readouts": [readout], "controls": ["clip"]}
    return Study.model_validate({"corpora": [{"name": "manifest", "path": corpus}]} | plain | changes)


def read(
    corpus: Path, out: Path, listener: Listener, readout: str, *calibrations: str, **study: Any
) -> tuple[Array, Array]:
    """What was read and what is true, clip by clip, under the calibration if one is named."""
    made = study_of(corpus, readout, calibrations=calibrations, **study)
    run = run_study(made, out, models=[listener])
    [found] = calibrate(gathered(run.records(), readout), calibrations).corpora
    name = " + ".join([readout, *calibrations])
    [readings] = [r for r in found.readings if r.key.control == "clip" and readout_text(r.key) == name]
    return readings.p, found.clips.q[readings.clips]


def gathered(records: Iterable[Record], readout: str) -> list[CorpusReadings]:
    readouts = load_readouts([readout])
    return gather(read_all(list(records), readouts))[0]


def jsd(p: Array, q: Array) -> float:
    return float(METRICS["jsd_bits"].function(p, q).mean())


@pytest.mark.parametrize("readout", ["first", "mean(over=answer)", "answer", "sequence"])
@pytest.mark.parametrize("prompt", ["word", "letter"])
def test_an_unbiased_listener_is_read_as_it_believes(
    corpus: Path, tmp_path: Path, readout: str, prompt: str
) -> None:
    p, q = read(corpus, tmp_path, Listener(), readout, prompts=[prompt], order_seeds=[1])
    np.testing.assert_allclose(p, q, atol=2e-3)


@pytest.mark.parametrize(
    "calibration", ["content-free-silence", "content-free-no-audio", "contextual", "pmi"]
)
def test_a_label_bias_is_taken_out_by_what_is_said_to_nothing(
    corpus: Path, tmp_path: Path, calibration: str
) -> None:
    biased = Listener(label_bias_nats=BIAS)
    before, q = read(corpus, tmp_path / "a", biased, "first")
    after, _ = read(corpus, tmp_path / "b", biased, "first", calibration)
    assert jsd(before, q) > 0.03
    np.testing.assert_allclose(after, q, atol=0.01)


def test_the_batch_takes_most_of_a_label_bias_out(corpus: Path, tmp_path: Path) -> None:
    biased = Listener(label_bias_nats=BIAS)
    before, q = read(corpus, tmp_path / "a", biased, "first")
    after, _ = read(corpus, tmp_path / "b", biased, "first", "batch")
    assert jsd(after, q) < 0.25 * jsd(before, q)


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_a_temperature_is_found_from_other_speakers(corpus: Path, tmp_path: Path, temperature: float) -> None:
    tempered = Listener(temperature=temperature)
    before, q = read(corpus, tmp_path / "a", tempered, "first")
    after, _ = read(corpus, tmp_path / "b", tempered, "first", "temperature")
    assert jsd(before, q) > 0.01
    np.testing.assert_allclose(after, q, atol=0.02)


def test_a_bias_and_a_temperature_are_found_together(corpus: Path, tmp_path: Path) -> None:
    tempered = Listener(temperature=1.5, label_bias_nats=BIAS)
    before, q = read(corpus, tmp_path / "a", tempered, "first")
    after, _ = read(corpus, tmp_path / "b", tempered, "first", "vector")
    assert jsd(after, q) < 0.02 * jsd(before, q)


def test_in_a_sentence_the_label_is_read_where_it_is_written(corpus: Path, tmp_path: Path) -> None:
    wordy = Listener(verbosity=0.95)
    p, q = read(corpus, tmp_path / "a", wordy, "answer")
    np.testing.assert_allclose(p, q, atol=2e-3)


def test_sampled_answers_come_as_often_as_they_are_believed(corpus: Path, tmp_path: Path) -> None:
    p, q = read(corpus, tmp_path, Listener(), "frequency", n_draws=400)
    assert np.abs(p - q).max() < 0.12  # more than four standard errors of a share
    assert np.abs(p - q).mean() < 0.02


def test_a_ranking_has_the_order_of_the_belief(corpus: Path, tmp_path: Path) -> None:
    p, q = read(corpus, tmp_path, Listener(), "ranked", prompts=["ranked"])
    np.testing.assert_array_equal(np.argsort(-p, axis=1), np.argsort(-q, axis=1))


def test_every_layer_is_nearer_to_the_answer(corpus: Path, tmp_path: Path) -> None:
    run = run_study(study_of(corpus, "lens"), tmp_path, models=[Listener()])
    [found] = gathered(run.records(), "lens")
    by_layer = [jsd(layer.p, found.clips.q[layer.clips]) for layer in found.readings]
    assert len(by_layer) == 4
    assert by_layer == sorted(by_layer, reverse=True)
    assert by_layer[-1] == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize(
    ("listener", "prompt", "said"),
    [
        (Listener(deafness=1.0), "word", "the same answer on 24 of 24"),
        (Listener(deafness=0.97), "word", "hardly moves"),
        (Listener(position_bias_nats=9.0), "word", "names the option offered first in 48 of 48: it reads"),
        (Listener(), "dictionary", "the labels had next to no probability"),
        (Listener(), "word", None),
    ],
)
def test_known_bad_cases_are_cautioned_and_a_good_one_is_not(
    corpus: Path, tmp_path: Path, listener: Listener, prompt: str, said: str | None
) -> None:
    orders = [0, 1] if listener.position_bias_nats else [None]
    study = study_of(corpus, "first", prompts=[prompt], order_seeds=orders)
    records = run_study(study, tmp_path / "out", models=[listener]).records()
    [found] = gathered(records, "first")
    notes = row_cautions(found)
    assert any(said in note.text for note in notes) if said else notes == []
