"""The facts about a sound are those of what is read, whoever asks."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from ambivox.audio import AudioFacts, audio_facts, load_audio, read_audio
from ambivox.errors import AudioError


@pytest.mark.parametrize(
    ("ending", "subtype"),
    [("wav", "PCM_16"), ("wav", "PCM_24"), ("wav", "FLOAT"), ("flac", None), ("ogg", None), ("aiff", None)],
)
@pytest.mark.parametrize(("rate_hz", "n_channels"), [(16_000, 1), (44_100, 2)])
def test_facts_say_what_was_decoded(
    tmp_path: Path, ending: str, subtype: str | None, rate_hz: int, n_channels: int
) -> None:
    path = tmp_path / f"a.{ending}"
    sound = 0.1 * np.random.default_rng(0).standard_normal((rate_hz // 2, 1))
    soundfile.write(path, np.repeat(sound, n_channels, axis=1), rate_hz, subtype=subtype)
    assert audio_facts(path) == AudioFacts(0.5, rate_hz, n_channels)
    samples, facts = read_audio(path)
    assert facts == audio_facts(path)
    assert len(samples) == 8_000


def test_facts_are_of_the_segment(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.concatenate([np.zeros(8_000), 0.1 * np.ones(8_000)]), 8_000)
    assert audio_facts(path, 0.25, 0.75) == AudioFacts(0.5, 8_000, 1, silent=True)
    assert not audio_facts(path, 0.5, 1.5).silent


def test_the_clips_of_emo_db_are_as_long_as_they_sound(data_dir: Path) -> None:
    for path in sorted((data_dir / "emo-db" / "wav").glob("*.wav"))[:10]:
        assert audio_facts(path).duration_s == len(load_audio(path)) / 16_000


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n",
        b"ID3 or whatever",
        b"RIFF\0\0\0\0WAVE",
    ],
)
def test_facts_are_refused_with_the_words_of_reading(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AudioError) as of_reading:
        load_audio(path)
    with pytest.raises(AudioError) as of_facts:
        audio_facts(path)
    assert str(of_facts.value) == str(of_reading.value)
