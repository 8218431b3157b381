"""A clip's two distributions as bars."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ambivox.present.text.plain import plain
from ambivox.readouts import Reading, load_readout
from ambivox.run import ClipReading
from ambivox.scoring.cautions import FORMS_MATTER

BAR_WIDTH = 20
LOW_MASS = 0.01
"""Below this probability on the labels a token-level reading deserves a word of caution."""


def show_reading(console: Console, result: ClipReading) -> None:
    """Draw the text-level and the token-level distribution of a clip side by side."""
    asked, sound = result.record.asked, result.record.sound
    length = f"{sound.duration_s:.1f} s" if sound else ""
    console.print(plain(Path(asked.clip.path).name, style="bold"), plain(length, style="dim"))
    said = "was not asked" if result.text is None else f"said: {result.text!r}"
    console.print(plain(f"{asked.model.name}, prompt {asked.prompt.name}, {said}"))
    levels = {level: _first_of(level, result.readings) for level in ("text", "token")}
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for level, name in levels.items():
        table.add_column(plain(f"{level} level: {name or 'no readout for this prompt'}"), no_wrap=True)
    for n, label in enumerate(asked.emotions.labels):
        cells = [_bar(result.readings.get(name or ""), n) for name in levels.values()]
        table.add_row(plain(label), *cells)
    console.print(table)
    for caution in sound.cautions if sound else ():
        console.print(plain(f"{caution.code}: {caution.text}", style="yellow"))
    for name, reading in result.readings.items():
        if name in levels.values():
            _show_caution(console, name, reading)
    console.print()


def _first_of(level: str, readings: Mapping[str, Reading]) -> str | None:
    return next((name for name in readings if load_readout(name).level == level), None)


def _bar(reading: Reading | None, n: int) -> Text:
    if reading is None:
        return plain("")
    if reading.distribution is None:
        return plain(reading.status if n == 0 else "", style="yellow")
    share = float(reading.distribution[n])
    filled = "█" * round(share * BAR_WIDTH)
    return plain(f"{filled:<{BAR_WIDTH}} {share:6.1%}  ")


def _show_caution(console: Console, name: str, reading: Reading) -> None:
    if reading.status != "ok":
        console.print(plain(f"{name}: {reading.status} ({reading.note})", style="yellow"))
    elif reading.mass is not None and reading.mass < LOW_MASS:
        said = "less than 0.01%" if reading.mass < 1e-4 else f"{reading.mass:.2%}"
        console.print(
            plain(
                f"{name}: the labels hold {said} of the probability here; the prompt 'word' asks for a label"
            ),
            style="yellow",
        )
    if reading.forms_shift is not None and reading.forms_shift > FORMS_MATTER:
        said = f"{name}: {reading.forms_shift:.0%} of it hangs on which written forms of a label are counted"
        console.print(Text(said), style="yellow")
