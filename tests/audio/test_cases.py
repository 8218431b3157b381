"""Sound files that people really had, with what is right for each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ambivox.audio import audio_facts, read_audio
from ambivox.errors import AudioError
from tests.audio.sounds import codes

# file -> (seconds, cautions), or the error
CASES: dict[str, tuple[float, list[str]] | str] = {
    "chunkneg.wav": (2.276, ["wrong-chunk"]),
    "pipe_ffmpeg.wav": (2.276, ["open-length"]),
    "rate1.wav": "a sample rate of 1 Hz",
    "oggflip.ogg": "damaged, the Ogg page at byte 3446 does not fit its checksum",
    "concatenated_audio/cat.flac": (4.173, ["joined"]),
    "concatenated_audio/cat.mp3": (4.173, ["joined"]),
    "concatenated_audio/cat.ogg": (4.173, ["joined"]),
    "concatenated_audio/cat.opus": (4.173, ["joined"]),
    "float_wav_of_int16_values/float_int_range.wav": "its float samples reach 13390.6 where full scale is 1",
    "float_wav_of_int16_values/plain.wav": (2.135, []),
    "wav_gsm/gsm610.wav": (4.28, []),
    "wav_gsm/g721_32.wav": (4.275, []),
    "wav_gsm/nms_adpcm_16.wav": (4.28, []),
    "wav_open_length/plain.wav": (2.135, []),
    "wav_open_length/ffmpeg_pipe_ffffffff.wav": (2.135, ["open-length"]),
    "wav_open_length/sox_pipe_7ffff000.wav": (2.135, ["open-length"]),
    "wav_open_length/stream_7fffffff.wav": (2.135, ["open-length"]),
    "wav_placeholder_sizes/datasize_zero.wav": (2.135, ["open-length"]),
    "wav_placeholder_sizes/header_16_too_long.wav": (2.135, ["wrong-length"]),
    "wav_placeholder_sizes/pocket_2e9.wav": (2.135, ["wrong-length"]),
    "wav_unpadded_chunk/bext_odd.wav": (2.135, ["wrong-chunk"]),
    "wav_unpadded_chunk/odd_list_nopad.wav": (2.135, ["wrong-chunk"]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_read_or_refused_as_is_right(cases_dir: Path, name: str) -> None:
    expected = CASES[name]
    if isinstance(expected, str):
        with pytest.raises(AudioError, match=expected):
            audio_facts(cases_dir / name)
    else:
        facts = audio_facts(cases_dir / name)
        assert (round(facts.duration_s, 3), codes(facts)) == expected


def test_every_sound_file_among_the_cases_is_looked_at(cases_dir: Path) -> None:
    folders = [
        *(cases_dir / name for name in ("concatenated_audio", "float_wav_of_int16_values")),
        *cases_dir.glob("wav_*"),
    ]
    files = [
        *cases_dir.glob("*.wav"),
        *cases_dir.glob("*.ogg"),
        *(f for folder in folders for f in folder.iterdir()),
    ]
    found = {str(f.relative_to(cases_dir)) for f in files if f.suffix not in ("", ".csv")}
    assert found - {"wav_unpadded_chunk/plain.wav"} == set(CASES)


@pytest.mark.parametrize(
    "name", [name for name in CASES if name.startswith(("wav_open", "wav_place", "wav_unp"))]
)
def test_wavs_with_odd_headers_sound_as_the_plain_one(cases_dir: Path, name: str) -> None:
    samples, _ = read_audio(cases_dir / name)
    plain, _ = read_audio(cases_dir / "wav_open_length/plain.wav")
    assert np.array_equal(samples, plain)
