"""Headers of WAV that say too much, too little or nothing: what is there is read, and said, or refused."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import example, given
from hypothesis import strategies as st

from ambivox.audio import audio_facts, load_audio, read_audio
from ambivox.errors import AudioError
from tests.audio.sounds import FORMAT, chunk, codes, encoded, loudest_hz, rms, sine, speechlike, wav, write

SOUND = (32767 * speechlike()).astype("<i2")
DATA = SOUND.tobytes()
HEARD = SOUND.astype("f4") / 32768


def put(folder: Path, content: bytes, name: str = "a.wav") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF, 0xFFFF_FFDB, 0x8000_0000, 0x7FFF_FFFF, 0x7FFF_F000])
@pytest.mark.parametrize("riff_size", [None, 0, 36, 0xFFFF_FFFF])
def test_an_open_length_is_read_to_the_end(tmp_path: Path, size: int, riff_size: int | None) -> None:
    samples, facts = read_audio(put(tmp_path, wav(DATA, size, riff_size)))
    assert np.array_equal(samples, HEARD)
    assert codes(facts) == ["open-length"]
    assert facts.duration_s == 1.0


@pytest.mark.parametrize(
    "size", [2_000_000_000, 1_000_000_000, 0x4000_0000, *(len(DATA) + n for n in (1, 8, 16, 44))]
)
def test_a_size_that_was_never_meant_is_read_to_the_end(tmp_path: Path, size: int) -> None:
    samples, facts = read_audio(put(tmp_path, wav(DATA, size, size + 36)))
    assert np.array_equal(samples, HEARD)
    assert codes(facts) == ["wrong-length"]


def test_a_file_as_long_as_it_says_was_not_cut_whatever_its_chunk_says(tmp_path: Path) -> None:
    samples, facts = read_audio(put(tmp_path, wav(DATA, len(DATA) + 9_000)))
    assert np.array_equal(samples, HEARD)
    assert codes(facts) == ["wrong-length"]


@pytest.mark.parametrize("n", [0x1C72, 0x1C5A, 0x1C20])  # sizes whose first byte is a letter or a space
def test_an_odd_chunk_without_its_pad_byte_before_a_size_that_looks_like_letters(
    tmp_path: Path, n: int
) -> None:
    bare = put(tmp_path, wav(DATA[:n], before=chunk(b"LIST", b"abcde", pad=False)))
    samples, facts = read_audio(bare)
    assert np.array_equal(samples, HEARD[: n // 2])
    assert codes(facts) == ["wrong-chunk"]


@pytest.mark.parametrize("n_missing", [60, 1_000, 16_000, 31_000])
def test_a_cut_file_is_refused(tmp_path: Path, n_missing: int) -> None:
    with pytest.raises(AudioError, match=f"truncated, {n_missing} bytes of samples"):
        load_audio(put(tmp_path, wav(DATA)[:-n_missing]))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_size_that_leaves_out_sound_is_refused(tmp_path: Path, share: float) -> None:
    with pytest.raises(AudioError, match=r"after its .* bytes of samples are neither"):
        load_audio(put(tmp_path, wav(DATA, int(len(DATA) * share) // 2 * 2)))


def test_a_few_bytes_behind_the_samples_are_said(tmp_path: Path) -> None:
    samples, facts = read_audio(put(tmp_path, wav(DATA) + b"\x01\x02 left by a player \x03"))
    assert np.array_equal(samples, HEARD)
    assert codes(facts) == ["extra-bytes"]


@pytest.mark.parametrize(
    "after",
    [
        chunk(b"LIST", b"INFOISFT\x04\0\0\0abc\0"),
        chunk(b"id3 ", b"odd"),
        chunk(b"id3 ", b"odd", pad=False) + chunk(b"LIST", b"INFO"),
        bytes(4_000),
        b"TAG".ljust(128),
        b"ID3\x04\0\0\0\0\0\x05title",
    ],
)
def test_what_is_known_behind_the_samples_needs_no_words(tmp_path: Path, after: bytes) -> None:
    samples, facts = read_audio(put(tmp_path, wav(DATA) + after))
    assert np.array_equal(samples, HEARD)
    assert codes(facts) == []


@pytest.mark.parametrize("name", [b"LIST", b"bext", b"JUNK", b"iXML"])
@pytest.mark.parametrize("n", [1, 5, 603])
def test_an_odd_chunk_with_or_without_its_pad_byte(tmp_path: Path, name: bytes, n: int) -> None:
    padded = put(tmp_path, wav(DATA, before=chunk(name, b"x" * n)), "padded.wav")
    bare = put(tmp_path, wav(DATA, before=chunk(name, b"x" * n, pad=False)), "bare.wav")
    assert np.array_equal(load_audio(padded), HEARD)
    assert np.array_equal(load_audio(bare), HEARD)
    assert codes(audio_facts(padded)) == []
    assert codes(audio_facts(bare)) == ["wrong-chunk"]


@pytest.mark.parametrize("size", [0xFFFF_FFFF, 0xFFFF_FFF0, 0x8000_0000, 0x7FFF_FFFF, len(DATA) * 2])
def test_a_chunk_whose_size_leads_nowhere_is_passed_over(tmp_path: Path, size: int) -> None:
    samples, facts = read_audio(put(tmp_path, wav(DATA, before=chunk(b"LIST", b"INFO", size))))
    assert np.array_equal(samples, HEARD)
    assert codes(facts) == ["wrong-chunk"]


def test_no_samples_at_all_are_refused(tmp_path: Path) -> None:
    for content in (wav(b""), wav(b"") + chunk(b"LIST", b"INFOabcd")):
        with pytest.raises(AudioError, match="0 s of audio"):
            load_audio(put(tmp_path, content))
    with pytest.raises(AudioError, match="header ends before any samples"):
        load_audio(put(tmp_path, b"RIFF\x24\0\0\0WAVE" + FORMAT))
    with pytest.raises(AudioError, match="does not say what its samples are"):
        load_audio(put(tmp_path, b"RIFF\x24\0\0\0WAVE" + chunk(b"data", DATA)))


@example(size=len(DATA) - 500, riff_size=0)
@given(size=st.integers(0, 2**32 - 1) | st.integers(0, 2 * len(DATA)), riff_size=st.integers(0, 2**32 - 1))
def test_whatever_sizes_say_sound_is_whole_or_refused(
    tmp_path_factory: pytest.TempPathFactory, size: int, riff_size: int
) -> None:
    path = put(tmp_path_factory.getbasetemp(), wav(DATA, size, riff_size))
    try:
        samples, facts = read_audio(path)
    except AudioError:
        return
    assert np.array_equal(samples, HEARD[: len(samples)])
    assert len(HEARD) - len(samples) <= 512
    assert len(samples) == len(HEARD) or "extra-bytes" in codes(facts)


def test_relatives_of_wav_hold_the_same_samples(tmp_path: Path) -> None:
    for kind, name in (("RF64", "a.wav"), ("WAVEX", "b.wav"), ("W64", "c.w64")):
        sf.write(tmp_path / name, SOUND, 16_000, format=kind)
        samples, facts = read_audio(tmp_path / name)
        assert np.array_equal(samples, HEARD), kind
        assert codes(facts) == [], kind
    sf.write(tmp_path / "x.wav", SOUND, 16_000, endian="BIG")
    assert (tmp_path / "x.wav").read_bytes()[:4] == b"RIFX"
    assert np.array_equal(load_audio(tmp_path / "x.wav"), HEARD)


@pytest.mark.parametrize("size", [0, 24, 2**63 - 1, 2**64 - 1])
def test_a_w64_of_open_length_is_read_to_the_end(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.w64"
    sf.write(path, SOUND, 16_000, format="W64")
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 16
    content[at : at + 8] = struct.pack("<Q", size)
    path.write_bytes(content)
    samples, facts = read_audio(path)
    assert np.array_equal(samples, HEARD)
    assert codes(facts) == ["open-length"]


def test_an_rf64_whose_long_size_was_never_filled_in_is_read_to_the_end(tmp_path: Path) -> None:
    ds64 = chunk(b"ds64", bytes(28))
    content = b"RF64\xff\xff\xff\xffWAVE" + ds64 + FORMAT + chunk(b"data", DATA, 0xFFFF_FFFF)
    samples, facts = read_audio(put(tmp_path, content))
    assert np.array_equal(samples, HEARD)
    assert codes(facts) == ["open-length"]


def test_24_bits_in_a_container_of_32_are_read(tmp_path: Path) -> None:
    guid = bytes.fromhex("0100000000001000800000aa00389b71")
    fmt = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 16_000, 64_000, 4, 32, 22, 24, 4) + guid
    data = (SOUND.astype("<i4") << 16).tobytes()
    body = b"WAVE" + chunk(b"fmt ", fmt) + chunk(b"data", data)
    samples = load_audio(put(tmp_path, b"RIFF" + struct.pack("<I", len(body)) + body))
    assert np.array_equal(samples, HEARD)


@pytest.mark.parametrize("subtype", ["GSM610", "G721_32", "NMS_ADPCM_16", "NMS_ADPCM_24", "NMS_ADPCM_32"])
def test_telephone_codecs_are_decoded_though_they_cannot_be_searched(tmp_path: Path, subtype: str) -> None:
    path = write(tmp_path / "a.wav", sine(8_000, 2.0), 8_000, subtype)
    whole = load_audio(path)
    assert len(whole) / 16_000 == pytest.approx(2.0, abs=0.05)
    assert loudest_hz(whole) == pytest.approx(440, abs=2)
    assert rms(whole) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)
    assert audio_facts(path).duration_s == len(whole) / 16_000
    part = load_audio(path, 0.5, 1.25)
    assert part.shape == (12_000,)
    assert np.abs(part[400:-400] - whole[8_000:20_000][400:-400]).max() < 1e-3  # resampled apart


def test_compressed_wav_under_an_open_length_is_read_to_the_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", sine(8_000), 8_000, "GSM610")
    whole = load_audio(path)
    content = bytearray(path.read_bytes())
    at = content.index(b"data") + 4
    content[at : at + 4] = b"\xff\xff\xff\xff"
    assert np.array_equal(load_audio(put(tmp_path, bytes(content), "b.wav")), whole)


def test_aiff_that_is_cut_or_followed_is_refused(tmp_path: Path) -> None:
    content = encoded(SOUND, "aiff")
    with pytest.raises(AudioError, match="truncated, 1000 bytes"):
        load_audio(put(tmp_path, content[:-1_000], "a.aiff"))
    with pytest.raises(AudioError, match="after its last chunk"):
        load_audio(put(tmp_path, content + content, "b.aiff"))
