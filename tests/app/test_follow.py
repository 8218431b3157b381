"""A long recording: the windows of `ambivox.track`, told of now and then."""

from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

import ambivox
from ambivox.app.follow import AT_ONCE, Followed, follow
from ambivox.app.limits import Limits
from ambivox.errors import AmbivoxError
from ambivox.models import SpeechModel
from tests.app.conftest import CLIPS, Dying


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clips and a second of silence, 8 s or so."""
    path = tmp_path_factory.mktemp("recording") / "call.wav"
    clips = [sf.read(clip)[0] for clip in sorted(CLIPS.glob("1001_DFA_*.wav"))[:3]]
    sf.write(path, np.concatenate([*clips, np.zeros(16_000)]), 16_000)
    return path


def test_the_last_one_has_the_windows_of_track(mini: SpeechModel, recording: Path) -> None:
    *earlier, last = follow(recording, mini, window_s=1.0, hop_s=0.25)
    windows = list(ambivox.track(recording, mini, window_s=1.0, hop_s=0.25))
    assert len(windows) > AT_ONCE
    assert [one.to_dict() for one in last.windows] == [one.to_dict() for one in windows]
    assert [len(one.windows) for one in earlier] == list(range(AT_ONCE, len(windows) + 1, AT_ONCE))
    assert last.read_s == pytest.approx(last.length_s)
    assert "silent" in {one.status for one in last.windows}


@pytest.mark.parametrize(
    ("window_s", "hop_s", "said"),
    [
        (4.0, 0.0, "hop 0 s"),
        (-1.0, 1.0, "window -1 s"),
        (90.0, 1.0, "window 90 s: at most 60 s are heard at once here"),
        (1.0, 1e-5, "more than 10,000 windows"),
    ],
)
def test_windows_that_cannot_be_are_refused(
    mini: SpeechModel, recording: Path, window_s: float, hop_s: float, said: str
) -> None:
    with pytest.raises(AmbivoxError, match=said):
        next(follow(recording, mini, window_s=window_s, hop_s=hop_s))


def test_two_hours_are_refused_before_they_are_decoded(mini: SpeechModel, tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    sf.write(path, np.zeros(2 * 3600 * 4000, np.int16), 4000)
    with pytest.raises(AmbivoxError, match=r"^long\.flac: 7,200\.0 s, at most 3,600 s are taken here"):
        next(follow(path, mini))


def test_a_model_that_dies_is_one_line(mini: SpeechModel, recording: Path) -> None:
    with pytest.raises(AmbivoxError, match=r"^dying failed: TypeError: 'NoneType' object is not$"):
        list(follow(recording, Dying(mini, "dying")))


def test_a_text_file_is_refused_by_its_name_alone(mini: SpeechModel, tmp_path: Path) -> None:
    fake = tmp_path / "notes.wav"
    fake.write_text("dear diary")
    with pytest.raises(AmbivoxError, match=r"^notes\.wav: "):
        list(follow(fake, mini))


def test_a_limit_of_its_own_holds_for_recordings(mini: SpeechModel, recording: Path) -> None:
    assert isinstance(next(follow(recording, mini, limits=Limits(max_clip_s=5.0))), Followed)
    with pytest.raises(AmbivoxError, match="at most 5 s are taken here"):
        next(follow(recording, mini, limits=Limits(max_recording_s=5.0)))
