"""What rows, controls and notes are called; nothing is told apart by these names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ambivox.scoring import ControlKey, Note, RowKey, ScoreRow
from ambivox.scoring.calibrated import Fitted
from ambivox.scoring.keys import Key, control_text, prompt_text, readout_text

HEARD = {
    "clip": "the clips themselves",
    "silence": "silence of the same length",
    "noise": "noise of the same length",
    "swapped": "another clip of the corpus",
    "no-audio": "nothing",
    "transcript-only": "nothing, but with the words of the clip to read",
}
"""What the model heard under each control of a study."""

_NAMED = 3


def row_name(key: Key, *, model: bool = False) -> str:
    """A row in one line: prompt and readout, what was heard if not the clips, the model if asked, and the run
    where several stand in one table."""
    if isinstance(key, ControlKey):
        return f"{control_text(key)} · {key.run}" if key.run else control_text(key)
    parts = [prompt_text(key), readout_text(key)]
    if key.control != "clip":
        parts.append(f"hearing {key.control}")
    if model:
        parts.append(key.model)
    parts.append(key.run)
    return " · ".join(part for part in parts if part)


def several_models(rows: Iterable[ScoreRow]) -> bool:
    """Whether names need the model."""
    return len({row.key.model for row in rows if isinstance(row.key, RowKey)}) > 1


def note_lines(notes: Iterable[Note]) -> list[str]:
    """Notes with what they are about; those that say the same of several readouts of a prompt in one line."""
    readouts: dict[tuple[str, str], list[str]] = {}
    for note in notes:
        about = [note.run, note.corpus]
        if note.key is not None:
            about = [note.run, note.key.corpus, note.key.model, prompt_text(note.key)]
        named = readouts.setdefault((": ".join(filter(None, about)), note.text), [])
        if note.key is not None:
            named.append(readout_text(note.key))
    return [
        ": ".join(part for part in (about, listed(names, _NAMED), text) if part)
        for (about, text), names in readouts.items()
    ]


def fitted_line(fitted: Fitted) -> str:
    """What a calibration was fitted to, and how well."""
    losses = [scaling.loss_nats for scaling in fitted.scalings]
    before, after = (sum(loss[n] for loss in losses) / len(losses) for n in (0, 1))
    told = f"cross-entropy {before:.3f} to {after:.3f} nats where it was fitted"
    if fitted.key.calibration == "temperature":
        low, high = (f"{end(s.temperature for s in fitted.scalings):.3g}" for end in (min, max))
        at_end = " (the search ends there)" if any(s.at_end for s in fitted.scalings) else ""
        told = f"T = {low}{f' to {high}' if high != low else ''}{at_end}; {told}"
    key = fitted.key
    about = (key.run, key.corpus, key.model, prompt_text(key), readout_text(key))
    return ": ".join([*filter(None, about), told])


def listed(names: Sequence[str], at_most: int) -> str:
    """At most so many names, and how many more there are.

    >>> listed(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - at_most} more" if len(names) > at_most else ""
    return ", ".join(names[:at_most]) + more
