"""Damage is refused or said wherever a format lets it be known, and nothing but an AudioError comes out."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from ambivox.audio import audio_facts, load_audio, read_audio
from ambivox.errors import AudioError
from tests.audio.sounds import codes, encoded, speechlike

SOUND = speechlike(duration_s=2.5)
PAGE = b"OggS"


def put(folder: Path, content: bytes, name: str) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def flipped(content: bytes, seed: int) -> bytes:
    rng = random.Random(seed)
    at = rng.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :]


@pytest.mark.parametrize("ending", ["ogg", "opus", "flac"])
def test_one_flipped_bit_is_refused_or_changes_nothing(tmp_path: Path, ending: str) -> None:
    content = encoded(SOUND, ending)
    whole = load_audio(put(tmp_path, content, f"whole.{ending}"))
    refused = 0
    for seed in range(60):
        try:
            samples = load_audio(put(tmp_path, flipped(content, seed), f"{seed}.{ending}"))
        except AudioError:
            refused += 1
            continue
        assert np.array_equal(samples, whole), seed
    assert refused > 50


def test_an_ogg_page_that_is_missing_or_twice_there_is_refused(tmp_path: Path) -> None:
    content = encoded(speechlike(duration_s=8), "ogg")
    starts = [n for n in range(len(content)) if content.startswith(PAGE, n)]
    assert len(starts) > 4
    without = content[: starts[3]] + content[starts[4] :]
    twice = content[: starts[4]] + content[starts[3] :]
    for odd in (without, twice):
        with pytest.raises(AudioError, match="damaged, Ogg pages are missing"):
            load_audio(put(tmp_path, odd, "a.ogg"))


def test_an_ogg_whose_end_was_lost_before_another_begins_is_refused(tmp_path: Path) -> None:
    content = encoded(speechlike(duration_s=8), "ogg")
    cut = content[: content.rindex(PAGE)]
    with pytest.raises(AudioError, match="before the first ended"):
        load_audio(put(tmp_path, cut + content, "a.ogg"))


def flac_with_total(content: bytes, total: int) -> bytes:
    info = int.from_bytes(content[18:26], "big") & ~(2**36 - 1) | total
    return content[:18] + info.to_bytes(8, "big") + content[26:]


@pytest.mark.parametrize(
    ("total", "code"), [(0, "open-length"), (1_000, "wrong-length"), (39_999, "wrong-length")]
)
def test_a_flac_is_read_to_its_end_whatever_its_header_counts(tmp_path: Path, total: int, code: str) -> None:
    content = encoded(SOUND, "flac")
    samples, facts = read_audio(put(tmp_path, flac_with_total(content, total), "a.flac"))
    assert np.array_equal(samples, load_audio(put(tmp_path, content, "b.flac")))
    assert codes(facts) == [code]


def test_a_flac_that_counts_more_than_there_is_is_truncated(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="truncated"):
        load_audio(put(tmp_path, flac_with_total(encoded(SOUND, "flac"), 50_000), "a.flac"))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_piped_flac_that_is_cut_within_a_frame_is_truncated(tmp_path: Path, share: float) -> None:
    content = flac_with_total(encoded(SOUND, "flac"), 0)
    with pytest.raises(AudioError, match=r"truncated|after its last frame"):
        load_audio(put(tmp_path, content[: int(len(content) * share)], "a.flac"))


def test_a_piped_flac_that_lost_a_frame_header_is_refused(tmp_path: Path) -> None:
    content = bytearray(flac_with_total(encoded(SOUND, "flac"), 0))
    frames = [n for n in range(len(content) - 1) if content[n : n + 2] == b"\xff\xf8"]
    content[frames[4] + 4] ^= 0xFF
    with pytest.raises(AudioError, match="truncated"):
        load_audio(put(tmp_path, bytes(content), "a.flac"))


def test_a_lost_mp3_frame_is_said(tmp_path: Path) -> None:
    content = encoded(SOUND, "mp3").replace(b"Xing", bytes(4))
    at = content.index(content[:2], len(content) // 2)
    odd = content[:at] + b"\0" + content[at + 1 :]
    assert set(codes(audio_facts(put(tmp_path, odd, "a.mp3")))) == {"damaged"}


def test_an_mp3_that_is_mostly_something_else_is_refused(tmp_path: Path) -> None:
    content = encoded(SOUND, "mp3")
    junk = bytes(range(1, 200)) * 40
    with pytest.raises(AudioError, match=r"damaged, .* bytes are neither mp3 frames nor tags"):
        load_audio(put(tmp_path, content + junk, "a.mp3"))


def test_an_mp3_cut_out_of_a_stream_is_read_from_its_first_whole_frame(tmp_path: Path) -> None:
    content = encoded(SOUND, "mp3").replace(b"Xing", bytes(4))
    samples, facts = read_audio(put(tmp_path, content[1_000:], "a.mp3"))
    assert len(samples) > 2 * 16_000
    assert set(codes(facts)) == {"damaged"}


def test_the_mp3_decoder_prints_nothing_and_what_it_found_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = encoded(SOUND, "mp3")
    said = set()
    for seed in range(60):
        try:
            said.update(codes(audio_facts(put(tmp_path, flipped(content, seed), f"{seed}.mp3"))))
        except AudioError:
            continue
    assert "damaged" in said
    assert capfd.readouterr().err == ""


def test_what_others_print_while_an_mp3_is_decoded_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    import os

    from ambivox.audio.chatter import kept_chatter

    with kept_chatter() as faults:
        os.write(2, b"half done\n[src/libmpg123/layer3.c:12] error: so\nNote: junk\nall done\n")
        assert capfd.readouterr().err == ""
    assert faults == ["[src/libmpg123/layer3.c:12] error: so"]
    assert capfd.readouterr().err == "half done\nall done\n"


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "opus", "mp3", "aiff"])
def test_every_cut_is_an_audio_error_or_said(tmp_path: Path, ending: str) -> None:
    content = encoded(speechlike(duration_s=0.5), ending)
    for n in range(1, len(content) - 64, max(1, len(content) // 100)):
        path = put(tmp_path, content[:n], f"{n}.{ending}")
        with pytest.raises(AudioError):
            load_audio(path)


def spoiled(content: bytes, rng: random.Random) -> bytes:
    """The same with some bytes flipped, set, cut out or put in, most often near the beginning."""
    spoilt = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(spoilt) if rng.random() < 0.5 else min(len(spoilt), 100))
        how = rng.randrange(4)
        if how == 0:
            spoilt[at] ^= 1 << rng.randrange(8)
        elif how == 1:
            spoilt[at : at + 4] = rng.choice((b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", rng.randbytes(4)))
        elif how == 2:
            del spoilt[at : min(at + rng.randrange(1, 200), len(spoilt) - 1)]
        else:
            spoilt[at:at] = rng.randbytes(rng.randrange(1, 100))
    return bytes(spoilt)


@pytest.mark.parametrize(
    ("ending", "subtype"),
    [
        *(("wav", None), ("wav", "FLOAT"), ("wav", "GSM610"), ("wav", "IMA_ADPCM"), ("aiff", None)),
        *(("flac", None), ("ogg", None), ("opus", None), ("mp3", None)),
    ],
)
def test_files_spoilt_at_random_are_read_or_refused_in_one_line(
    tmp_path: Path, ending: str, subtype: str | None
) -> None:
    content = encoded(speechlike(duration_s=0.3), ending, subtype)
    rng = random.Random(0)
    refused = []
    for n in range(150):
        try:
            audio_facts(put(tmp_path, spoiled(content, rng), f"{n}.{ending}"))
        except AudioError as error:
            refused.append(str(error))
    assert len(refused) > 30
    assert not [line for line in refused if "\n" in line]
