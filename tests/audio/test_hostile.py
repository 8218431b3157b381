"""Files that would block, take all memory or never end are refused at once."""

from __future__ import annotations

import os
import socket
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from ambivox.audio import audio_digest, audio_facts, load_audio
from ambivox.errors import AudioError
from tests.audio.sounds import chunk, encoded, speechlike, write


def header(rate_hz: int, n_channels: int = 1, n_bytes: int = 72_000) -> bytes:
    block = 2 * n_channels & 0xFFFF
    fmt = struct.pack("<HHIIHH", 1, n_channels, rate_hz, rate_hz * block & 0xFFFF_FFFF, block, 16)
    body = b"WAVE" + chunk(b"fmt ", fmt) + chunk(b"data", np.arange(n_bytes // 2, dtype="<i2").tobytes())
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    for reader in (load_audio, audio_facts, audio_digest):
        with pytest.raises(AudioError, match="a pipe or a device, not a sound file"):
            reader(tmp_path / "a.wav")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no devices with names here")
@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", "/dev/urandom"])
def test_devices_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.wav").symlink_to(name)
    for path in (Path(name), tmp_path / "a.wav"):
        for reader in (load_audio, audio_facts, audio_digest):
            with pytest.raises(AudioError, match="a pipe or a device"):
                reader(path)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no sockets with names here")
def test_sockets_and_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.wav"))
        with pytest.raises(AudioError, match="cannot be opened"):
            load_audio(tmp_path / "s.wav")
    (tmp_path / "a.wav").symlink_to(tmp_path / "a.wav")
    with pytest.raises(AudioError, match="cannot be opened"):
        load_audio(tmp_path / "a.wav")


@pytest.mark.parametrize("rate_hz", [1, 100, 1_999, 768_001, 2**31 - 1])
def test_rates_that_are_none_are_refused_before_memory_is_taken(tmp_path: Path, rate_hz: int) -> None:
    (tmp_path / "a.wav").write_bytes(header(rate_hz))
    tracemalloc.start()
    with pytest.raises(AudioError, match=rf"a sample rate of {rate_hz} Hz"):
        load_audio(tmp_path / "a.wav")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1e6


@pytest.mark.parametrize("rate_hz", [2_000, 5_512, 384_000, 768_000])
def test_rates_at_the_bounds_are_read(tmp_path: Path, rate_hz: int) -> None:
    path = write(tmp_path / "a.wav", speechlike(rate_hz, 0.5), rate_hz)
    assert len(load_audio(path)) == 8_000


@pytest.mark.parametrize("n_channels", [0, 65, 1_000, 65_535])
def test_numbers_of_channels_that_are_none_are_refused(tmp_path: Path, n_channels: int) -> None:
    (tmp_path / "a.wav").write_bytes(header(16_000, n_channels))
    with pytest.raises(AudioError):
        load_audio(tmp_path / "a.wav")


@pytest.mark.parametrize("rate_hz", [2_000, 16_000, 48_000])
def test_hours_at_once_are_refused_and_a_segment_of_them_is_read(tmp_path: Path, rate_hz: int) -> None:
    n_frames = 2**28  # of silence, which takes no room on disk
    path = tmp_path / "a.wav"
    body = b"WAVE" + chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, rate_hz, rate_hz, 1, 8)) + b"data"
    with path.open("wb") as file:
        file.write(b"RIFF" + struct.pack("<I", n_frames + 36) + body + struct.pack("<I", n_frames))
        file.truncate(n_frames + 44)
    tracemalloc.start()
    with pytest.raises(AudioError, match="more than is heard at once: give a start and an end"):
        load_audio(path)
    assert len(load_audio(path, 100, 101)) == 16_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_a_flac_of_hours_in_few_bytes_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.flac", np.zeros(1_600, dtype="i2"), 16_000)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    content[21:26] = b"\xff\xff\xff\xff\xff"  # 2**36 samples, or nearly so
    (tmp_path / "a.flac").write_bytes(content)
    with pytest.raises(AudioError, match="more than is heard at once"):
        load_audio(tmp_path / "a.flac")


def test_huge_sparse_files_of_any_kind_are_refused_in_time(tmp_path: Path) -> None:
    starts = {"a.mp3": encoded(speechlike(), "mp3"), "b.raw": b"\0", "c.wav": b"RIFF\0\0\0\0WAVE"}
    for name, start in starts.items():
        with (tmp_path / name).open("wb") as file:
            file.write(start)
            file.truncate(2**40)
        with pytest.raises(AudioError):
            load_audio(tmp_path / name)


def test_a_header_of_a_thousand_tiny_chunks_is_read(tmp_path: Path) -> None:
    body = b"WAVE" + chunk(b"JUNK", b"") * 1_000 + header(16_000)[12:]
    (tmp_path / "a.wav").write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    assert len(load_audio(tmp_path / "a.wav")) == 36_000


def test_names_that_are_not_text_are_read(tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.wav")
    try:
        Path(name).write_bytes(encoded(speechlike(), "wav"))
    except OSError:
        pytest.skip("this file system takes no such names")
    assert len(load_audio(name)) == 16_000
