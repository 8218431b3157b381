"""The header of a sound file says what decoding it gives, and refuses what decoding refuses."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from ambivox.audio import AudioInfo, audio_info, load_audio
from ambivox.errors import AudioError


@pytest.mark.parametrize(
    ("ending", "subtype"),
    [("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "FLOAT"), ("flac", None), ("ogg", None), ("aiff", None)],
)
@pytest.mark.parametrize(("rate_hz", "n_channels"), [(16_000, 1), (44_100, 2)])
def test_the_header_says_what_decoding_gives(
    tmp_path: Path, ending: str, subtype: str | None, rate_hz: int, n_channels: int
) -> None:
    path = tmp_path / f"a.{ending}"
    soundfile.write(path, np.zeros((rate_hz // 2, n_channels)), rate_hz, subtype=subtype)
    assert audio_info(path) == AudioInfo(0.5, rate_hz, n_channels)
    assert len(load_audio(path)) == 8_000


def test_the_clips_of_emo_db_are_as_long_as_they_sound(data_dir: Path) -> None:
    for path in sorted((data_dir / "emo-db" / "wav").glob("*.wav"))[:10]:
        assert audio_info(path).duration_s == len(load_audio(path)) / 16_000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n", "git lfs pull"),
        (b"ID3 or whatever", "not sound that can be decoded"),
        (b"RIFF\0\0\0\0WAVE", "not sound that can be decoded"),
    ],
)
def test_what_cannot_be_heard_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AudioError, match=message):
        audio_info(path)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.zeros(16_000), 16_000)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(AudioError, match="truncated, 100 bytes"):
        audio_info(path)
