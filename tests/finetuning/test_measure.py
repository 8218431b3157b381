"""The table and the calibration of a trained model against the metrics themselves."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from scipy.special import softmax

from ambivox.corpora import Utterance
from ambivox.emotions import load_emotions
from ambivox.finetuning.card import score_cell
from ambivox.finetuning.measure import Answers, as_plain, calibrate, table
from ambivox.finetuning.splits import Rated
from ambivox.metrics import METRICS, jsd_bits
from ambivox.readouts import Status
from ambivox.scoring.keys import CONTROL_NAMES
from ambivox.statistics import mean_interval

EMOTIONS = load_emotions("iemocap4")


def rated(n_clips: int, n_speakers: int, seed: int = 0) -> list[Rated]:
    votes = np.random.default_rng(seed).multinomial(9, [0.4, 0.3, 0.2, 0.1], n_clips)
    return [
        Rated("made-up", Utterance(str(k), Path("x.wav"), speaker=str(k % n_speakers)), counts, counts / 9)
        for k, counts in enumerate(votes.astype(float))
    ]


def answers(
    clips: list[Rated], sharpness: float = 1.0, failed: int = 0, level: Literal["text", "token"] = "token"
) -> Answers:
    q = np.array([one.q for one in clips])
    p = softmax(sharpness * np.log(q + 0.05), axis=1)
    p[:failed] = np.nan
    return Answers("word", level, "first", p, statuses(len(p), failed))


def statuses(n: int, failed: int = 0) -> tuple[Status, ...]:
    return ("unparsed",) * failed + ("ok",) * (n - failed)


def test_the_table_has_controls_first_and_counts_failed_readings_as_uniform():
    clips = rated(30, 15)
    given = answers(clips, failed=3)
    rows = table([given], clips, np.array([0.4, 0.3, 0.2, 0.1]), EMOTIONS)
    assert [row.readout for row in rows] == [*CONTROL_NAMES, "first"]
    q = np.array([one.q for one in clips])
    p = np.where(np.isnan(given.p), 0.25, given.p)
    value, low, high = rows[-1].scores["jsd_bits"]
    assert value == pytest.approx(jsd_bits(p, q).mean())
    assert low < value < high
    assert (rows[-1].failed, rows[-1].unit) == (3, "speakers")
    assert rows[3].scores["accuracy"][0] == pytest.approx(
        METRICS["accuracy"].function(np.eye(4)[q.argmax(1)], q).mean()
    )


def test_answers_that_all_failed_have_no_score():
    clips = rated(30, 15)
    row = table([answers(clips, failed=30)], clips, np.full(4, 0.25), EMOTIONS)[-1]
    assert row.failed == 30
    assert np.isnan(row.scores["jsd_bits"]).all()


def test_few_speakers_give_intervals_over_clips_that_say_so():
    clips = rated(30, 3)
    assert table([answers(clips)], clips, np.full(4, 0.25), EMOTIONS)[-1].unit == "clips"


def test_no_interval_reaches_beyond_what_a_metric_can_be():
    clips = rated(12, 2)
    hits = np.array([one.q for one in clips])
    hits[3:] = hits[3:, ::-1]  # wrong on most
    given = Answers("word", "token", "first", hits, statuses(12))
    got = table([given], clips, np.full(4, 0.25), EMOTIONS)[-1].scores
    raw = mean_interval(METRICS["accuracy"].function(hits, [one.q for one in clips]), range(12))
    assert raw.high > 1  # else this shows nothing
    value, low, high = got["accuracy"]
    assert (value, low, high) == pytest.approx((raw.estimate, max(raw.low, 0), 1.0))


def test_an_overconfident_model_is_calibrated_on_development_and_scored_on_both():
    held_out = {"development": rated(200, 15), "test": rated(200, 15, seed=1)}
    given = {use: [answers(clips, sharpness=4.0)] for use, clips in held_out.items()}
    (found,) = calibrate(given, held_out)
    assert found.temperature > 2
    for before, after in found.vote_ece.values():
        assert after < 0.06 < 0.15 < before


def test_text_and_failed_readings_are_not_calibrated():
    held_out = {"development": rated(20, 15)}
    clips = held_out["development"]
    given = {"development": [answers(clips, level="text"), answers(clips, failed=1)]}
    assert calibrate(given, held_out) == []


def test_numbers_that_are_not_finite_are_null_in_json_and_left_out_of_a_cell():
    assert as_plain({"a": (1.0, float("nan"), [float("inf")])}) == {"a": [1.0, None, [None]]}
    assert score_cell(0.25, float("nan"), float("nan")) == "0.250"
