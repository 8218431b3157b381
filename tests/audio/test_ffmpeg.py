"""Containers that libsndfile does not know go to ffmpeg where it is installed, or are refused."""

from __future__ import annotations

import io
import itertools
import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given
from hypothesis import strategies as st

from ambivox.audio import audio_facts, ffmpeg, load_audio, read_audio
from ambivox.audio.files import Layout
from ambivox.audio.layout import find_layout
from ambivox.errors import AudioError
from tests.audio.sounds import codes, encoded, loudest_hz, sine, speechlike, wav

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")

SPEAK = "sys.stdout.buffer.write((here / 'sound.wav').read_bytes())"
COMPLAIN = "sys.stderr.write('"

CONTAINERS = {
    "a.m4a": b"\0\0\0\x20ftypM4A \0\0\0\0",
    "a.webm": b"\x1aE\xdf\xa3\x01\0\0\0",
    "a.amr": b"#!AMR\n\x3c",
    "a.aac": b"\xff\xf1\x60\x40\x01\x9f\xfc",
    "a.mp2": b"\xff\xfd\x90\x04",
    "a.wma": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"),
    "a.avi": b"RIFF\x10\0\0\0AVI LIST",
    "a.flv": b"FLV\x01\x04\0\0\0\x09",
    "a.ts": (b"G" + bytes(187)) * 3,
    "a.mpg": b"\0\0\x01\xba\x44",
}


@pytest.fixture
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


