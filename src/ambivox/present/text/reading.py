"""A clip's distributions as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ambivox.present.text.plain import plain
from ambivox.readouts import Reading, load_readout
from ambivox.readouts.reading import FORMS_MATTER
from ambivox.run import ClipReading

BAR_WIDTH = 14
_LAST = {"improbable": 1, "bounded": 1, "undefined": 2}
"""Which readings are shown beside the others only where there is nothing better, and in which order."""
COLUMNS = 3
"""Distributions side by side in 80 columns."""


def show_reading(console: Console, result: ClipReading) -> None:
    """Draw the distributions of a clip side by side: of each prompt one of the text and one of the tokens."""
    asked, sound = result.record.asked, result.record.sound
    length = f"{sound.duration_s:.1f} s" if sound else ""
    console.print(plain(Path(asked.clip.path).name, style="bold"), plain(length, style="dim"))
    for prompt, answer in result.answers.items():
        said = "was not asked" if answer.text is None else f"said: {answer.text!r}"
        console.print(plain(f"{asked.model.name}, prompt {prompt}, {said}"))
    shown = headlines(result)
    names = list(shown)
    for start in range(0, len(names), COLUMNS):
        part = {name: shown[name] for name in names[start : start + COLUMNS]}
        console.print(_side_by_side(part, asked.emotions.labels))
    for caution in sound.cautions if sound else ():
        console.print(plain(f"{caution.code}: {caution.text}", style="yellow"))
    for name, reading in shown.items():
        _show_caution(console, name, reading, asked.emotions.labels)
    console.print()


def headlines(result: ClipReading) -> dict[str, Reading]:
    """Of each prompt one reading of either level, by prompt and readout.

    A readout made for the format of the answer goes before one that reads any: an answer that lists all
    labels begins with the first of them, whatever was heard, and `first` reads just that. Those of `_LAST`
    stand there only where their prompt has no other of that level.
    """
    shown: dict[str, Reading] = {}
    for prompt, answer in result.answers.items():
        for level in ("text", "token"):
            readouts = {name: load_readout(name) for name in answer.readings}
            names = [name for name, readout in readouts.items() if readout.level == level]
            names.sort(
                key=lambda name: (_LAST.get(answer.readings[name].status, 0), readouts[name].formats is None)
            )
            shown |= {f"{prompt}/{name}": answer.readings[name] for name in names[:1]}
    return shown


def _side_by_side(readings: Mapping[str, Reading], labels: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in readings:
        level = load_readout(name.partition("/")[2]).level
        table.add_column(Text("\n").join([plain(f"{level} level"), plain(name)]), no_wrap=True)
    for n, label in enumerate(labels):
        table.add_row(plain(label), *(_bar(reading, n) for reading in readings.values()))
    if any(reading.mass is not None for reading in readings.values()):
        masses = ("" if r.mass is None else f"{r.mass:>{BAR_WIDTH + 7}.1%}" for r in readings.values())
        table.add_row(plain("mass", style="dim"), *(plain(mass, style="dim") for mass in masses))
    return table


def _bar(reading: Reading, n: int) -> Text:
    if reading.distribution is None:
        return plain(reading.status if n == 0 else "", style="yellow")
    share = float(reading.distribution[n])
    filled = "█" * round(share * BAR_WIDTH)
    return plain(f"{filled:<{BAR_WIDTH}} {share:6.1%}")


def _lead(reading: Reading, labels: Sequence[str]) -> str:
    assert reading.uncalibrated is not None
    first = int(reading.uncalibrated.argmax())
    return f"{labels[first]} {reading.uncalibrated[first]:.1%}"


def _show_caution(console: Console, name: str, reading: Reading, labels: Sequence[str]) -> None:
    if reading.status != "ok":
        console.print(plain(f"{name}: {reading.status} ({reading.note})", style="yellow"))
    if reading.calibration is not None:
        said = f"{name}: calibrated ({reading.calibration}); before, it led with {_lead(reading, labels)}"
        console.print(plain(said, style="dim"))
    if reading.forms_shift is not None and reading.forms_shift > FORMS_MATTER:
        said = f"{name}: {reading.forms_shift:.0%} of it hangs on which written forms of a label are counted"
        console.print(Text(said), style="yellow")
