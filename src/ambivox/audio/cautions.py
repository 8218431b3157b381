"""What is odd about a sound, as data: codes for programs, a sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CautionCode = Literal[
    "open-length",
    "wrong-length",
    "wrong-chunk",
    "extra-bytes",
    "joined",
    "damaged",
    "ffmpeg",
    "whole-numbers",
    "over-full-scale",
    "channels-cancel",
    "channels-differ",
    "near-silence",
    "clipped",
    "dc-offset",
]


@dataclass(frozen=True)
class AudioCaution:
    """One thing that is odd about a sound that was read all the same."""

    code: CautionCode
    """Which; stable, for programs."""
    text: str
    """What was found, one line for people."""

    def __str__(self) -> str:
        return self.text
