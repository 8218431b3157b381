"""Readouts by name and with options."""

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import pytest

from ambivox.errors import UsageError
from ambivox.prompts import AnswerFormat
from ambivox.readouts import (
    DEFAULT_READOUTS,
    READOUTS,
    Reading,
    Readout,
    load_readout,
    load_readouts,
    needs_of,
)
from ambivox.reasons import Reason
from ambivox.record import Record
from tests.readouts.made_up_records import label_tokens_of, plain_set, record, with_logits


def test_every_default_readout_loads_under_its_own_name() -> None:
    assert [readout.spec for readout in load_readouts(DEFAULT_READOUTS)] == list(DEFAULT_READOUTS)


def test_options_reach_the_function() -> None:
    full = np.array([[3.0, 1.0, 0.0]])
    record = with_logits(full, label_tokens_of([(0,), (1,)], [0, 1]), 2)
    reading = load_readout("mean(value=logit, normalise=sum)")(record)
    np.testing.assert_allclose(reading.distribution, [0.75, 0.25])


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        (" first ", "first"),
        ("mean()", "mean"),
        ("mean(normalise=sum,value=logit)", "mean(value=logit, normalise=sum)"),
        ("sequence(per_token=True)", "sequence(per_token=true)"),
        ("sequence(per_token=1)", "sequence(per_token=true)"),
    ],
)
def test_one_choice_of_options_has_one_name(spec: str, name: str) -> None:
    assert load_readout(spec).spec == name


def test_a_readout_named_twice_is_kept_once() -> None:
    specs = ["mean(value=logit, join=max)", "mean(join=max, value=logit)", "first", "first"]
    assert [readout.spec for readout in load_readouts(specs)] == ["mean(value=logit, join=max)", "first"]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("frist", "did you mean 'first'"),
        ("mean(valeu=logit)", "did you mean 'value'"),
        ("mean(record=1)", "unknown option"),
        ("mean(value=logits)", "'logit', 'probability' or 'log-probability'"),
        ("mean(value)", "value=''"),
        ("mean(value=[)", "value='['"),
        ("mean(value=logit, value=probability)", "given twice"),
        ("mean(value=logit,)", "unknown option"),
        ("sequence(per_token=maybe)", "per_token='maybe'"),
        ("label(x=1)", "unknown option"),
        ("mean(", "write it as"),
        ("", "write it as"),
        ("a b", "write it as"),
    ],
)
def test_a_mistake_in_a_readout_is_said_in_one_line(spec: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        load_readout(spec)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_options_of_third_parties_are_typed_by_their_function(monkeypatch: pytest.MonkeyPatch) -> None:
    def nth(record: Record, *, n: int = 0, how: Literal["soft", "hard"] = "hard") -> Reading:
        return Reading(None, "undefined", f"{n + 1} {how}")

    monkeypatch.setitem(READOUTS._items, "nth", Readout("nth", "text", nth, "made up"))
    assert load_readout("nth(how=soft, n=3)")(record("x")).note == "4 soft"
    with pytest.raises(UsageError, match="n='three'"):
        load_readout("nth(n=three)")


def test_a_failed_record_is_a_failed_reading_with_its_reason() -> None:
    reading = load_readout("label")(record().failed(Reason("clip", "no such clip")))
    assert (reading.distribution, reading.status, reading.note) == (None, "failed", "no such clip")


@pytest.mark.parametrize(
    ("name", "formats"),
    [("dictionary", {"dictionary", "percentages"}), ("label", {"word", "letter", "sentence"})],
)
def test_text_readouts_apply_to_the_formats_that_they_can_read(name: str, formats: set[str]) -> None:
    every = get_args(AnswerFormat)
    assert {f for f in every if READOUTS[name].applies(record(format=f))} == formats


@pytest.mark.parametrize("name", [name for name in READOUTS if READOUTS[name].level == "text"])
def test_no_emotion_is_read_from_a_transcript(name: str) -> None:
    asked = record("I am so happy, happy: 1", format="sentence", draws=("happy",))
    written_down = replace(asked, reply=replace(asked.replied, says="transcript"))
    assert READOUTS[name](written_down).status == "undefined"
    assert READOUTS[name](written_down).distribution is None


def test_token_readouts_apply_to_every_format_but_that_of_numbers() -> None:
    token_level = (readout for readout in map(READOUTS.__getitem__, READOUTS) if readout.level == "token")
    assert [readout.name for readout in token_level if readout.formats is not None] == ["expected"]


@pytest.mark.parametrize(
    ("answers", "needs"),
    [("word", ("draws", "lens", "score")), ("percentages", ("draws", "lens", "numbers", "score"))],
)
def test_only_what_a_format_needs_is_needed(answers: AnswerFormat, needs: tuple[str, ...]) -> None:
    assert needs_of(load_readouts([*READOUTS]), answers) == needs
    assert needs_of(load_readouts(["label", "first"]), answers) == ()


def test_a_record_knows_its_emotion_set() -> None:
    assert record(emotions=plain_set(3)).asked.emotions == plain_set(3)


@pytest.mark.parametrize(("log_mass", "status"), [(-4.61, "improbable"), (-4.60, "ok")])
def test_labels_that_hold_less_than_a_hundredth_are_improbable(log_mass: float, status: str) -> None:
    label_tokens = label_tokens_of([(0,), (1,)], [0, 1])
    full = np.array([[log_mass, log_mass, np.log(1 - np.exp(log_mass))]]) - np.array(
        [[np.log(2)] * 2 + [0.0]]
    )
    reading = load_readout("first")(with_logits(full, label_tokens, 2))
    assert reading.mass == pytest.approx(np.exp(log_mass), rel=1e-5)
    assert reading.status == status
    assert reading.distribution is not None
