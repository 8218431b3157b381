"""Containers that libsndfile does not know (m4a, aac, webm, amr, video), through ffmpeg where installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ambivox.audio.files import CONVERT
from ambivox.errors import AudioError

TIMEOUT_S = 120.0
"""An hour of sound takes ffmpeg some ten seconds."""

MAX_BYTES = 2**29
"""Of decoded samples, which lie in a temporary file: 46 minutes of one channel at 48 kHz."""

_ADDRESS = re.compile(r"^\[[^\]]*\] ")  # which part of ffmpeg speaks, with its address in memory
_MAX_REASON_CHARACTERS = 160


@contextmanager
def decoded_by_ffmpeg(path: Path, demuxer: str) -> Iterator[BinaryIO]:
    """The first sound track of a file as a WAV of float samples, in a temporary file.

    Args:
        path: the file.
        demuxer: ffmpeg's name of its container; ffmpeg is not left to guess, nor to open anything else.

    Raises:
        AudioError: no ffmpeg, or ffmpeg finds a fault, however small, takes too long or decodes too much.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise AudioError(
            f"{path}: {demuxer} files are decoded by ffmpeg, which is not installed: install it, or {CONVERT}"
        )
    command = [program, "-nostdin", "-hide_banner", "-v", "error", "-xerror", "-threads", "1"]
    command += ["-protocol_whitelist", "file", "-f", demuxer, "-i", f"file:{path.absolute()}"]
    command += ["-map", "0:a:0", "-c:a", "pcm_f32le", "-fs", str(MAX_BYTES), "-f", "wav", "pipe:1"]
    with tempfile.TemporaryFile() as sound, tempfile.TemporaryFile() as complaints:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sound,
                stderr=complaints,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise AudioError(f"{path}: ffmpeg did not decode it in {TIMEOUT_S:g} s: {CONVERT}") from None
        except OSError as error:
            raise AudioError(f"{path}: ffmpeg cannot be run ({error.strerror}): {CONVERT}") from None
        complaints.seek(0)
        reason = _one_line(complaints.read(2**12).decode("utf-8", "replace"))
        if done.returncode or reason:
            raise AudioError(
                f"{path}: not sound that ffmpeg can decode ({reason or 'no reason given'}): {CONVERT}"
            )
        if sound.seek(0, 2) >= MAX_BYTES:
            raise AudioError(f"{path}: more sound than is heard at once: cut it, or {CONVERT}")
        yield sound


def _one_line(text: str) -> str:
    """The first line that ffmpeg printed, without what could harm a terminal."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    return "".join(c if c.isprintable() else "?" for c in _ADDRESS.sub("", line))[:_MAX_REASON_CHARACTERS]
