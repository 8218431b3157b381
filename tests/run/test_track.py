"""A window that slides over a recording: where it lies, what is asked, and what is not."""

import gc
import io
import itertools
import json
import logging
import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import entropy

import ambivox
from ambivox.audio import Recording
from ambivox.errors import AmbivoxError, UsageError
from ambivox.models import Reply, Request
from ambivox.testing import Listener, sound_of
from tests.run.toy import ToyModel

HAPPY = [0.05, 0.05, 0.1, 0.6, 0.15, 0.05]
ANGRY = [0.7, 0.05, 0.1, 0.05, 0.05, 0.05]

Recorded = Callable[..., Path]


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    """Write a recording of noise: ``recorded(seconds, rate_hz=8000, n_channels=1, name="call.wav")``."""

    def write(
        seconds: float, rate_hz: int = 8_000, n_channels: int = 1, name: str = "call.wav", **options: Any
    ) -> Path:
        noise = np.random.default_rng(0).normal(0, 0.1, (round(seconds * rate_hz), n_channels))
        soundfile.write(tmp_path / name, noise, rate_hz, **options)
        return tmp_path / name

    return write


def times(rows: Sequence[ambivox.WindowReading]) -> list[tuple[float, float]]:
    return [(row.start_s, row.end_s) for row in rows]


def test_windows_start_every_hop_and_the_last_ends_with_the_recording(recorded: Recorded) -> None:
    rows = list(ambivox.track(recorded(5.5), ToyModel(), window_s=2, hop_s=1))
    assert times(rows) == [(0, 2), (1, 3), (2, 4), (3, 5), (4, 5.5)]
    assert {row.status for row in rows} == {"improbable"}


def test_a_recording_that_is_shorter_than_a_window_is_one_window(recorded: Recorded) -> None:
    assert times(list(ambivox.track(recorded(1.5), ToyModel()))) == [(0, 1.5)]


