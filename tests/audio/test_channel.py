"""Which channel is heard: one by number, the average by name, or the average, with a caution."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from ambivox.audio import audio_digest, audio_facts, load_audio, read_audio
from ambivox.errors import AudioError
from tests.audio.sounds import codes, speechlike, write

CALLER, AGENT = speechlike(duration_s=2.0, seed=1), speechlike(duration_s=2.0, seed=2)


def stereo(folder: Path, left: np.ndarray, right: np.ndarray, name: str = "a.wav") -> Path:
    subtype = None if name.endswith("ogg") else "PCM_24"
    return write(folder / name, np.stack([left, right], axis=1), subtype=subtype)


@pytest.mark.parametrize("rate_hz", [16_000, 44_100])
@pytest.mark.parametrize("n_channels", [2, 6])
def test_a_channel_is_heard_alone(tmp_path: Path, rate_hz: int, n_channels: int) -> None:
    channels = np.stack([speechlike(rate_hz, seed=n) for n in range(n_channels)], axis=1)
    path = write(tmp_path / "a.wav", channels, rate_hz, "FLOAT")
    for n in range(n_channels):
        alone = write(tmp_path / f"{n}.wav", channels[:, n], rate_hz, "FLOAT")
        samples, facts = read_audio(path, channel=n)
        assert np.array_equal(samples, load_audio(alone))
        assert codes(facts) == []
        assert facts.n_channels == n_channels
    assert np.array_equal(load_audio(path, channel="mix"), load_audio(path))


@pytest.mark.parametrize(
    ("channel", "message"),
    [
        (2, "no channel 2: it has channels 0 to 1"),
        (-1, "channel -1: give a number from 0, or 'mix'"),
        (True, "channel True: give a number"),
        ("left", "channel 'left': give a number"),
        (0.0, r"channel 0\.0: give a number"),
    ],
)
def test_a_channel_that_is_not_there_is_one_line(tmp_path: Path, channel: object, message: str) -> None:
    with pytest.raises(AudioError, match=rf"a\.wav: {message}"):
        load_audio(stereo(tmp_path, CALLER, AGENT), channel=channel)  # type: ignore[arg-type]


def test_a_mono_file_has_channel_0_and_no_other(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", CALLER, subtype="FLOAT")
    for channel in (0, "mix"):
        assert np.array_equal(load_audio(path, channel=channel), CALLER)  # type: ignore[arg-type]
    with pytest.raises(AudioError, match="no channel 1: it has one channel, 0"):
        load_audio(path, channel=1)


@pytest.mark.parametrize(
    ("right", "code"),
    [
        pytest.param(CALLER, None, id="the same"),
        pytest.param(0.7 * CALLER, None, id="panned a little"),
        pytest.param(CALLER + 0.1 * AGENT, None, id="nearly the same"),
        pytest.param(AGENT, "channels-differ", id="two speakers"),
        pytest.param(0 * CALLER, "channels-differ", id="one of silence"),
        pytest.param(0.02 * AGENT, "channels-differ", id="crosstalk"),
        pytest.param(-0.7 * CALLER, "channels-cancel", id="opposite, not equal"),
    ],
)
def test_channels_that_differ_are_said_where_none_was_chosen(
    tmp_path: Path, right: np.ndarray, code: str | None
) -> None:
    path = stereo(tmp_path, CALLER, right)
    assert codes(audio_facts(path)) == ([code] if code else [])
    assert codes(audio_facts(path, channel=0)) == []
    cancels = [code] if code == "channels-cancel" else []
    assert codes(audio_facts(path, channel="mix")) == cancels


def test_channels_that_take_turns_are_said_in_a_segment_of_one_speaker(tmp_path: Path) -> None:
    path = stereo(tmp_path, np.append(CALLER, 0.001 * AGENT), np.append(0.001 * CALLER, AGENT))
    for segment in ((None, None), (0.0, 1.5), (2.5, 3.5)):
        assert codes(audio_facts(path, *segment)) == ["channels-differ"]


def test_a_common_offset_does_not_make_channels_alike(tmp_path: Path) -> None:
    assert codes(audio_facts(stereo(tmp_path, CALLER + 0.3, AGENT + 0.3))) == ["channels-differ", "dc-offset"]


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_channels_that_cancel_out_are_refused_until_one_is_chosen(tmp_path: Path, noise: float) -> None:
    path = stereo(tmp_path, CALLER, noise * AGENT - CALLER)
    with pytest.raises(AudioError, match="its 2 channels cancel out when averaged: choose a channel"):
        load_audio(path)
    assert codes(audio_facts(path, channel=0)) == []
    assert "channels-cancel" in codes(audio_facts(path, channel="mix"))


def test_many_microphones_do_not_cancel_out(tmp_path: Path) -> None:
    array = np.stack([speechlike(seed=n) for n in range(64)], axis=1)
    assert codes(audio_facts(write(tmp_path / "a.wav", array, subtype="FLOAT"))) == ["channels-differ"]


def test_too_many_channels_are_refused(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", np.zeros((1_600, 65)), 16_000)
    with pytest.raises(AudioError, match="65 channels, at most 64 are read"):
        load_audio(tmp_path / "a.wav")


def test_a_chosen_channel_of_silence_is_silent_and_the_other_is_not(tmp_path: Path) -> None:
    path = stereo(tmp_path, CALLER, 0 * CALLER)
    assert not audio_facts(path, channel=0).silent
    assert audio_facts(path, channel=1).silent


def test_channels_of_compressed_files(tmp_path: Path) -> None:
    path = stereo(tmp_path, CALLER, 0 * CALLER, "a.ogg")
    loud, quiet = load_audio(path, channel=0), load_audio(path, channel=1)
    assert np.abs(quiet).max() < 0.05 * np.abs(loud).max()


def test_digests_differ_by_channel(tmp_path: Path) -> None:
    path = stereo(tmp_path, CALLER, AGENT)
    assert len({audio_digest(path, channel=channel) for channel in (None, "mix", 0, 1)}) == 4
