"""Answers of services, in the form of their public documentation, as shares or bounds of shares."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.corpora import load_crema_d
from ambivox.emotions import load_emotions
from ambivox.errors import UsageError
from ambivox.scoring import RowKey, ScoringOptions, score_predictions_file
from ambivox.scoring.service_answers import ServiceAnswer, read_answers

FOUR = load_emotions("iemocap4")
SIX = load_emotions("cremad6")
CORPUS = load_crema_d(Path(__file__).parents[2] / "examples" / "crema-d", votes="voice")


def behavioral_signals(**posteriors: float) -> dict[str, Any]:
    told = [{"label": label, "posterior": str(p)} for label, p in posteriors.items()]
    return {
        "pid": 0,
        "results": [
            {
                "id": "0",
                "startTime": "0.2",
                "endTime": "7.6",
                "task": "gender",
                "prediction": [{"label": "male"}],
            },
            {"id": "0", "startTime": "0.2", "endTime": "7.6", "task": "emotion", "prediction": told},
        ],
    }


def hume(*windows: dict[str, float]) -> dict[str, Any]:
    return {
        "measurements": [
            {
                "audio_start_ms": 0,
                "audio_end_ms": 1000,
                "expressions": [{"name": name, "probability": p} for name, p in window.items()],
                "voice_attributes": [{"name": "clear", "probability": 0.9}],
            }
            for window in windows
        ]
    }


def hume_batch(file: str, *segments: tuple[float, dict[str, float]]) -> dict[str, Any]:
    predictions = [
        {
            "time": {"begin": 1.0, "end": 1.0 + length},
            "emotions": [{"name": name, "score": score} for name, score in scores.items()],
        }
        for length, scores in segments
    ]
    prosody = {"grouped_predictions": [{"id": "unknown", "predictions": predictions}]}
    return {"file": file, "models": {"prosody": prosody}}


def read_one(tmp_path: Path, answer: Any, emotions: Any = FOUR) -> ServiceAnswer:
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({"a": answer}), "utf-8")
    return read_answers(path, emotions)["a"]


def test_posteriors_that_sum_to_one_are_the_shares(tmp_path: Path) -> None:
    found = read_one(tmp_path, behavioral_signals(angry=0.5, sad=0.2, neutral=0.2, happy=0.1))
    assert found.status == "ok"
    np.testing.assert_allclose(found.p, [0.2, 0.1, 0.5, 0.2])


def test_scores_of_names_are_divided_by_their_sum_and_said_to_be(tmp_path: Path) -> None:
    scores = {"Anger": 0.4, "Joy": 0.2, "Sadness": 0.1, "Neutrality": 0.1, "Awe": 0.9}
    found = read_one(tmp_path, hume_batch("a.wav", (2.0, scores)))
    assert found.status == "renormalised"
    np.testing.assert_allclose(found.p, [0.125, 0.25, 0.5, 0.125])


def test_segments_count_by_their_length(tmp_path: Path) -> None:
    loud, calm = ({"anger": a, "joy": 0.0, "sadness": 0.0, "neutral": 1 - a} for a in (1.0, 0.0))
    found = read_one(tmp_path, hume_batch("a.wav", (3.0, loud), (1.0, calm)))
    np.testing.assert_allclose(found.p, [0.25, 0, 0.75, 0])


def test_a_service_without_a_score_for_a_label_is_refused_and_not_read_as_zero(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no score for 'neutral' of iemocap4: name an emotion set"):
        read_one(tmp_path, hume_batch("a.wav", (1.0, {"Anger": 0.5, "Joy": 0.3, "Sadness": 0.2})))


def test_names_below_a_cutoff_are_bounded_and_not_zero(tmp_path: Path) -> None:
    found = read_one(tmp_path, hume({"anger": 0.6, "sadness": 0.3, "amusement": 0.2}))
    assert found.status == "bounded"
    assert np.isnan(found.p).all()
    neutral, happy, angry, sad = zip(found.lower, found.upper, strict=True)
    assert neutral == happy == (0.0, pytest.approx(0.2 / 1.1))
    assert angry == (pytest.approx(0.6 / 1.3), pytest.approx(0.6 / 0.9))
    assert sad == (pytest.approx(0.3 / 1.3), pytest.approx(0.3 / 0.9))


def test_a_cutoff_so_low_that_it_does_not_matter_leaves_a_distribution(tmp_path: Path) -> None:
    found = read_one(tmp_path, hume({"anger": 0.6, "sadness": 0.4, "joy": 0.2, "awe": 0.001}))
    assert found.status == "renormalised"
    np.testing.assert_allclose(found.p, [0.0005 / 1.2005, 0.2 / 1.2005, 0.6 / 1.2005, 0.4 / 1.2005])
    assert (found.lower <= found.p).all()
    assert (found.p <= found.upper).all()


@given(st.lists(st.floats(0.01, 1), min_size=4, max_size=4), st.integers(1, 3), st.data())
def test_the_bounds_hold_whatever_the_missing_scores_are(
    tmp_path_factory: pytest.TempPathFactory, scores: list[float], listed: int, data: st.DataObject
) -> None:
    names = ["neutral", "joy", "anger", "sadness"]
    order = np.argsort(scores)[::-1]
    seen = {names[n]: scores[n] for n in order[:listed]}
    found = read_one(tmp_path_factory.mktemp("a"), hume(seen))
    truth = [scores[n] if names[n] in seen else data.draw(st.floats(0, min(seen.values()))) for n in range(4)]
    shares = np.array(truth) / sum(truth)
    assert (found.lower <= shares + 1e-12).all()
    assert (shares <= found.upper + 1e-12).all()


def test_oruk_selects_labels_by_thresholds_of_their_own_so_others_may_have_any_score(tmp_path: Path) -> None:
    found = read_one(
        tmp_path, {"emotions": [{"label": "anger", "score": 0.7}, {"label": "calm", "score": 0.2}]}
    )
    assert found.status == "bounded"
    np.testing.assert_allclose(found.lower, [0, 0, 0.7 / 3.7, 0])
    np.testing.assert_allclose(found.upper, [1 / 1.7, 1 / 1.7, 1, 1 / 1.7])
    every = [{"label": name, "score": 0.5} for name in ("anger", "neutral", "sadness", "joy")]
    np.testing.assert_allclose(read_one(tmp_path, {"emotions": every}).p, 0.25)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"mood": "fine"}, "a: not an answer of Hume, Behavioral Signals or oruk"),
        (
            behavioral_signals(angry=1.2, sad=0, happy=0, neutral=0),
            "the score of 'angry' is '1.2', not between",
        ),
        (behavioral_signals(angry=-0.1, sad=0, happy=0, neutral=0), "the score of 'angry' is '-0.1'"),
        (hume({"anger": float("nan")}), "the score of 'anger' is nan|not JSON"),
        ({"emotions": ["anger"]}, "expected a list of objects with 'label' and 'score'"),
    ],
)
def test_an_answer_that_cannot_be_read_is_one_line(tmp_path: Path, answer: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said) as error:
        read_one(tmp_path, answer)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "said"), [("{", "not JSON"), ("[]", "no answer in it"), ("{}", "no answer")]
)
def test_a_file_without_answers_is_one_line(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "a.json").write_text(content, "utf-8")
    with pytest.raises(UsageError, match=said):
        read_answers(tmp_path / "a.json", FOUR)
    with pytest.raises(UsageError, match=r"not JSON|no answer|not an answer"):
        read_answers(tmp_path, FOUR)


@pytest.mark.usefixtures("few_noise_draws")
def test_answers_in_a_folder_are_scored_as_a_table_is_and_what_is_unknown_fails(tmp_path: Path) -> None:
    folder = tmp_path / "vendor"
    folder.mkdir()
    first, second, *others = [utterance.id for utterance in CORPUS]
    whole = dict.fromkeys(("anger", "disgust", "fear", "joy", "neutral", "sadness"), 1 / 6)
    for name in others:
        (folder / f"{name}.json").write_text(json.dumps(hume(whole)), "utf-8")
    (folder / f"{first}.json").write_text(json.dumps(hume({"anger": 0.9})), "utf-8")
    table = score_predictions_file([folder], CORPUS, SIX, ScoringOptions(cluster="clip", n_draws=50))
    row = table.rows[-1]
    assert row.key == RowKey("crema-d", "vendor", readout="given")
    assert dict(row.statuses) == {"bounded": 1, "undefined": 1, "ok": 10}
    assert row.failed == 2
    [note] = [note for note in table.notes if note.code == "bounded"]
    assert note.text.startswith("1 of 12 answers list only some labels")
    (folder / "stranger.json").write_text(json.dumps(hume(whole)), "utf-8")
    with pytest.raises(UsageError, match="'stranger' is not an utterance of the corpus"):
        score_predictions_file([folder], CORPUS, SIX)
    assert second not in {path.stem for path in folder.iterdir()}


def test_one_file_of_the_batch_api_names_its_clips(tmp_path: Path) -> None:
    scores = {"Anger": 0.25, "Joy": 0.25, "Sadness": 0.25, "Neutral": 0.25}
    clips = [hume_batch(f"clips/{name}.wav", (1.0, scores)) for name in "ab"]
    job = [{"source": {"type": "file"}, "results": {"predictions": clips, "errors": []}}]
    (tmp_path / "job.json").write_text(json.dumps(job), "utf-8")
    assert list(read_answers(tmp_path / "job.json", FOUR)) == ["a", "b"]
    job[0]["results"]["predictions"].append(clips[0])  # type: ignore[index]
    (tmp_path / "job.json").write_text(json.dumps(job), "utf-8")
    with pytest.raises(UsageError, match="'a' stands there twice"):
        read_answers(tmp_path / "job.json", FOUR)