@given(
    n_frames=st.integers(800, 400_000),
    rate_hz=st.sampled_from([8_000, 11_025, 16_000, 44_100]),
    window_s=st.floats(0.1, 30),
    share=st.floats(0.05, 1),
)
@settings(max_examples=200, deadline=None)
def test_windows_leave_no_gap_and_at_most_a_tenth_of_a_second_at_the_end(
    n_frames: int, rate_hz: int, window_s: float, share: float
) -> None:
    n_frames = max(n_frames, rate_hz // 10)
    found = list(Recording(Path("x"), None, rate_hz, n_frames, True).windows(window_s, window_s * share))
    frames = [(start * rate_hz, end * rate_hz) for start, end in found]
    assert frames[0][0] == 0
    np.testing.assert_allclose(frames, np.round(frames), atol=1e-6)
    assert all(later[0] <= earlier[1] + 1 for earlier, later in itertools.pairwise(frames))
    assert all(earlier[1] <= later[1] for earlier, later in itertools.pairwise(frames))
    assert 0 <= n_frames - round(frames[-1][1]) < rate_hz / 10
    for n, (start, end) in enumerate(frames):
        assert abs(start - n * window_s * share * rate_hz) <= 0.5 + 1e-6
        assert abs(end - min(start + window_s * rate_hz, n_frames)) <= 0.5 + 1e-6
        assert end - start >= min(window_s * rate_hz, rate_hz / 10) - 1


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("kind", ["wav", "float.wav", "flac", "ogg"])
def test_a_window_is_read_as_the_same_segment_alone(recorded: Recorded, rate_hz: int, kind: str) -> None:
    options = {"subtype": "FLOAT"} if kind == "float.wav" else {}
    path = recorded(3, rate_hz, n_channels=2, name=f"call.{kind}", **options)
    rows = list(ambivox.track(path, ToyModel(), window_s=1, hop_s=0.7, channel=1))
    assert len(rows) == 4
    for row in rows:
        alone = ambivox.read(path, ToyModel(), start_s=row.start_s, end_s=row.end_s, channel=1)
        reading = alone.readings["word/first"]
        np.testing.assert_array_equal(row.distribution, reading.distribution)
        assert (row.status, row.mass) == (reading.status, reading.mass)
        assert row.entropy_bits == pytest.approx(entropy(reading.distribution, base=2))


def test_a_change_of_emotion_is_seen_when_it_comes(tmp_path: Path) -> None:
    parts = [sound_of(HAPPY), sound_of(ANGRY)]
    length = min(map(len, parts))
    soundfile.write(
        tmp_path / "call.wav", np.concatenate([p[:length] for p in parts]), 16_000, subtype="FLOAT"
    )
    window_s = length / 16_000
    rows = list(ambivox.track(tmp_path / "call.wav", Listener(), window_s=window_s, hop_s=window_s))
    np.testing.assert_allclose([row.distribution for row in rows], [HAPPY, ANGRY], atol=0.02)


def test_windows_are_asked_together_one_prompt_each(recorded: Recorded) -> None:
    model = ToyModel()
    rows = list(ambivox.track(recorded(6), model, window_s=1, hop_s=1, batch_size=4))
    assert len(rows) == 6
    assert model.batches == [["call.wav"] * 4, ["call.wav"] * 2]


def test_another_prompt_is_read_as_it_suits_its_answers(recorded: Recorded) -> None:
    path = recorded(2)
    for prompt, readout in (("letter", "first"), ("dictionary", "expected")):
        [row] = ambivox.track(path, Listener(), prompt=prompt)
        alone = ambivox.read(path, Listener(), prompt=prompt, readouts=[readout])
        np.testing.assert_array_equal(row.distribution, alone.readings[f"{prompt}/{readout}"].distribution)


def test_what_stands_for_a_checkpoint_at_token_level_is_asked(recorded: Recorded, tmp_path: Path) -> None:
    (tmp_path / "reading.yaml").write_text("dictionary: [dictionary, expected]\nletter: [mean]\n")
    path = recorded(2)
    [row] = ambivox.track(path, ToyModel(name=str(tmp_path)))
    alone = ambivox.read(path, ToyModel(), prompt="letter", readouts=["mean"])
    np.testing.assert_array_equal(row.distribution, alone.readings["letter/mean"].distribution)


def test_a_checkpoint_without_a_token_level_needs_a_prompt(recorded: Recorded, tmp_path: Path) -> None:
    (tmp_path / "reading.yaml").write_text("dictionary: [dictionary]\n")
    with pytest.raises(UsageError, match="name a prompt"):
        ambivox.track(recorded(2), ToyModel(name=str(tmp_path)))


@pytest.mark.parametrize(
    ("quiet", "silent"),
    [(np.zeros(8_000), True), (np.full(8_000, 0.2), True), ("-62 dB", True), ("-58 dB", False)],
    ids=["digital silence", "an offset alone", "-62 dB", "-58 dB"],
)
def test_nothing_is_asked_about_a_window_below_60_db(
    tmp_path: Path, quiet: NDArray[Any] | str, silent: bool
) -> None:
    if isinstance(quiet, str):  # a tone, whose level is the same in every 25 ms
        level = 10 ** (float(quiet.split()[0]) / 20) * np.sqrt(2)
        quiet = level * np.sin(2 * np.pi * 440 * np.arange(8_000) / 8_000)
    noise = np.random.default_rng(0).normal(0, 0.1, 8_000)
    soundfile.write(tmp_path / "call.wav", np.concatenate([noise, quiet, noise]), 8_000, subtype="FLOAT")
    model = ToyModel()
    rows = list(ambivox.track(tmp_path / "call.wav", model, window_s=1, hop_s=1))
    assert [row.status for row in rows] == ["improbable", "silent" if silent else "improbable", "improbable"]
    assert sum(map(len, model.batches)) == (2 if silent else 3)
    if silent:
        assert (rows[1].distribution, rows[1].mass, rows[1].entropy_bits) == (None, None, None)


def test_a_recording_of_silence_asks_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "call.wav", np.zeros(40_000), 8_000)
    model = ToyModel()
    assert {row.status for row in ambivox.track(tmp_path / "call.wav", model)} == {"silent"}
    assert model.batches == []


def test_channels_that_differ_are_said_where_none_was_chosen(recorded: Recorded) -> None:
    path = recorded(2, n_channels=2)
    [row] = ambivox.track(path, ToyModel())
    assert row.to_dict()["cautions"] == ["channels-differ"]
    [row] = ambivox.track(path, ToyModel(), channel=0)
    assert row.cautions == ()


def test_a_window_that_cannot_be_heard_costs_the_others_nothing(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (24_000, 2))
    noise[8_000:16_000, 1] = -noise[8_000:16_000, 0]
    soundfile.write(tmp_path / "call.wav", noise, 8_000)
    rows = list(ambivox.track(tmp_path / "call.wav", ToyModel(), window_s=1, hop_s=1))
    assert [row.status for row in rows] == ["improbable", "failed", "improbable"]
    assert "cancel out" in rows[1].reading.note


