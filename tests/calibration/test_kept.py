"""A calibration that is kept: what it holds, what it refuses, and what is no calibration at all."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ambivox.calibration import (
    HeldOut,
    KeptCalibration,
    KeptFit,
    batch,
    cross_fit,
    fit_temperature,
    kept_fit_of,
    prior_match,
    read_kept,
    write_kept,
)
from ambivox.errors import UsageError
from ambivox.raters.distribution import Array

KEPT = KeptCalibration(
    method="temperature",
    model="toy",
    fingerprint="toy-1",
    emotions=("a", "b"),
    corpora=("voices",),
    fits=(
        KeptFit(
            prompt="word",
            texts=("0123",),
            readout="first",
            scale=(0.5, 0.5),
            shift=(0.0, 0.0),
            at_end=False,
            n_readings=4,
            n_clips=4,
            n_speakers=2,
            n_failed=0,
            loss_nats=(0.8, 0.6),
            held_out=HeldOut(on="folds of speakers", n_clips=4, loss_nats=(0.8, 0.7), jsd_bits=(0.2, 0.1)),
        ),
    ),
)


def random_pair(seed: int) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(4, 0.7), 40), rng.dirichlet(np.arange(1, 5), 40)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write_kept(KEPT, tmp_path / "cal.json")
    assert read_kept(tmp_path / "cal.json") == KEPT
    assert KEPT.fits[0].scaling.temperature == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (None, "no such file; 'ambivox calibrate RUN"),
        ("not json", "not a calibration that 'ambivox calibrate' wrote"),
        ("[]", "not a calibration"),
        ({"format": "ambivox-calibration-9"}, "(format: "),
        ({"fits": []}, "(fits: "),
        ({"emotions": ["a", "b", "c"]}, "word/first: give a scale and a shift for every label"),
        ({"more": 1}, "(more: "),
        (
            {"fits": [json.loads(KEPT.fits[0].model_dump_json()) | {"scale": [None, 1.0]}]},
            "fits: 0: scale: 0",
        ),
    ],
)
def test_what_is_no_calibration_is_one_line(tmp_path: Path, change: object, said: str) -> None:
    path = tmp_path / "cal.json"
    if isinstance(change, dict):
        path.write_text(json.dumps(json.loads(KEPT.model_dump_json()) | change))
    elif isinstance(change, str):
        path.write_text(change)
    with pytest.raises(UsageError) as raised:
        read_kept(path)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_another_model_emotion_set_prompt_wording_or_readout_is_refused() -> None:
    KEPT.check_model("toy-1", ("a", "b"))
    with pytest.raises(UsageError, match="fitted to another model"):
        KEPT.check_model("toy-2", ("a", "b"))
    with pytest.raises(UsageError, match="fitted to the emotions a, b, not b, a"):
        KEPT.check_model("toy-1", ("b", "a"))
    KEPT.scaling_of("word", "0123", "first")
    with pytest.raises(UsageError, match="the prompt 'word' was worded otherwise"):
        KEPT.scaling_of("word", "9999", "first")
    for prompt, readout in (("letter", "first"), ("word", "mean")):
        with pytest.raises(UsageError, match=f"not fitted to {prompt}/{readout}, only to word/first"):
            KEPT.scaling_of(prompt, "0123", readout)


@pytest.mark.parametrize(("name", "function"), [("batch", batch), ("prior-match", prior_match)])
def test_what_sees_no_votes_is_kept_as_weights_that_do_the_same(
    name: str, function: Callable[[Array], Array]
) -> None:
    p, q = random_pair(0)
    p = p * 0.9 + 0.025
    np.testing.assert_allclose(kept_fit_of(name)(p, q)(p), function(p), atol=1e-8)


def test_weights_of_a_label_that_is_never_said_are_not_defined() -> None:
    p, q = random_pair(0)
    p[:, 0] = 0
    with pytest.raises(ValueError, match="a label has no probability"):
        kept_fit_of("batch")(p / p.sum(axis=1, keepdims=True), q)


def test_a_calibration_that_needs_controls_cannot_be_kept() -> None:
    with pytest.raises(
        UsageError, match="'pmi': cannot be kept: choose one of batch, prior-match, temperature, vec"
    ):
        kept_fit_of("pmi")
    with pytest.raises(UsageError, match="did you mean 'temperature'"):
        kept_fit_of("temprature")


def test_no_fold_meets_its_own_votes() -> None:
    p, q = random_pair(1)
    folds = np.arange(40) % 4
    calibrated, scalings = cross_fit(fit_temperature, p, q, folds)
    for fold in range(4):
        own = fit_temperature(p[folds != fold], q[folds != fold])
        np.testing.assert_array_equal(calibrated[folds == fold], own(p[folds == fold]))
    assert len(scalings) == 4
