"""Reading clips: which prompts are asked, together, and what comes back."""

import io
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

import ambivox
from ambivox.errors import AmbivoxError, UsageError
from ambivox.models.default_reading import default_reading
from ambivox.readouts import load_readouts
from ambivox.testing import Listener, sound_of
from tests.run.toy import ToyModel

TRUE = [0.4, 0.05, 0.25, 0.1, 0.15, 0.05]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "voice.wav"
    soundfile.write(path, sound_of(TRUE), 16_000, subtype="FLOAT")
    return path


def test_both_levels_and_the_numbers_nearly_printed_are_read_in_one_batch(clip: Path) -> None:
    model = ToyModel()
    answer = ambivox.read(clip, model)
    assert list(answer.readings) == ["dictionary/dictionary", "dictionary/expected", "word/first"]
    assert model.batches == [["voice.wav"] * 2]


def test_each_reading_is_what_its_prompt_alone_would_give(clip: Path) -> None:
    both = ambivox.read(clip, Listener())
    for name, reading in both.readings.items():
        prompt, _, readout = name.partition("/")
        alone = ambivox.read(clip, Listener(), prompt=prompt, readouts=[readout]).readings[name]
        np.testing.assert_array_equal(reading.distribution, alone.distribution)
        assert reading.mass == alone.mass
    np.testing.assert_allclose(both.readings["word/first"].distribution, TRUE, atol=0.01)


def test_a_prompt_that_is_named_is_read_in_all_usual_ways(clip: Path) -> None:
    answer = ambivox.read(clip, Listener(), prompt="word")
    assert list(answer.answers) == ["word"]
    assert {"word/label", "word/first", "word/mean", "word/sequence"} <= answer.readings.keys()


def test_a_result_can_be_written_as_json(clip: Path) -> None:
    answer = ambivox.read(clip, Listener())
    written = json.loads(json.dumps(answer.to_dict()))
    first = written["answers"]["word"]["readings"]["first"]
    assert first["distribution"] == dict(
        zip(written["labels"], answer.readings["word/first"].distribution.tolist(), strict=True)
    )
    assert (first["level"], first["mass"]) == ("token", answer.readings["word/first"].mass)