def test_a_window_on_which_the_model_fails_is_failed(recorded: Recorded) -> None:
    [row] = ambivox.track(recorded(2), ToyModel(fails_on=("call.wav",)))
    assert (row.status, row.distribution) == ("failed", None)
    assert "cannot digest" in row.reading.note


@pytest.mark.parametrize("name", ["call.wav", "call.flac", "call.mp3"])
def test_sound_is_decoded_when_it_is_asked_for(
    recorded: Recorded, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []
    original = soundfile.SoundFile.read

    def count(self: soundfile.SoundFile, frames: int = -1, *rest: Any, **options: Any) -> Any:
        decoded.append(frames)
        return original(self, frames, *rest, **options)

    path = recorded(120, name=name)
    monkeypatch.setattr(soundfile.SoundFile, "read", count)
    rows = ambivox.track(path, ToyModel(), window_s=4, hop_s=1, batch_size=4)
    assert decoded == []
    next(rows)
    assert 4 <= len(decoded) <= 16
    assert max(decoded) == 4 * 8_000


def test_memory_does_not_grow_with_the_recording(recorded: Recorded) -> None:
    def peak(seconds: float) -> int:
        path = recorded(seconds, n_channels=2)
        rows = ambivox.track(path, Constant(), window_s=4, hop_s=4, channel=0, batch_size=4)
        tracemalloc.start()
        try:
            for _ in rows:
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(20)  # what is imported and cached once
    assert peak(600) < peak(60) + 200_000  # ten minutes of one channel are 19 MB


class Constant(ToyModel):
    """Says the same of everything, at once."""

    reply: Reply | None = None

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        self.reply = self.reply or self._reply(requests[0])
        return [self.reply] * len(requests)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"window_s": 0}, "window 0 s: give seconds, more than 0"),
        ({"window_s": float("nan")}, "window nan s"),
        ({"window_s": float("inf")}, "window inf s"),
        ({"window_s": 0.05}, "window 0.05 s: at least 0.1 s is needed"),
        ({"window_s": 10.5}, "window 10.5 s: toy hears at most 10 s"),
        ({"hop_s": 0}, "hop 0 s: give seconds, more than 0"),
        ({"hop_s": -1}, "hop -1 s"),
        ({"hop_s": 1e-6}, "hop 1e-06 s: shorter than a frame"),
        ({"channel": 2}, "no channel 2: it has channels 0 to 1"),
        ({"channel": -1}, "channel -1: give a number from 0"),
        ({"prompt": "wrod"}, "did you mean 'word'"),
        ({"emotions": "cremad7"}, "did you mean 'cremad6'"),
        ({"batch_size": 0}, "batch_size 0"),
    ],
)
def test_what_cannot_be_tracked_is_one_line_before_any_window(
    recorded: Recorded, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(AmbivoxError) as raised:
        ambivox.track(recorded(2, n_channels=2), ToyModel(), **options)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        (b"", "an empty file"),
        (b"no sound at all", "call.wav: "),
    ],
)
def test_what_is_no_recording_is_one_line_before_the_model_loads(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "call.wav"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AmbivoxError, match=said) as raised:
        ambivox.track(path, "no/model-of-this-name")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("seconds", [0, 0.05])
def test_a_recording_with_next_to_no_sound_is_one_line(recorded: Recorded, seconds: float) -> None:
    with pytest.raises(AmbivoxError, match=r"call\.wav: .*(at least 0\.1 s is needed|no samples)"):
        ambivox.track(recorded(seconds), "no/model-of-this-name")


def test_a_file_that_was_cut_off_is_one_line(recorded: Recorded) -> None:
    path = recorded(60)
    path.write_bytes(path.read_bytes()[:-50_000])
    with pytest.raises(AmbivoxError, match="truncated"):
        ambivox.track(path, ToyModel())


def test_a_file_that_ends_while_it_is_read_is_one_line_after_the_windows_before(recorded: Recorded) -> None:
    path = recorded(60)
    rows = ambivox.track(path, ToyModel(), batch_size=1)
    assert next(rows).status == "improbable"
    with path.open("r+b") as file:
        file.truncate(200_000)
    seen = []
    with pytest.raises(AmbivoxError, match="truncated") as raised:
        seen.extend(rows)
    assert "\n" not in str(raised.value)


