"""Files in one another's tail are heard whole or refused, never the first part only."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import numpy as np
import pytest

from ambivox.audio import audio_facts, load_audio, read_audio
from ambivox.errors import AudioError
from tests.audio.sounds import codes, encoded, loudest_hz, sine, speechlike

ENDINGS = ("wav", "flac", "ogg", "opus", "mp3")
PARTS = (speechlike(duration_s=1.2, seed=1), speechlike(duration_s=0.8, seed=2), speechlike(seed=3))

ID3V2 = b"ID3\x04\0\0\0\0\x02\x10" + b"title".ljust(272, b"\xff")
ID3V1 = b"TAG" + b"title".ljust(125)


def ape(with_header: bool) -> bytes:
    item = struct.pack("<II", 5, 0) + b"Title\0hello"
    end = struct.pack("<IIII", 2_000, len(item) + 32, 1, 0x8000_0000 if with_header else 0) + bytes(8)
    begin = struct.pack("<IIII", 2_000, len(item) + 32, 1, 0xA000_0000) + bytes(8)
    return (b"APETAGEX" + begin if with_header else b"") + item + b"APETAGEX" + end


LYRICS = b"LYRICSBEGININD0000210LYR00011hello world000050LYRICS200"
TAGS = {"ID3v2": ID3V2, "ID3v1": ID3V1, "APE": ape(True), "APE, old": ape(False), "Lyrics3": LYRICS + ID3V1}


def put(folder: Path, content: bytes, name: str) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def without_xing(content: bytes) -> bytes:
    for mark in (b"Xing", b"Info"):
        content = content.replace(mark, bytes(4))
    return content


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("n", [2, 3])
def test_joined_files_sound_like_one_after_the_other(tmp_path: Path, ending: str, n: int) -> None:
    files = [encoded(part, ending) for part in PARTS[:n]]
    apart = [load_audio(put(tmp_path, file, f"{i}.{ending}")) for i, file in enumerate(files)]
    path = put(tmp_path, b"".join(files), f"a.{ending}")
    samples, facts = read_audio(path)
    assert np.array_equal(samples, np.concatenate(apart))
    assert codes(facts) == ["joined"]
    assert facts == audio_facts(path)
    assert facts.duration_s == sum(map(len, apart)) / 16_000
    tolerance = 0.01 if ending == "opus" else 1e-6  # opus needs a few frames to settle after a jump
    assert np.abs(load_audio(path, 1.0, 1.75) - samples[16_000:28_000]).max() < tolerance  # across the seam


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("rate_hz", "n_channels"), [(48_000, 1), (16_000, 2)])
def test_joined_files_of_different_kinds_are_refused(
    tmp_path: Path, ending: str, rate_hz: int, n_channels: int
) -> None:
    other = np.repeat(speechlike(rate_hz)[:, None], n_channels, axis=1)
    content = encoded(PARTS[0], ending) + encoded(other, ending, rate_hz=rate_hz)
    with pytest.raises(AudioError, match=r"different .* in one.*: split it"):
        load_audio(put(tmp_path, content, f"a.{ending}"))


@pytest.mark.parametrize(
    ("first", "then"), list(itertools.permutations(("wav", "flac", "ogg", "mp3", "aiff"), 2))
)
def test_what_cannot_be_joined_is_refused(tmp_path: Path, first: str, then: str) -> None:
    content = encoded(PARTS[0], first) + encoded(PARTS[1], then)
    with pytest.raises(AudioError, match=r"split it|damaged"):
        load_audio(put(tmp_path, content, f"a.{first}"))


def test_piped_wavs_are_told_apart_though_the_first_has_no_end(tmp_path: Path) -> None:
    content = bytearray(encoded(PARTS[0], "wav"))
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"
    samples, facts = read_audio(put(tmp_path, bytes(content) * 2, "a.wav"))
    assert np.array_equal(samples, np.tile(load_audio(put(tmp_path, bytes(content), "b.wav")), 2))
    assert codes(facts) == ["open-length", "joined"]


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("xing", [True, False])
def test_tags_of_an_mp3_are_not_heard_wherever_they_are(tmp_path: Path, tag: str, xing: bool) -> None:
    content = encoded(PARTS[0], "mp3") if xing else without_xing(encoded(PARTS[0], "mp3"))
    alone = load_audio(put(tmp_path, content, "alone.mp3"))
    samples, facts = read_audio(put(tmp_path, content + TAGS[tag], "after.mp3"))
    assert np.array_equal(samples, alone)
    assert codes(facts) == []
    samples, facts = read_audio(put(tmp_path, content + TAGS[tag] + content, "between.mp3"))
    assert len(samples) == pytest.approx(2 * len(alone), abs=576)  # one delay of the decoder less
    assert codes(facts) == ["joined"]


def test_an_mp3_that_counts_the_frames_of_its_first_part_is_heard_whole(tmp_path: Path) -> None:
    low, high = sine(16_000, 2.0, 300), sine(16_000, 2.0, 900)
    path = put(tmp_path, encoded(low, "mp3") + without_xing(encoded(high, "mp3")), "a.mp3")
    samples, facts = read_audio(path)
    assert 4.0 <= len(samples) / 16_000 < 4.3
    assert codes(facts) == ["wrong-length"]
    assert loudest_hz(samples[:30_000]) == pytest.approx(300, abs=2)
    assert loudest_hz(samples[-28_000:]) == pytest.approx(900, abs=2)


def test_mp3s_without_any_count_are_heard_whole(tmp_path: Path) -> None:
    files = [without_xing(encoded(part, "mp3")) for part in PARTS[:2]]
    apart = [len(load_audio(put(tmp_path, file, f"{i}.mp3"))) for i, file in enumerate(files)]
    assert len(load_audio(put(tmp_path, b"".join(files), "a.mp3"))) == pytest.approx(sum(apart), abs=1_200)


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("a.m4a", b"\0\0\0\x20ftypM4A " + bytes(30)),
        ("a.mp4", b"\0\0\0\x18ftypisom" + bytes(30)),
        ("a.webm", bytes.fromhex("1a45dfa39f4286810142f7810142f2810442f381084282847765626d") + bytes(9)),
        ("a.amr", b"#!AMR\n" + bytes(range(40, 80))),
        ("a.wma", bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(30)),
    ],
)
def test_containers_for_ffmpeg_are_refused_when_joined(tmp_path: Path, name: str, beginning: bytes) -> None:
    with pytest.raises(AudioError, match="another file of its kind begins near byte"):
        load_audio(put(tmp_path, beginning + bytes(100) + beginning, name))
