"""Answers as they come from models and logs: read right or refused, never wrong."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import ambivox
from ambivox.emotions import load_emotions
from ambivox.errors import UsageError
from ambivox.readouts import Reading

HERE = Path(__file__).parent
CASES = Path(os.environ.get("AMBIVOX_TEST_CASES", HERE.parents[3] / "shared" / "cases" / "answers.jsonl"))
CLOSE = 0.02


def load(path: Path) -> list[Any]:
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    cases = [json.loads(line) for line in lines]
    return [pytest.param(case, id=f"{case['format']}: {case['text'][:60]}") for case in cases]


def labels_of(case: dict[str, Any]) -> tuple[str, ...]:
    emotions = case["emotions"]
    return load_emotions(emotions).labels if isinstance(emotions, str) else tuple(emotions)


def is_as_expected(expected: dict[str, Any], reading: Reading, labels: tuple[str, ...]) -> bool:
    """What `expected` may say is listed in the README of the cases."""
    given = None if reading.distribution is None else dict(zip(labels, reading.distribution, strict=True))
    checks = []
    if "one_of" in expected:
        checks.append(any(is_as_expected(one, reading, labels) for one in expected["one_of"]))
    if "distribution" in expected:
        wanted = expected["distribution"]
        checks.append(given is not None and all(abs(given[n] - wanted.get(n, 0)) <= CLOSE for n in labels))
    if "first" in expected:
        checks.append(given is not None and max(given, key=lambda n: given[n]) == expected["first"])
    if "max_probability" in expected:
        checks.append(given is None or max(given.values()) < 1)
    if expected.get("status") == "not ok":
        checks.append(given is None or reading.status not in ("ok", "renormalised"))
    elif "status" in expected:
        checks.append(reading.status == expected["status"])
    if "not_status" in expected:
        checks.append(reading.status != expected["not_status"])
    assert checks, expected
    return all(checks)


@pytest.mark.parametrize("case", [*load(CASES), *load(HERE / "answers.jsonl")])
def test_an_answer_from_outside_is_read_right_or_refused(case: dict[str, Any]) -> None:
    reading = ambivox.read_answer(
        case["text"],
        format=case["format"],
        emotions=case["emotions"],
        finish=case.get("finish", "stop"),
        order=case.get("order"),
    )
    assert is_as_expected(case["expect"], reading, labels_of(case)), (reading, case.get("why"))
    assert reading.note or reading.status == "ok"


def test_emotions_may_be_a_set_a_name_or_forms() -> None:
    by_name = ambivox.read_answer("anger", format="word", emotions="iemocap4")
    by_set = ambivox.read_answer("anger", format="word", emotions=load_emotions("iemocap4"))
    by_forms = ambivox.read_answer("anger", format="word", emotions={"angry": ["anger"], "sad": None})
    assert by_name.distribution is not None
    assert by_set.distribution is not None
    assert by_forms.distribution is not None
    assert by_name.distribution.tolist() == by_set.distribution.tolist() == [0, 0, 1, 0]
    assert by_forms.distribution.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"format": "words", "emotions": "iemocap4"}, "did you mean 'word'"),
        ({"format": "word", "emotions": "iemocap"}, "did you mean 'iemocap4'"),
        ({"format": "letter", "emotions": "iemocap4", "order": [0, 1]}, "is not a permutation"),
        ({"format": "word", "emotions": {"sad": ["x"], "low": ["x"]}}, "belongs to both"),
    ],
)
def test_a_mistake_of_the_caller_is_said_in_one_line(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        ambivox.read_answer("sad", **given)
    assert "\n" not in str(error.value)


RULES = HERE.parents[2] / "docs" / "answers.md"


def rows_of(heading: str) -> list[Any]:
    """The example and the reading of each row of a table in the page of rules."""
    section = RULES.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    examples = [(row[1].strip(), row[2].strip()) for row in rows[1:] if len(row) == 3]
    return [(code.split("`")[1].replace("\\|", "|"), reading) for code, reading in examples if "`" in code]


@pytest.mark.parametrize(("text", "reading"), rows_of("What is said, and what is denied"))
def test_the_examples_of_denials_in_the_page_of_rules_hold(text: str, reading: str) -> None:
    read = ambivox.read_answer(text, format="word", emotions="iemocap4")
    if reading in ("none", "`unparsed`"):
        assert read.distribution is None
    else:
        assert read.status == "ok"
        assert read.distribution is not None
        assert load_emotions("iemocap4").labels[int(read.distribution.argmax())] == reading


@pytest.mark.parametrize("text", [text for text, reading in rows_of("Numbers") if reading == "`unparsed`"])
def test_the_examples_of_numbers_that_are_refused_in_the_page_of_rules_hold(text: str) -> None:
    assert ambivox.read_answer(text, format="dictionary", emotions="iemocap4").status == "unparsed"
