"""What the samples themselves show is said, and clean speech is left in peace."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from ambivox.audio import AudioCaution, audio_facts, read_audio
from ambivox.errors import AudioError
from tests.audio.sounds import codes, encoded, sine, speechlike, write

SPEECH = speechlike(duration_s=2.0)
LOUD = 2 * SPEECH
INTEGERS = np.rint(32_767 * SPEECH)


def facts_of(folder: Path, samples: np.ndarray, subtype: str = "FLOAT", ending: str = "wav") -> list[str]:
    return codes(audio_facts(write(folder / f"a.{ending}", samples, subtype=subtype)))


# Scale


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_16_bit_values_in_floats_sound_as_if_scaled(tmp_path: Path, subtype: str) -> None:
    samples, facts = read_audio(write(tmp_path / "a.wav", INTEGERS, subtype=subtype))
    assert np.array_equal(samples, INTEGERS.astype("f4") / 32768)
    assert codes(facts) == ["whole-numbers"]


def test_a_quiet_segment_of_16_bit_values_in_floats_is_scaled_as_the_whole(tmp_path: Path) -> None:
    quiet = INTEGERS.copy()
    quiet[:8_000] = np.random.default_rng(0).integers(-1, 2, 8_000)
    samples, facts = read_audio(write(tmp_path / "a.wav", quiet, subtype="FLOAT"), 0, 0.5)
    assert np.abs(samples).max() == np.float32(1 / 32768)
    assert codes(facts) == ["whole-numbers", "near-silence"]


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(INTEGERS + 0.25, id="16-bit values that were resampled"),
        pytest.param(np.rint(2**23 * SPEECH), id="24-bit values"),
        pytest.param(np.rint(127 * SPEECH), id="8-bit values, or quiet 16-bit ones"),
        pytest.param(100 * SPEECH, id="percent"),
    ],
)
def test_floats_of_no_known_scale_are_refused(tmp_path: Path, samples: np.ndarray) -> None:
    with pytest.raises(AudioError, match=r"float samples reach .* where full scale is 1: divide"):
        facts_of(tmp_path, samples)


def test_overs_of_a_loud_mix_need_no_words_and_far_ones_do(tmp_path: Path) -> None:
    peak = np.abs(SPEECH).max()
    assert facts_of(tmp_path, 1.9 * SPEECH / peak) == []
    assert facts_of(tmp_path, 4 * SPEECH / peak) == ["over-full-scale"]


# Level


@pytest.mark.parametrize("value", [0.0, 0.25, -1.0])
@pytest.mark.parametrize(("ending", "subtype"), [("wav", "PCM_16"), ("flac", "PCM_16"), ("wav", "FLOAT")])
def test_the_same_value_throughout_is_silence(
    tmp_path: Path, value: float, ending: str, subtype: str
) -> None:
    facts = audio_facts(write(tmp_path / f"a.{ending}", np.full(16_000, value), subtype=subtype))
    assert facts.silent
    assert codes(facts) == []


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_near_silence_is_said(tmp_path: Path, subtype: str) -> None:
    hiss = 1e-4 * np.random.default_rng(0).standard_normal(16_000)
    assert facts_of(tmp_path, hiss, subtype) == ["near-silence"]
    assert facts_of(tmp_path, 0.05 * SPEECH, subtype) == []


def test_one_word_in_a_long_silence_is_not_near_silence(tmp_path: Path) -> None:
    assert facts_of(tmp_path, np.concatenate([np.zeros(160_000), 0.1 * SPEECH[:4_000]])) == []


@pytest.mark.parametrize("gain", [4, 20])
@pytest.mark.parametrize("level", [1.0, 0.4])
@pytest.mark.parametrize(("ending", "subtype"), [("wav", "PCM_16"), ("flac", "PCM_16"), ("wav", "FLOAT")])
def test_heavy_clipping_is_said_even_after_it_was_turned_down(
    tmp_path: Path, gain: float, level: float, ending: str, subtype: str
) -> None:
    clipped = level * np.clip(gain * SPEECH / np.abs(SPEECH).max(), -1, 1)
    assert facts_of(tmp_path, clipped, subtype, ending) == ["clipped"]


@pytest.mark.parametrize("ending", ["mp3", "ogg", "opus"])
def test_heavy_clipping_is_said_after_compression(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(encoded(np.clip(8 * SPEECH, -1, 1), ending))
    assert codes(audio_facts(path)) == ["clipped"]


def test_clipping_of_both_channels_at_different_times_is_said(tmp_path: Path) -> None:
    turns = np.zeros((32_000, 2))
    turns[:16_000, 0] = np.clip(40 * SPEECH[:16_000], -1, 1)
    turns[16_000:, 1] = np.clip(40 * SPEECH[16_000:], -1, 1)
    assert facts_of(tmp_path, turns, "PCM_16") == ["channels-differ", "clipped"]


def test_a_few_peaks_at_full_scale_need_no_words(tmp_path: Path) -> None:
    assert facts_of(tmp_path, np.clip(1.1 * SPEECH / np.abs(SPEECH).max(), -1, 1), "PCM_16") == []
    assert facts_of(tmp_path, sine(16_000, 1.0, 440, 0.999), "PCM_16") == []


@pytest.mark.parametrize("offset", [0.03, -0.4])
def test_an_offset_is_said(tmp_path: Path, offset: float) -> None:
    assert facts_of(tmp_path, SPEECH + offset, "PCM_16") == ["dc-offset"]
    assert facts_of(tmp_path, SPEECH + 0.002, "PCM_16") == []


def test_an_offset_does_not_hide_near_silence(tmp_path: Path) -> None:
    hiss = 0.2 + 1e-4 * np.random.default_rng(0).standard_normal(16_000)
    assert facts_of(tmp_path, hiss) == ["dc-offset", "near-silence"]


# Real speech


def test_real_clips_have_no_cautions(data_dir: Path) -> None:
    clips = [
        *sorted((data_dir / "crema-d/AudioWAV").glob("*.wav")),
        *sorted((data_dir / "emo-db/wav").glob("*.wav"))[::20],
        *sorted((data_dir / "ravdess/Actor_01").glob("*.flac"))[::5],
    ]
    assert len(clips) > 30
    assert {str(clip): codes(audio_facts(clip)) for clip in clips if audio_facts(clip).cautions} == {}


def test_a_caution_is_data(tmp_path: Path) -> None:
    (caution,) = audio_facts(write(tmp_path / "a.wav", SPEECH + 0.1)).cautions
    assert caution == AudioCaution("dc-offset", caution.text)
    with pytest.raises(FrozenInstanceError):
        caution.code = "clipped"  # type: ignore[misc]
