"""The sound of clips in a page: links to their files, or the sound itself as Opus."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from ambivox.audio import SAMPLE_RATE_HZ, channel_named, load_audio
from ambivox.choices import ClipSound
from ambivox.errors import AudioError, UsageError
from ambivox.location import is_stored
from ambivox.record import AskedClip

EMBEDDED_AT_MOST = 5_000
"""Clips whose sound fits into one page that a browser still opens: some 9 kB for 2.3 s."""
COMPRESSION = 0.9
"""Of libsndfile, 0 to 1: Opus at 33 kbit/s on the clips of `examples/crema-d`."""


def clip_sounds(
    names: Sequence[str], where: Mapping[str, AskedClip], how: ClipSound, out: Path
) -> list[str | None]:
    """What plays each clip: an address or base64; None where its file is gone. Empty for no sound.

    Args:
        names: ids of the utterances.
        where: where their clips lie.
        out: the page, from whose folder links start.

    Raises:
        UsageError: too many clips to embed.
    """
    if how == "embed" and len(names) > EMBEDDED_AT_MOST:
        raise UsageError(
            f"{len(names)} clips: at most {EMBEDDED_AT_MOST} can be heard inside one page: link to them "
            "with --audio link"
        )
    if how == "none":
        return []
    folder, clips = out.parent.resolve(), [where.get(name) for name in names]
    if how == "link":
        return [None if clip is None else _link(clip, folder) for clip in clips]
    return [None if clip is None else _opus(clip) for clip in clips]


def _link(clip: AskedClip, folder: Path) -> str | None:
    path = Path(clip.path)
    if not path.is_file():
        return None
    if is_stored(folder):  # a page there leads to no file of this machine
        return None
    try:
        address = quote(Path(os.path.relpath(path.resolve(), folder)).as_posix())
    except ValueError:  # another drive
        address = path.resolve().as_uri()
    times = (
        "" if clip.start_s is None else f"{clip.start_s:g}",
        "" if clip.end_s is None else f"{clip.end_s:g}",
    )
    return f"{address}#t={times[0]},{times[1]}".rstrip(",") if any(times) else address


def _opus(clip: AskedClip) -> str | None:
    import soundfile

    try:
        samples = load_audio(clip.path, clip.start_s, clip.end_s, channel_named(clip.channel))
    except AudioError:
        return None
    file = io.BytesIO()
    soundfile.write(
        file, samples, SAMPLE_RATE_HZ, format="OGG", subtype="OPUS", compression_level=COMPRESSION
    )
    return base64.b64encode(file.getvalue()).decode("ascii")
