"""A sound file opened by its decoder, with all that must hold before samples of it are believed."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile as sf
from numpy.typing import NDArray

from ambivox.audio.cautions import AudioCaution
from ambivox.audio.chatter import kept_chatter
from ambivox.audio.ffmpeg import decoded_by_ffmpeg
from ambivox.audio.files import CONVERT, Layout, Pieces, Stream, not_sound, open_sound, truncated
from ambivox.audio.layout import find_layout
from ambivox.audio.riff import wav_layout
from ambivox.errors import AudioError

MIN_RATE_HZ, MAX_RATE_HZ = 2_000, 768_000
"""Sample rates of sound; beyond them a header is wrong, and resampling would take all memory."""

MAX_CHANNELS = 64

_FORMATS = ("WAV", "WAVEX", "RF64", "AIFF", "FLAC", "OGG", "MP3")  # can be checked for missing audio
_LOSSY = ("OGG", "MP3")
_FLOATS = ("FLOAT", "DOUBLE")
_BLOCK_VALUES = 2**20  # samples decoded at once, all channels together


@dataclass(frozen=True)
class Sounds:
    """The sounds of a file, opened; more than one where files were put in one another's tail.

    Args:
        path: for messages.
        streams: the decoders (soundfile), all of one rate and number of channels.
        n_frames: of each.
    """

    path: Path
    streams: tuple[Any, ...]
    n_frames: tuple[int, ...]

    @property
    def rate_hz(self) -> int:
        """Frames per second."""
        return int(self.streams[0].samplerate)

    @property
    def n_channels(self) -> int:
        """Of every frame."""
        return int(self.streams[0].channels)

    @property
    def has_floats(self) -> bool:
        """Whether the file holds floating-point samples, which may be of any scale."""
        return self.streams[0].subtype in _FLOATS

    @property
    def is_lossy(self) -> bool:
        """Whether samples are not what they were before the file was encoded."""
        return self.streams[0].format in _LOSSY

    def blocks(self, start: int, stop: int) -> Iterator[NDArray[np.float32]]:
        """The frames from `start` up to `stop`, one sound after another, shape ``(n, n_channels)`` each time.

        Raises:
            AudioError: fewer can be decoded than there should be.
        """
        begin = 0
        for stream, n_frames in zip(self.streams, self.n_frames, strict=True):
            yield from _blocks(stream, self.path, max(start - begin, 0), min(stop - begin, n_frames))
            begin += n_frames


def _blocks(sound: Any, path: Path, start: int, stop: int) -> Iterator[NDArray[np.float32]]:
    if start >= stop:
        return
    position = sound.seek(start) if sound.seekable() else 0
    while position < stop:
        wanted = min(stop - position, max(1, _BLOCK_VALUES // sound.channels))
        try:
            block: NDArray[np.float32] = sound.read(wanted, dtype="float32", always_2d=True)
        except sf.LibsndfileError:
            break
        if not len(block):
            break
        position += len(block)
        behind = start - (position - len(block))  # what cannot be passed over without decoding it
        if behind < len(block):
            yield block[max(0, behind) :]
    if position < stop:
        raise truncated(path, f"or damaged: not all of its {sound.frames} frames can be decoded")


@contextmanager
def opened(path: Path) -> Iterator[tuple[Sounds, list[AudioCaution]]]:
    """The sounds of a file, and what is odd about the file, which is complete once the block has ended.

    Raises:
        AudioError: anything is wrong with the file; no error of a decoder leaves the block.
    """
    with ExitStack() as stack:
        file = stack.enter_context(open_sound(path))
        version = os.fstat(file.fileno())
        layout = _layout(path, version.st_size, version.st_mtime_ns, version.st_ino)
        decoded: BinaryIO | None = None
        if layout.demuxer:
            decoded = stack.enter_context(decoded_by_ffmpeg(path, layout.demuxer))
            layout = _decoded_layout(decoded, path, layout.demuxer)
        cautions = list(layout.cautions)
        chatter = stack.enter_context(kept_chatter()) if layout.chatty else []
        try:
            streams = [stack.enter_context(_open(s, decoded, file, path)) for s in layout.streams]
            _check_kind(path, streams)
            counts = [s.n_frames or found.frames for s, found in zip(layout.streams, streams, strict=True)]
            yield Sounds(path, tuple(streams), tuple(counts)), cautions
        except sf.SoundFileError as error:
            raise not_sound(path, getattr(error, "error_string", str(error))) from None
    if chatter:
        text = f"the mp3 decoder found {len(chatter)} faults: parts may be missing or wrong"
        cautions.append(AudioCaution("damaged", text))


@functools.lru_cache(maxsize=64)  # a recording of many segments is looked through once
def _layout(path: Path, n_bytes: int, *_version: int) -> Layout:
    with open_sound(path) as file:
        return find_layout(file, n_bytes, path)


def _decoded_layout(file: BinaryIO, path: Path, demuxer: str) -> Layout:
    caution = AudioCaution("ffmpeg", f"decoded by ffmpeg as {demuxer}: the first sound track of the file")
    return replace(wav_layout(file, file.seek(0, os.SEEK_END), path), cautions=(caution,))


def _open(stream: Stream, decoded: BinaryIO | None, file: BinaryIO, path: Path) -> Any:
    if stream.pieces:
        return sf.SoundFile(Pieces(decoded or file, stream.pieces))
    try:
        return sf.SoundFile(decoded or os.fsencode(path))
    except TypeError:  # soundfile takes the ending .raw as a promise of headerless samples
        raise AudioError(f"{path}: raw samples do not say their rate and width: {CONVERT}") from None


def _check_kind(path: Path, sounds: Sequence[Any]) -> None:
    """Refuse what cannot be checked for missing audio, cannot be, or cannot be joined."""
    for sound in sounds:
        if sound.format not in _FORMATS or (sound.format == "MP3") != (sound.subtype == "MPEG_LAYER_III"):
            kind = f"{sound.format} ({sound.subtype})"
            raise AudioError(f"{path}: {kind} files cannot be checked for missing audio: {CONVERT}")
        if not MIN_RATE_HZ <= sound.samplerate <= MAX_RATE_HZ:
            raise AudioError(
                f"{path}: a sample rate of {sound.samplerate} Hz, sound has {MIN_RATE_HZ} to {MAX_RATE_HZ}: "
                "its header is wrong: export the file again"
            )
        if sound.channels > MAX_CHANNELS:
            raise AudioError(f"{path}: {sound.channels} channels, at most {MAX_CHANNELS} are read: split it")
    kinds = {(sound.samplerate, sound.channels) for sound in sounds}
    if len(kinds) > 1:
        found = " and ".join(f"{rate} Hz, channels: {n}" for rate, n in sorted(kinds))
        raise AudioError(f"{path}: {len(sounds)} files of different kinds in one: split it ({found})")
