"""What other packages may register as each kind of part, and what is said of what they may not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ambivox.calibration import CALIBRATIONS, Calibration, Scaling
from ambivox.calibration.calibration import as_calibration
from ambivox.corpora import CORPORA, Corpus, CorpusLoader, as_loader
from ambivox.errors import AmbivoxError, UsageError
from ambivox.finetuning.objectives import OBJECTIVES, Objective, as_objective
from ambivox.metrics import METRICS, Metric
from ambivox.models.load import as_engine
from ambivox.prompts import PROMPTS
from ambivox.prompts.prompt import as_prompt
from ambivox.raters.distribution import Array
from ambivox.readouts import READOUTS, Reading, Readout, load_readout
from ambivox.readouts.registry import as_readout
from ambivox.record import Record
from ambivox.testing.listener import Listener
from tests.readouts.made_up_records import record

RECORD = record("happy")


def flat(record: Record, *, power: int = 1) -> Reading:
    """The same for every clip."""
    return Reading(
        np.full(len(record.asked.emotions), 1 / len(record.asked.emotions)), "ok", f"power {power}"
    )


def empty(path: Path, *, licence: str = "CC0") -> Corpus:
    """Nothing at all."""
    return Corpus("empty", licence, ())


def flatter(p: Array) -> Array:
    """Half way to the same for all labels."""
    return (p + 1 / p.shape[1]) / 2


def squared(text: Tensor, log_p: Tensor, q: Tensor, labelled: Tensor, *, weight: float = 1.0) -> Tensor:
    """Squared error of the labels."""
    return text + weight * ((log_p.exp() - q) ** 2).sum(-1) * labelled


def engine(rest: str, *, temperature: float = 1.0) -> Listener:
    return Listener(f"mine:{rest}", temperature=temperature)


def test_a_function_of_a_record_is_a_readout_of_the_text() -> None:
    readout = as_readout("flat", flat)
    assert (readout.name, readout.level, readout.description) == ("flat", "text", "The same for every clip.")
    reading = readout(RECORD)
    assert reading.distribution is not None
    assert reading.distribution.tolist() == [0.25] * 4


def test_the_options_of_a_plug_in_readout_are_read_from_its_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(READOUTS, "_items", dict(READOUTS._items))
    READOUTS.add("flat", flat)
    assert load_readout("flat(power=3)")(RECORD).note == "power 3"


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (None, "it gives a NoneType, expected a Reading"),
        (Reading(np.array([0.5, 0.5]), "ok"), r"its distribution has shape \(2,\) for 4 labels"),
        (Reading(np.array([0.5, 0.2, 0.2, 0.2]), "ok"), "its distribution, row 0: sums to 1.1"),
        (
            Reading(np.array([1.5, -0.5, 0, 0]), "ok"),
            "row 0: holds the negative value -0.5",
        ),
        (Reading(None, "lost"), "status 'lost' is not one of ok"),  # type: ignore[arg-type]
    ],
)
def test_a_reading_that_is_none_is_an_error_and_not_a_number(result: Reading, said: str) -> None:
    GIVEN.append(result)
    with pytest.raises(AmbivoxError, match=f"readout 'given': ValueError: .*{said}"):
        as_readout("given", given)(RECORD)


GIVEN: list[Reading] = []


def given(record: Record) -> Reading:
    return GIVEN.pop()


def test_a_function_of_a_path_is_a_corpus_loader(tmp_path: Path) -> None:
    loader = as_loader("empty", empty)
    assert loader.description == "Nothing at all."
    assert loader.load(tmp_path, licence="CC BY").licence == "CC BY"


def test_a_loader_that_gives_no_corpus_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(AmbivoxError, match=r"corpus 'mine': .*a list, expected a Corpus"):
        as_loader("mine", lambda path: []).load(tmp_path)
    with pytest.raises(AmbivoxError, match=r"corpus 'mine': KeyError: 'speaker' \(.*line \d+\)"):
        as_loader("mine", lambda path: {}["speaker"]).load(tmp_path)


def test_a_function_of_readings_is_a_calibration_without_labels() -> None:
    calibration = as_calibration("flatter", flatter)
    assert calibration.description == "Half way to the same for all labels."
    assert calibration.function is not None
    p = np.array([[1.0, 0.0], [np.nan, np.nan]])
    np.testing.assert_array_equal(calibration.function(p), [[0.75, 0.25], [np.nan, np.nan]])


def test_a_function_of_tensors_is_an_objective_with_options() -> None:
    objective = as_objective("squared", squared)
    loss = objective.with_options({"weight": 2.0})
    log_p = torch.tensor([[0.5, 0.5]]).log()
    found = loss(torch.ones(1), log_p, torch.tensor([[1.0, 0.0]]), torch.tensor([True]))
    assert found.tolist() == pytest.approx([2.0])


def test_an_engine_is_a_function_that_gives_a_speech_model() -> None:
    model = as_engine("mine", engine)("x", temperature=2.0)
    assert model.name == "mine:x"
    with pytest.raises(AmbivoxError, match=r"model 'mine': .*it gives a str without name, finger"):
        as_engine("mine", lambda rest: rest)("x")


def test_a_prompt_is_registered_by_the_path_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "file.yaml"
    path.write_text("version: 1\nformat: word\ntext: 'Which of {{ options | join }}?'\n", encoding="utf-8")
    assert as_prompt("mine", path).name == as_prompt("mine", str(path)).name == "mine"


LABEL, SILENCE = READOUTS["label"], CALIBRATIONS["content-free-silence"]


@pytest.mark.parametrize(
    ("accept", "item", "said"),
    [
        (as_readout, 3, r"expected a Readout or a function \(record\), not an int"),
        (as_readout, lambda: None, r"expected a function \(record\): too many positional"),
        (as_readout, lambda record: None, "it cannot be sent to other processes"),
        (as_readout, LABEL, "it calls itself 'label'"),
        (as_readout, Readout("mine", "texts", flat, ""), "level: 'texts' is not one of text, token"),  # type: ignore[arg-type]
        (as_readout, replace(LABEL, name="mine", formats=("words",)), "formats: 'words' is not one of word"),  # type: ignore[arg-type]
        (as_readout, replace(LABEL, name="mine", needs=("gpu",)), "needs: 'gpu' is not one of score"),  # type: ignore[arg-type]
        (as_loader, "path", r"expected a CorpusLoader or a function \(path\), not a str"),
        (as_loader, CorpusLoader, r"expected a function \(path\), not a class"),
        (as_loader, CorpusLoader(lambda: Corpus("", "", ()), "no path"), "too many positional"),
        (as_calibration, 3, r"expected a Calibration or a function \(p\), not an int"),
        (as_calibration, SILENCE, "it calls itself 'content-free-silence'"),
        (as_calibration, Calibration("mine", "nothing"), "expected one of controls, function and fit"),
        (
            as_calibration,
            lambda p: 2 * p,
            "trying it: .*its result, row 0: sums to 2",
        ),
        (as_calibration, lambda p: p[:1], r"it gives shape \(1, 3\) for \(4, 3\)"),
        (
            as_calibration,
            Calibration("mine", "", fit=lambda p, q: p),
            "gives a ndarray, expected a Scal",
        ),  # type: ignore[arg-type, return-value]
        (as_objective, 3, r"expected an Objective or a function"),
        (as_objective, lambda text: text, "too many positional"),
        (
            as_objective,
            lambda text, log_p, q, labelled: log_p,
            r"expected a tensor of shape \(2,\)",
        ),
        (as_objective, OBJECTIVES["yu-2026"], "it calls itself 'yu-2026'"),
        (as_engine, "transformers", r"expected a function \(rest\), not a str"),
        (as_engine, Listener, r"expected a function \(rest\), not a class"),
        (as_prompt, 3, "expected a Prompt or the path of its YAML file, not an int"),
        (as_prompt, PROMPTS["word"], "it calls itself 'word'"),
        (as_prompt, "nowhere.yaml", "nowhere.yaml: no such file"),
    ],
)
def test_what_is_not_such_a_part_is_refused_with_the_reason(
    accept: Callable[[str, Any], object], item: object, said: str
) -> None:
    with pytest.raises((ValueError, AmbivoxError), match=said):
        accept("mine", item)


def test_fields_of_the_wrong_type_are_one_line_and_not_a_traceback() -> None:
    metric = Metric("mine", "1", True, True, "no bounds", lambda p, q: abs(p - q).max(axis=-1), None, None)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="metric 'mine': TypeError: cannot unpack"):
        METRICS.add("mine", metric)


def test_a_fit_to_votes_is_a_calibration_that_says_so() -> None:
    def fit(p: Array, q: Array) -> Scaling:
        return Scaling(np.ones(p.shape[1]), np.zeros(p.shape[1]), (0.0, 0.0))

    assert as_calibration("mine", Calibration("mine", "no change", fit=fit)).fit is not None


def test_our_own_parts_keep_what_others_have_to() -> None:
    objectives = (as_objective(name, OBJECTIVES[name]) for name in OBJECTIVES)
    readouts = (as_readout(name, READOUTS[name]) for name in READOUTS)
    calibrations = (as_calibration(name, CALIBRATIONS[name]) for name in CALIBRATIONS)
    prompts = (as_prompt(name, PROMPTS[name]) for name in PROMPTS)
    loaders = (as_loader(name, CORPORA[name]) for name in CORPORA)
    assert all(isinstance(part, Objective) for part in objectives)
    assert [part.name for part in (*readouts, *calibrations, *prompts)] == [
        *READOUTS,
        *CALIBRATIONS,
        *PROMPTS,
    ]
    assert [part.description for part in loaders] == [CORPORA[name].description for name in CORPORA]
