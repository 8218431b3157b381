"""HTML: text from outside is text, numbers are those of the readings, and errors are one line."""

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from ambivox.app.follow import Followed
from ambivox.app.listen import Answered, Listened, Piece, Said, Shown, Step
from ambivox.app.show import show_error, show_followed, show_listened
from ambivox.readouts import Reading
from ambivox.run import WindowReading
from tests.app.conftest import EVIL, RIGHT_TO_LEFT

TOKENS = (Piece("I am", (Step(1, ()), Step(2, ()))), Piece(" sad", (Step(3, (("sad", 0.7), ("glad", 0.2))),)))


def listened(**changes: Any) -> Listened:
    shown = (
        Shown("word", "label", "text", "unparsed", "no answer", None, None),
        Shown("word", "first", "token", "ok", "", (0.75, 0.25), 0.9),
    )
    said = (Said("word", "Which emotion?", "I am sad", TOKENS),)
    answer = Answered(
        "a model",
        said,
        shown,
        ("quiet",),
        tuple(replace(shown[1], shares=p) for p in ((0.5, 0.5), None, (0.75, 0.25))),
    )
    return replace(Listened("a.wav", 2.0, ("sad", "glad"), (answer,), 0.1), **changes)


class Read(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, name: str) -> list[str]:
        return [str(attributes[name]) for _, attributes in self.elements if name in attributes]


def test_shares_status_and_note_are_shown() -> None:
    page = Read(show_listened(listened()))
    assert "75.0%" in page.text
    assert "mass 90.0%" in page.text
    assert "text level: unparsed (no answer)" in page.text
    assert "token level: ok" not in page.text


def test_a_token_tells_what_was_nearly_said() -> None:
    page = Read(show_listened(listened()))
    assert page.values("data-told") == [
        "token 1: 0.0% on labels\ntoken 2: 0.0% on labels",
        "token 3: 90.0% on labels (sad 70.0%, glad 20.0%)",
    ]
    assert [value for value in page.values("tabindex") if value in "-1"] == ["-1"]


def test_a_layer_without_a_reading_stays_a_row() -> None:
    page = show_listened(listened())
    assert re.findall(r'<th scope="row">(\d)</th>', page) == ["1", "2", "3"]


@pytest.mark.parametrize("text", [EVIL, RIGHT_TO_LEFT])
def test_text_from_outside_is_text(text: str) -> None:
    said = Said(text, text, text, (Piece(text, (Step(1, ((text, 0.5),)),)),))
    shown = Shown(text, text, "token", "undefined", text, None, None)
    answer = Answered(text, (said,), (shown,), (text,), (shown,), text)
    answers = (answer, Answered("m", error=text))
    page = Read(show_listened(listened(clip=text, labels=(text, "glad"), answers=answers)))
    assert not {"script", "img"} & {tag for tag, _ in page.elements}
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert text in page.text


def test_an_error_is_one_line_of_text() -> None:
    page = Read(show_error(f"a.wav:\n  {EVIL}\n\x1b[31m"))
    assert [tag for tag, _ in page.elements] == ["p", "bdi"]
    assert page.text.strip() == f"a.wav: {EVIL} \\x1b[31m"


def followed(*windows: tuple[float, float, list[float] | None]) -> Followed:
    readings = [
        Reading(None, "silent") if p is None else Reading(np.array(p), "ok", mass=0.5) for *_, p in windows
    ]
    labels = ("sad", "glad")
    read = (WindowReading(*w[:2], labels, r) for w, r in zip(windows, readings, strict=True))
    return Followed("call.wav", 6.0, labels, tuple(read))


SHOWN = followed((0, 4, [0.25, 0.75]), (1, 5, None), (2, 6, [1.0, 0.0]))


def test_windows_stand_for_what_is_about_their_middles() -> None:
    page = Read(show_followed(SHOWN, "x"))
    [windows] = page.values("data-windows")
    assert [tuple(one[:2]) for one in json.loads(windows)] == [(0, 2.5), (2.5, 3.5), (3.5, 6)]
    assert [one[2] for one in json.loads(windows)] == [
        "0.0 to 4.0 s: glad 75.0%, sad 25.0%",
        "1.0 to 5.0 s: silent",
        "2.0 to 6.0 s: sad 100.0%, glad 0.0%",
    ]


def test_bands_are_as_high_as_shares_and_silence_is_a_gap() -> None:
    page = Read(show_followed(SHOWN, "x"))
    sad, glad = (re.findall(r"M([\d.]+) ([\d.]+)H([\d.]+)v([\d.]+)", path) for path in page.values("d"))
    assert [(float(top), float(height)) for _, top, _, height in sad] == [(75, 25), (0, 100)]
    assert [(float(top), float(height)) for _, top, _, height in glad] == [(0, 75), (0, 0)]
    assert [(float(left), float(right)) for left, _, right, _ in sad] == [
        pytest.approx((0, 1000 * 2.5 / 6), abs=0.01),
        pytest.approx((1000 * 3.5 / 6, 1000), abs=0.01),
    ]


def test_the_windows_are_saved_as_track_prints_them() -> None:
    page = Read(show_followed(SHOWN, "x"))
    [address] = [value for value in page.values("href") if value.startswith("data:")]
    lines = base64.b64decode(address.partition(",")[2]).decode().splitlines()
    assert lines[0].startswith("start_s,end_s,status,p.sad,p.glad")
    assert [line.split(",")[2] for line in lines[1:]] == ["ok", "silent", "ok"]


def test_a_recording_without_a_window_is_shown() -> None:
    assert "0 windows" in Read(show_followed(followed(), "x")).text
