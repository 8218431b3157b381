"""Notes and cautions as lines."""

from __future__ import annotations

from ambivox.scoring.keys import prompt_text, readout_text
from ambivox.scoring.notes import Note


def note_text(note: Note) -> str:
    """A note in one line, with what it is about."""
    if note.key is None:
        return f"{note.corpus}: {note.text}" if note.corpus else note.text
    key = note.key
    return f"{key.corpus}: {key.model}: {prompt_text(key)}: {readout_text(key)}: {note.text}"
