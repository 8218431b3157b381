import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from ambivox.audio import load_audio
from ambivox.errors import UsageError
from ambivox.metrics import entropy_bits, jsd_bits
from ambivox.present.html.clips import clip_columns
from ambivox.present.html.sound import clip_sounds
from ambivox.record import AskedClip
from ambivox.scoring import ScoringOptions, read_run, score, score_readings
from tests.present.pages import Page, report
from tests.present.runs import Made, make_run

SPEECH = Path("examples/crema-d/AudioWAV/1001_DFA_FEA_XX.wav")


def of_question(page: Page, name: str) -> dict[str, Any]:
    return next(one for one in page.clips[0]["questions"] if one["name"] == name)


def table(flat: list[int], n_labels: int = 6) -> np.ndarray[Any, Any]:
    return np.array(flat).reshape(-1, n_labels) / 1000


def test_every_clip_has_its_votes_and_the_truth_that_is_scored(tmp_path: Path) -> None:
    page = report(tmp_path)
    [corpus] = read_run(tmp_path / "made-run").corpora
    [clips] = page.clips
    assert clips["ids"] == list(corpus.clips.names)
    assert [clips["speakers"][n] for n in clips["speaker"]] == list(corpus.clips.speakers)
    np.testing.assert_array_equal(np.reshape(clips["votes"], (-1, 6)), corpus.clips.votes)
    np.testing.assert_allclose(table(clips["truth"]), corpus.clips.q, atol=6e-4)
    np.testing.assert_allclose(table(clips["entropy"], 1)[:, 0], entropy_bits(corpus.clips.q), atol=6e-4)


@pytest.mark.parametrize("level", ["text", "token"])
def test_distances_of_the_clips_average_to_the_score_of_their_row(tmp_path: Path, level: str) -> None:
    page = report(tmp_path)
    best = score(tmp_path / "made-run").ranked("crema-d", level=level)[0]
    shown = of_question(page, f"mini · {best.key.prompt}")["levels"][level]
    distances = np.array([value for value in shown["from_truth"] if value >= 0]) / 1000
    excluded = best.by_failed["excluded"]["jsd_bits"]
    assert len(distances) == excluded.utterances
    assert distances.mean() == pytest.approx(excluded.value, abs=6e-4)


def test_a_failed_reading_has_a_status_and_no_numbers(tmp_path: Path) -> None:
    page = report(tmp_path)
    [clips], word = page.clips, of_question(page, "mini · word")
    text, failed = word["levels"]["text"], 5  # the request about this clip failed
    assert clips["statuses"][text["status"][failed]] == "failed"
    assert (
        set(text["p"][6 * failed : 6 * failed + 6])
        == {text["from_truth"][failed], word["between"][failed]}
        == {-1}
    )
    assert word["answers"][failed] is None


def test_the_distance_between_the_levels_is_that_of_their_distributions(tmp_path: Path) -> None:
    page = report(tmp_path)
    question = of_question(page, "mini · dictionary")
    text, token = (table(question["levels"][level]["p"]) for level in ("text", "token"))
    both = (text[:, 0] >= 0) & (token[:, 0] >= 0)
    p, q = (side[both] / side[both].sum(axis=1, keepdims=True) for side in (text, token))
    np.testing.assert_allclose(np.array(question["between"])[both] / 1000, jsd_bits(p, q), atol=5e-3)
    assert set(np.array(question["between"])[~both]) == {-1}


def test_orders_of_the_options_are_questions_of_their_own(tmp_path: Path) -> None:
    readings = read_run(make_run(tmp_path / "run", Made(prompts=("word",))))
    [corpus] = readings.corpora
    orders = ((tuple(range(6)), False), (tuple(range(5, -1, -1)), False))
    halved = [
        replace(one, variants=np.arange(len(one.variants)) % 2, conditions=orders) for one in corpus.readings
    ]
    scores = score_readings(readings)
    columns = clip_columns(scores, readings, replace(corpus, readings=tuple(halved)))
    first, second = columns["questions"]
    assert first["name"].endswith("order angry, disgust, fear, happy, neutral, sad")
    assert second["name"].endswith("order sad, neutral, happy, fear, disgust, angry")
    for level in ("text", "token"):
        there = [[n >= 0 for n in one["levels"][level]["status"]] for one in (first, second)]
        assert there == [[True, False] * 20, [False, True] * 20]


def test_a_run_of_which_no_reading_succeeded_shows_its_clips(tmp_path: Path) -> None:
    page = report(tmp_path, Made(clips=3, say=lambda *_: None))
    [clips] = page.clips
    levels = clips["questions"][0]["levels"]
    assert {clips["statuses"][n] for level in levels.values() for n in level["status"]} == {"failed"}
    assert {n for level in levels.values() for n in level["p"]} == {-1}


def test_what_is_scored_against_has_its_name(tmp_path: Path) -> None:
    made = Made(changes={"asked.utterance.intended": "angry"})
    page = report(tmp_path, made, ScoringOptions(truth="intended"))
    assert page.clips[0]["people"] == "truth"
    assert set(page.clips[0]["truth"]) == {0, 1000}


def test_clips_whose_votes_do_not_count_are_counted(tmp_path: Path) -> None:
    page = report(tmp_path, Made(votes=lambda clip: {"angry": 3, "sad": 1} if clip else {}))
    assert len(page.clips[0]["ids"]) == 39
    assert "1 clip without votes that count is not shown." in page.text


def clip_at(path: Path, start_s: float | None = None, end_s: float | None = None) -> dict[str, AskedClip]:
    return {"a": AskedClip(str(path), start_s, end_s, "a")}


def test_a_link_leads_from_the_page_to_the_file(tmp_path: Path) -> None:
    sound = tmp_path / "sounds" / 'a "#1%.wav'
    sound.parent.mkdir()
    sound.touch()
    out = tmp_path / "pages" / "report.html"
    assert clip_sounds("a", clip_at(sound), "link", out) == ["../sounds/a%20%22%231%25.wav"]
    assert clip_sounds("a", clip_at(sound, 1.5, 2), "link", out) == ["../sounds/a%20%22%231%25.wav#t=1.5,2"]
    assert clip_sounds("a", clip_at(sound, 1.5), "link", out) == ["../sounds/a%20%22%231%25.wav#t=1.5"]


@pytest.mark.parametrize("how", ["link", "embed"])
def test_a_file_that_is_gone_has_no_sound(tmp_path: Path, how: Any) -> None:
    assert clip_sounds("ab", clip_at(tmp_path / "gone.wav"), how, tmp_path / "report.html") == [None, None]


def test_sound_in_the_page_is_that_of_the_segment(tmp_path: Path) -> None:
    [found] = clip_sounds("a", clip_at(SPEECH.absolute(), 0.5, 1.5), "embed", tmp_path / "report.html")
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(found or "")))
    wanted = load_audio(SPEECH, 0.5, 1.5)
    assert rate == 16_000
    assert len(heard) == pytest.approx(len(wanted), abs=rate // 50)
    assert np.corrcoef(heard[: len(wanted)], wanted[: len(heard)])[0, 1] > 0.9


def test_more_sound_than_a_page_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--audio link"):
        clip_sounds(["a"] * 5001, {}, "embed", tmp_path / "report.html")