@pytest.mark.parametrize(
    ("prompt", "said"), [((), "no prompt"), (["word", "word"], "given twice"), ("wrod", "did you mean")]
)
def test_a_prompt_that_cannot_be_asked_is_an_error_before_the_model_loads(
    clip: Path, prompt: str | Sequence[str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        ambivox.read(clip, "no/model-of-this-name", prompt=prompt)


def test_a_checkpoint_says_what_stands_for_it(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "reading.yaml").write_text("letter: [first, label]\n")
    assert default_reading(str(tmp_path)) == {"letter": ("first", "label")}
    answer = ambivox.read(clip, ToyModel(name=str(tmp_path)))
    assert list(answer.readings) == ["letter/first", "letter/label"]


@pytest.mark.parametrize("text", ["../secret.yaml: [first]", "word: first", "word: []", "{}"])
def test_a_checkpoint_cannot_name_files_or_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "reading.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"reading\.yaml"):
        default_reading(str(tmp_path))


def test_whisper_is_known_by_the_name_of_its_engine_or_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "whisper"}')
    for name in (str(tmp_path), "whisper:openai/whisper-tiny"):
        assert default_reading(name) == {"sentence": ("sequence",)}


def test_a_model_that_takes_sentences_only_is_asked_nothing_else(clip: Path) -> None:
    model = ToyModel()
    model.formats = ("sentence",)
    with pytest.raises(UsageError, match=r"format 'word'.*ask with sentence"):
        ambivox.read(clip, model, prompt="word")


def test_mini_is_read_as_any_model_on_both_levels() -> None:
    assert default_reading("mini") == default_reading("org/name")
    levels = [[r.level for r in load_readouts(each)] for each in default_reading("mini").values()]
    assert levels == [["text", "token"], ["token"]]


def first(answer: ambivox.ClipReading) -> Any:
    return answer.readings["word/first"].distribution


@pytest.mark.parametrize("kind", ["str", "bytes", "open file", "in memory"])
def test_a_file_is_read_the_same_however_it_is_given(clip: Path, kind: str) -> None:
    given: Any = {
        "str": lambda: str(clip),
        "bytes": clip.read_bytes,
        "open file": lambda: clip.open("rb"),
        "in memory": lambda: io.BytesIO(clip.read_bytes()),
    }[kind]()
    answer = ambivox.read(given, ToyModel())
    if kind == "open file":
        given.close()
    np.testing.assert_array_equal(first(answer), first(ambivox.read(clip, ToyModel())))


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_samples_are_read_as_the_file_that_holds_them(tmp_path: Path, rate_hz: int, dtype: str) -> None:
    samples: Any = np.random.default_rng(0).normal(0, 0.1, rate_hz // 2)
    samples = (samples * 32_768).astype("int16") if dtype == "int16" else samples.astype(dtype)
    subtype = {"float32": "FLOAT", "float64": "DOUBLE", "int16": "PCM_16"}[dtype]
    soundfile.write(tmp_path / "same.wav", samples, rate_hz, subtype=subtype)
    given = ambivox.read(samples, ToyModel(), rate_hz=rate_hz)
    np.testing.assert_array_equal(first(given), first(ambivox.read(tmp_path / "same.wav", ToyModel())))
    assert (given.clip, given.record.asked.clip.path) == ("clip", "clip")


def test_a_channel_of_an_array_is_chosen_as_of_a_file() -> None:
    channels = np.random.default_rng(0).normal(0, 0.1, (8_000, 2))
    second = ambivox.read(channels[:, 1], ToyModel(), rate_hz=16_000)
    chosen = ambivox.read(channels, ToyModel(), rate_hz=16_000, channel=1)
    np.testing.assert_array_equal(first(chosen), first(second))
    averaged = ambivox.read(channels, ToyModel(), rate_hz=16_000)
    assert [caution.code for caution in averaged.record.sound.cautions] == ["channels-differ"]


NOISE = np.random.default_rng(0).normal(0, 0.1, 8_000)


@pytest.mark.parametrize(
    ("clip", "rate_hz", "said"),
    [
        (NOISE, None, "clip: an array does not say its rate: give rate_hz"),
        (NOISE.astype("int32"), 16_000, "clip: samples of type int32: give floats"),
        (NOISE > 0, 16_000, "clip: samples of type bool"),
        (np.array([]), 16_000, "clip: no samples"),
        (np.zeros((4, 2, 2)), 16_000, "clip: an array of 3 dimensions"),
        (np.tile(NOISE, (2, 1)), 16_000, "transpose it to"),
        (np.where(np.arange(8_000) == 800, np.nan, NOISE), 16_000, "a sample at 0.050 s is NaN or infinite"),
        (NOISE[:100], 16_000, "clip: 0.00625 s of audio, at least 0.1 s is needed"),
        (NOISE * 1000, 16_000, "where full scale is 1"),
        (b"", None, "clip: "),
        (b"no sound at all", None, "clip: "),
        (io.StringIO("text"), None, "open it as bytes"),
        (3, None, "int is not a clip"),
    ],
)
def test_what_is_not_sound_is_one_line_alone_and_a_result_in_a_list(
    clip: Any, rate_hz: int | None, said: str
) -> None:
    with pytest.raises(AmbivoxError) as raised:
        ambivox.read(clip, ToyModel(), rate_hz=rate_hz)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert os.sep not in str(raised.value)
    if hasattr(clip, "seek"):
        clip.seek(0)
    [result] = ambivox.read([clip], ToyModel(), rate_hz=rate_hz)
    assert result.error is not None
    assert result.error.text == str(raised.value).replace("clip:", "clip 0:", 1)
    assert {reading.status for reading in result.readings.values()} == {"failed"}
    assert result.to_dict()["error"]["code"] == "clip"


def test_the_rate_of_a_file_is_not_for_the_caller_to_say(clip: Path) -> None:
    with pytest.raises(AmbivoxError, match=r"voice\.wav: rate_hz is for arrays"):
        ambivox.read(clip, ToyModel(), rate_hz=16_000)


@pytest.mark.parametrize("rate_hz", [0, -1, 8000.5, float("nan"), float("inf"), 10**9, "16k"])
def test_a_rate_that_sound_has_not_is_refused(rate_hz: Any) -> None:
    with pytest.raises(UsageError, match="rate_hz"):
        ambivox.read(NOISE, ToyModel(), rate_hz=rate_hz)


def test_a_list_is_asked_about_together_and_a_clip_that_fails_costs_the_others_nothing(
    clip: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.wav"
    soundfile.write(other, NOISE, 16_000)
    model = ToyModel()
    results = ambivox.read([clip, tmp_path / "gone.wav", other], model)
    assert model.batches == [["voice.wav"] * 2 + ["other.wav"] * 2]
    assert [result.clip for result in results] == [str(clip), str(tmp_path / "gone.wav"), str(other)]
    assert [result.error is None for result in results] == [True, False, True]
    np.testing.assert_array_equal(first(results[2]), first(ambivox.read(other, ToyModel())))
    assert ambivox.read([], model) == []


def test_a_clip_on_which_the_model_fails_is_a_result_with_its_error(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "sick.wav").write_bytes(clip.read_bytes())
    sick, well = ambivox.read([tmp_path / "sick.wav", clip], ToyModel(fails_on=("sick.wav",)))
    assert sick.error is not None
    assert sick.error.code == "model"
    assert well.error is None


def test_results_of_an_iterator_come_out_as_clips_go_in() -> None:
    taken = []

    def clips() -> Iterator[Any]:
        for n in range(4):
            taken.append(n)
            yield NOISE * (n + 1) / 10

    results = ambivox.read(clips(), ToyModel(), rate_hz=16_000, batch_size=2)
    assert taken == []
    assert next(results).clip == "clip 0"
    assert taken == [0, 1]
    assert [result.clip for result in results] == ["clip 1", "clip 2", "clip 3"]


def test_a_stream_that_ends_in_an_error_is_answered_up_to_it(clip: Path) -> None:
    def microphone() -> Iterator[Path]:
        yield clip
        yield clip
        raise ConnectionError("the call was cut")

    results = []
    with pytest.raises(ConnectionError, match="the call was cut"):
        results.extend(ambivox.read(microphone(), ToyModel(), batch_size=16))
    assert [result.error for result in results] == [None, None]


def test_no_clips_are_no_results() -> None:
    assert ambivox.read([], ToyModel()) == []
    assert list(ambivox.read(iter([]), ToyModel())) == []


@pytest.mark.parametrize(("options", "said"), [({}, "no such file"), ({"end_s": 99}, "is outside the file")])
def test_a_clip_that_cannot_be_heard_is_told_before_the_model_loads(
    clip: Path, options: dict[str, Any], said: str
) -> None:
    path = clip if options else clip.with_name("gone.wav")
    with pytest.raises(AmbivoxError, match=said) as raised:
        ambivox.read(path, "no/model-of-this-name", **options)
    assert raised.value.exit_code == 1


def test_silence_is_not_an_error() -> None:
    result = ambivox.read(np.zeros(8_000), ToyModel(), rate_hz=16_000)
    assert result.error is None
    assert {reading.status for reading in result.readings.values()} == {"silent"}


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ambivox.read([NOISE, b"no sound"], ToyModel(), rate_hz=16_000)
    assert list(tmp_path.iterdir()) == []


class OneAtATime(ToyModel):
    """Fails where two threads are in it."""

    inside = 0

    def generate(self, requests: Sequence[Any]) -> Any:
        self.inside += 1
        replies = super().generate(requests)
        assert self.inside == 1, "two threads at a time"
        self.inside -= 1
        return replies


def test_eight_threads_get_what_one_gets() -> None:
    clips = [np.random.default_rng(n).normal(0, 0.1, 8_000) for n in range(32)]
    one_by_one = [first(ambivox.read(clip, ToyModel(), rate_hz=16_000)) for clip in clips]
    model = OneAtATime()
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda clip: first(ambivox.read(clip, model, rate_hz=16_000)), clips))
    np.testing.assert_array_equal(together, one_by_one)


def test_mini_answers_eight_threads_as_one() -> None:
    pytest.importorskip("torch")
    paths = sorted((Path(__file__).parents[2] / "examples" / "crema-d" / "AudioWAV").glob("*.wav"))[:3]
    model = ambivox.load_model("mini")
    one_by_one = [first(ambivox.read(path, model)) for path in paths]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda path: first(ambivox.read(path, model)), paths))
    np.testing.assert_allclose(together, one_by_one, atol=1e-4)


def test_device_and_dtype_go_to_a_model_that_is_loaded_by_name(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def load(_: str, **options: Any) -> ToyModel:
        given.update(options)
        return ToyModel()

    monkeypatch.setitem(ambivox.models.MODELS._items, "toy", load)
    ambivox.read(clip, "toy", device="cpu", dtype="float32")
    assert given == {"device": "cpu", "dtype": "float32"}
    with pytest.raises(UsageError, match="loaded already"):
        ambivox.read(clip, ToyModel(), device="cpu")
