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
    """One thing that is odd about a sound that was read all the same.

    Args:
        code: which; stable, for programs.
        text: what was found and what to do about it, for people.
    """

    code: CautionCode
    text: str

    def __str__(self) -> str:
        return self.text
