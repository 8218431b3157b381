"""A recording whose segments are heard one after another."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from ambivox.audio import open_recording, read_audio
from ambivox.errors import AudioError

SEGMENTS = [(0.0, 1.0), (0.7, 1.7), (1.4, 2.4), (2.1, 3.0), (0.5, 0.75)]


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
@pytest.mark.parametrize(
    ("kind", "tolerance"),
    [("wav", 0), ("flac", 0), ("ogg", 0), ("mp3", 1e-6)],  # the mp3 decoder rounds by where it comes from
)
def test_segments_of_an_open_file_are_heard_as_each_alone(
    tmp_path: Path, rate_hz: int, kind: str, tolerance: float
) -> None:
    path = tmp_path / f"call.{kind}"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, (3 * rate_hz, 2)), rate_hz)
    heard = list(open_recording(path, channel=1).hear(SEGMENTS))
    assert [segment for segment, _ in heard] == SEGMENTS
    for (start_s, end_s), found in heard:
        assert not isinstance(found, AudioError)
        samples, facts = read_audio(path, start_s, end_s, channel=1)
        np.testing.assert_allclose(found[0], samples, rtol=0, atol=tolerance)
        assert found[1] == facts


def test_whole_numbers_in_a_float_file_are_scaled_in_every_segment(tmp_path: Path) -> None:
    loud = np.rint(np.random.default_rng(0).normal(0, 3_000, 24_000)).astype(np.float32)
    soundfile.write(tmp_path / "call.wav", loud, 8_000, subtype="FLOAT")
    for (start_s, end_s), found in open_recording(tmp_path / "call.wav").hear(SEGMENTS):
        assert not isinstance(found, AudioError)
        np.testing.assert_array_equal(found[0], read_audio(tmp_path / "call.wav", start_s, end_s)[0])
        assert [caution.code for caution in found[1].cautions] == ["whole-numbers"]


def test_a_sample_that_is_not_finite_is_the_fault_of_its_segment(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 24_000)
    noise[16_400] = np.nan
    soundfile.write(tmp_path / "call.wav", noise, 8_000, subtype="FLOAT")
    heard = [found for _, found in open_recording(tmp_path / "call.wav").hear(SEGMENTS)]
    assert [isinstance(found, AudioError) for found in heard] == [False, False, True, False, False]
    assert "a sample at 2.050 s is NaN or infinite" in str(heard[2])