def test_gaps_between_windows_are_warned_about(
    recorded: Recorded, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What another library does to logging in this process is none of this test's business.
    for name in ("ambivox", "ambivox.run.track"):
        monkeypatch.setattr(logging.getLogger(name), "disabled", False)
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)
    caplog.set_level(logging.WARNING, logger="ambivox.run.track")
    rows = list(ambivox.track(recorded(4), ToyModel(), window_s=0.5, hop_s=1.5))
    assert times(rows) == [(0, 0.5), (1.5, 2), (3, 3.5)]
    assert caplog.messages == ["hop 1.5 s is longer than the window: 1 s between windows are not heard"]


def test_a_window_can_be_written_as_json(recorded: Recorded) -> None:
    [row] = ambivox.track(recorded(2), ToyModel())
    written = json.loads(json.dumps(row.to_dict()))
    assert (written["start_s"], written["end_s"], written["status"]) == (0, 2, row.status)
    assert list(written["distribution"].values()) == row.distribution.tolist()  # type: ignore[union-attr]
    assert list(written["distribution"]) == list(row.labels)
    assert (written["mass"], written["entropy_bits"]) == (row.mass, row.entropy_bits)


@pytest.mark.parametrize("kind", ["array", "bytes", "file"])
def test_a_recording_that_is_no_path_is_read_as_its_file(
    recorded: Recorded, kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = recorded(5, n_channels=2, name="call.flac")
    samples, rate_hz = soundfile.read(path, dtype="int16")
    given = {"array": samples, "bytes": path.read_bytes(), "file": io.BytesIO(path.read_bytes())}[kind]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    rows = ambivox.track(
        given, ToyModel(), window_s=2, hop_s=1, channel=1, rate_hz=rate_hz if kind == "array" else None
    )
    assert [row.to_dict() for row in rows] == [
        row.to_dict() for row in ambivox.track(path, ToyModel(), window_s=2, hop_s=1, channel=1)
    ]
    del rows
    gc.collect()
    assert not list(tmp_path.glob("ambivox-*"))


@pytest.mark.parametrize(
    ("samples", "options", "said"),
    [
        (np.zeros(8_000), {}, "recording: an array does not say its rate: give rate_hz"),
        (np.zeros(8_000), {"rate_hz": 3}, "rate_hz 3: give a whole number from"),
        (np.full(8_000, np.nan), {"rate_hz": 8_000}, "recording: a sample at 0.000 s is NaN or infinite"),
        (np.zeros(8_000, int), {"rate_hz": 8_000}, "recording: samples of type int64: give floats"),
        (np.zeros(0), {"rate_hz": 8_000}, "recording: no samples"),
        (np.zeros((8_000, 2)), {"rate_hz": 8_000, "channel": 2}, "recording: no channel 2"),
        (np.zeros(400), {"rate_hz": 8_000}, "recording: 0.05 s of audio, at least 0.1 s is needed"),
        (b"", {}, "recording: an empty file"),
        (b"no sound", {}, "recording: "),
        (io.StringIO("text"), {}, "recording: a file opened for text"),
        ([0.0] * 8_000, {}, "recording: list is not a clip"),
        ("call.wav", {"rate_hz": 8_000}, "call.wav: rate_hz is for arrays"),
    ],
)
def test_what_is_given_and_is_no_recording_is_one_line(
    samples: Any, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(AmbivoxError) as raised:
        ambivox.track(samples, ToyModel(), **options)
    assert str(raised.value).startswith(said)
    assert "\n" not in str(raised.value)


class OneAtATime(ToyModel):
    """Fails where two threads are in it."""

    inside = 0

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        self.inside += 1
        replies = super().generate(requests)
        assert self.inside == 1, "two threads at a time"
        self.inside -= 1
        return replies


@pytest.mark.parametrize("name", ["call.wav", "call.mp3"])
def test_eight_threads_track_as_one_does(recorded: Recorded, name: str) -> None:
    path = recorded(6, name=name)
    alone = [row.distribution for row in ambivox.track(path, ToyModel())]
    model = OneAtATime()
    with ThreadPoolExecutor(8) as pool:
        together = list(
            pool.map(lambda _: [row.distribution for row in ambivox.track(path, model)], range(8))
        )
    for found in together:
        np.testing.assert_array_equal(found, alone)