@pytest.fixture
def fake_ffmpeg(no_ffmpeg: None, tmp_path: Path) -> Path:
    """An ffmpeg on the path that writes its arguments down and runs what a test puts into a script."""
    program = tmp_path / "bin" / "ffmpeg"
    program.write_text(
        f"#!{sys.executable}\nimport json, pathlib, sys, time\nhere = pathlib.Path({str(tmp_path)!r})\n"
        "(here / 'arguments.json').write_text(json.dumps(sys.argv[1:]))\n"
        "exec((here / 'script.py').read_text())\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    script = tmp_path / "script.py"
    (tmp_path / "sound.wav").write_bytes(wav((32_767 * speechlike()).astype("<i2").tobytes(), 0xFFFF_FFFF))
    script.write_text(SPEAK)
    return script


def put(folder: Path, name: str) -> Path:
    (folder / name).write_bytes(CONTAINERS[name].ljust(2_000, b"\x55"))
    return folder / name


@pytest.mark.parametrize("name", CONTAINERS)
def test_without_ffmpeg_the_line_says_what_to_do(tmp_path: Path, no_ffmpeg: None, name: str) -> None:
    for reader in (load_audio, audio_facts):
        with pytest.raises(AudioError, match="which is not installed: install it, or convert"):
            reader(put(tmp_path, name))


@pytest.mark.parametrize("name", CONTAINERS)
def test_with_ffmpeg_the_sound_is_heard_and_said(tmp_path: Path, fake_ffmpeg: Path, name: str) -> None:
    samples, facts = read_audio(put(tmp_path, name))
    assert len(samples) == 16_000
    assert codes(facts) == ["ffmpeg"]
    assert np.array_equal(load_audio(tmp_path / name, 0.25, 0.5), samples[4_000:8_000])


def test_ffmpeg_is_given_one_file_one_container_and_bounds(tmp_path: Path, fake_ffmpeg: Path) -> None:
    load_audio(put(tmp_path, "a.m4a"))
    arguments = json.loads((tmp_path / "arguments.json").read_text())
    following = dict(itertools.pairwise(arguments))
    assert following["-i"] == f"file:{tmp_path / 'a.m4a'}"
    assert following["-protocol_whitelist"] == "file"
    assert arguments[: arguments.index("-i")].count("-f") == 1
    assert following["-fs"] == str(ffmpeg.MAX_BYTES)
    assert {"-nostdin", "-xerror"} <= set(arguments)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("sys.exit(3)", "no reason given"),
        (f"{COMPLAIN}[mov @ 0x55d0] \\x1b[31mno moov'); sys.exit(1)", r"\(\?\[31mno moov\)"),
        (f"{SPEAK}; {COMPLAIN}cut short')", "cut short"),
        ("sys.stdout.write('')", "ends before any samples"),
        ("sys.stdout.write('RIFFnonsense')", "ends before any samples"),
        ("time.sleep(60)", "did not decode it in 0.5 s"),
    ],
)
def test_what_goes_wrong_in_ffmpeg_is_one_line(
    tmp_path: Path, fake_ffmpeg: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    # A busy machine starts a program in a second; the one that never ends need not have started.
    monkeypatch.setattr(ffmpeg, "TIMEOUT_S", 0.5 if "sleep" in script else 4.0)
    fake_ffmpeg.write_text(script)
    with pytest.raises(AudioError, match=message) as caught:
        load_audio(put(tmp_path, "a.m4a"))
    assert "\n" not in str(caught.value)
    assert "0x55d0" not in str(caught.value)


def test_output_without_end_is_bounded(
    tmp_path: Path, fake_ffmpeg: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffmpeg, "MAX_BYTES", 20_000)
    with pytest.raises(AudioError, match="more sound than is heard at once"):
        load_audio(put(tmp_path, "a.m4a"))


def test_text_and_playlists_are_never_given_to_ffmpeg(tmp_path: Path, fake_ffmpeg: Path) -> None:
    for name, content in (
        ("a.m3u8", b"#EXTM3U\n#EXTINF:10,\n/etc/passwd\n"),
        ("b.txt", b"ffconcat version 1.0\nfile /etc/passwd\n"),
        ("c.mp4", b"hello, I am no video\n" * 9),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(AudioError, match="not sound that can be decoded"):
            load_audio(tmp_path / name)
    assert not (tmp_path / "arguments.json").exists()


def test_wav_of_a_codec_that_is_not_checked_goes_to_ffmpeg(tmp_path: Path, fake_ffmpeg: Path) -> None:
    content = bytearray(encoded(speechlike(), "wav"))
    at = content.index(b"fmt ") + 8
    content[at : at + 2] = b"\x55\0"  # mp3 in a WAV
    (tmp_path / "a.wav").write_bytes(content)
    assert codes(audio_facts(tmp_path / "a.wav")) == ["ffmpeg"]


@needs_ffmpeg
@pytest.mark.parametrize("ending", ["m4a", "aac", "mka", "wma", "mp2", "avi", "ts"])
def test_real_containers_keep_length_and_pitch(tmp_path: Path, ending: str) -> None:
    (tmp_path / "a.wav").write_bytes(encoded(sine(16_000, 2.0), "wav"))
    path = tmp_path / f"a.{ending}"
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", path], check=True)
    samples, facts = read_audio(path)
    assert codes(facts) == ["ffmpeg"]
    assert len(samples) / 16_000 == pytest.approx(2.0, abs=0.2)
    assert loudest_hz(samples) == pytest.approx(440, abs=2)


@needs_ffmpeg
@pytest.mark.parametrize("ending", ["m4a", "mka", "wma"])
def test_real_containers_that_are_cut_are_refused(tmp_path: Path, ending: str) -> None:
    (tmp_path / "a.wav").write_bytes(encoded(sine(16_000, 2.0), "wav"))
    path = tmp_path / f"a.{ending}"
    subprocess.run(["ffmpeg", "-v", "error", "-i", tmp_path / "a.wav", path], check=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    with pytest.raises(AudioError, match="not sound that ffmpeg can decode"):
        load_audio(path)


# Containers of which ffmpeg would hear a part, or too much

SIZED = {"a.au": "AU", "a.caf": "CAF", "a.nist": "NIST"}


def sized(name: str, samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    sf.write(file, samples, 16_000, format=SIZED[name], subtype="PCM_16")
    return file.getvalue()


@needs_ffmpeg
@pytest.mark.parametrize("name", SIZED)
def test_au_caf_and_nist_are_heard_whole(tmp_path: Path, name: str) -> None:
    sound = sine(16_000)
    (tmp_path / name).write_bytes(sized(name, sound))
    samples, facts = read_audio(tmp_path / name)
    np.testing.assert_allclose(samples, sound, atol=1e-4)
    assert [caution.code for caution in facts.cautions] == ["ffmpeg"]


@pytest.mark.parametrize("name", SIZED)
@pytest.mark.parametrize("part", [0.4, 0.5, 0.9])
def test_au_caf_and_nist_that_are_cut_off_are_refused(tmp_path: Path, name: str, part: float) -> None:
    whole = sized(name, sine(16_000))
    (tmp_path / name).write_bytes(whole[: int(part * len(whole)) // 2 * 2])
    with pytest.raises(AudioError, match=r"truncated, \d+ bytes of samples"):
        audio_facts(tmp_path / name)


@pytest.mark.parametrize("name", SIZED)
def test_au_caf_and_nist_with_another_in_the_tail_are_refused(tmp_path: Path, name: str) -> None:
    whole = sized(name, sine(16_000))
    (tmp_path / name).write_bytes(whole + whole)
    with pytest.raises(AudioError, match="bytes after its end, as of another file"):
        audio_facts(tmp_path / name)


@pytest.mark.parametrize("name", SIZED)
def test_au_caf_and_nist_need_ffmpeg(tmp_path: Path, name: str, no_ffmpeg: None) -> None:
    (tmp_path / name).write_bytes(sized(name, sine(16_000)))
    with pytest.raises(AudioError, match="decoded by ffmpeg, which is not installed"):
        audio_facts(tmp_path / name)


@needs_ffmpeg
def test_au_of_open_length_is_read_to_its_end(tmp_path: Path) -> None:
    whole = bytearray(sized("a.au", sine(16_000)))
    whole[8:12] = b"\xff\xff\xff\xff"
    (tmp_path / "a.au").write_bytes(whole)
    assert len(load_audio(tmp_path / "a.au")) == 16_000


def layout_or_refusal(content: bytes, name: str) -> Layout | str:
    try:
        return find_layout(io.BytesIO(content), len(content), Path(name))
    except AudioError as refused:
        return str(refused)


@given(place=st.integers(0, 1_100), byte=st.integers(0, 255), name=st.sampled_from(sorted(SIZED)))
def test_a_spoilt_header_of_au_caf_or_nist_raises_nothing_but_an_audio_error(
    place: int, byte: int, name: str
) -> None:
    content = bytearray(sized(name, sine(16_000, 0.1)))
    content[place] = byte
    found = layout_or_refusal(bytes(content), name)
    assert isinstance(found, Layout) or (name in found and "\n" not in found)
