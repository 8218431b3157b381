import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from ambivox.audio import load_audio
from ambivox.errors import UsageError
from ambivox.metrics import entropy_bits, jsd_bits
from ambivox.present.html.clips import clip_columns
from ambivox.present.html.sound import clip_sounds
from ambivox.present.html.tokens import answer_pieces
from ambivox.readouts import label_steps, load_readout
from ambivox.record import AskedClip
from ambivox.run import Run
from ambivox.scoring import RunReadings, ScoreTable, read_run, score_readings
from tests.present.pages import report
from tests.present.runs import Made, make_run

SPEECH = Path("examples/crema-d/AudioWAV/1001_DFA_FEA_XX.wav")


class Shown(NamedTuple):
    """A run as the clip browser shows it."""

    readings: RunReadings
    scores: ScoreTable
    columns: dict[str, Any]


def shown_of(run: Run) -> Shown:
    readings = read_run(run)
    scores = score_readings(readings)
    return Shown(readings, scores, clip_columns(scores, [("", readings)], "crema-d"))


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return shown_of(make_run(tmp_path_factory.mktemp("clips") / "run"))


def of_question(columns: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in columns["questions"] if one["name"] == name)


def table(flat: list[int], n_labels: int = 6) -> np.ndarray[Any, Any]:
    return np.array(flat).reshape(-1, n_labels) / 1000


def test_every_clip_has_its_votes_and_the_truth_that_is_scored(shown: Shown) -> None:
    clips, [corpus] = shown.columns, shown.readings.corpora
    assert clips["ids"] == list(corpus.clips.names)
    assert [clips["speakers"][n] for n in clips["speaker"]] == list(corpus.clips.speakers)
    np.testing.assert_array_equal(np.reshape(clips["votes"], (-1, 6)), corpus.clips.votes)
    np.testing.assert_allclose(table(clips["truth"]), corpus.clips.q, atol=6e-4)
    np.testing.assert_allclose(table(clips["entropy"], 1)[:, 0], entropy_bits(corpus.clips.q), atol=6e-4)


@pytest.mark.parametrize("level", ["text", "token"])
def test_distances_of_the_clips_average_to_the_score_of_their_row(shown: Shown, level: str) -> None:
    best = shown.scores.ranked("crema-d", level=level)[0]
    question = of_question(shown.columns, f"mini · {best.key.prompt}")
    distances = np.array([value for value in question["levels"][level]["from_truth"] if value >= 0]) / 1000
    excluded = best.by_failed["excluded"]["jsd_bits"]
    assert len(distances) == excluded.utterances
    assert distances.mean() == pytest.approx(excluded.value, abs=6e-4)


def test_a_failed_reading_has_a_status_and_no_numbers(shown: Shown) -> None:
    clips = shown.columns
    word = of_question(clips, "mini · word")
    text, failed = word["levels"]["text"], 5  # the request about this clip failed
    assert clips["statuses"][text["status"][failed]] == "failed"
    assert (
        set(text["p"][6 * failed : 6 * failed + 6])
        == {text["from_truth"][failed], word["between"][failed]}
        == {-1}
    )
    assert word["answers"][failed] is None


def test_the_distance_between_the_levels_is_that_of_their_distributions(shown: Shown) -> None:
    question = of_question(shown.columns, "mini · dictionary")
    text, token = (table(question["levels"][level]["p"]) for level in ("text", "token"))
    both = (text[:, 0] >= 0) & (token[:, 0] >= 0)
    p, q = (side[both] / side[both].sum(axis=1, keepdims=True) for side in (text, token))
    np.testing.assert_allclose(np.array(question["between"])[both] / 1000, jsd_bits(p, q), atol=5e-3)
    assert set(np.array(question["between"])[~both]) == {-1}


def test_orders_of_the_options_are_questions_of_their_own(shown: Shown) -> None:
    readings, scores, _ = shown
    [corpus] = readings.corpora
    orders = ((tuple(range(6)), False), (tuple(range(5, -1, -1)), False))
    halved = [
        replace(one, variants=np.arange(len(one.variants)) % 2, conditions=orders) for one in corpus.readings
    ]
    turned = replace(readings, corpora=(replace(corpus, readings=tuple(halved)),))
    columns = clip_columns(scores, [("", turned)], "crema-d")
    first, second = columns["questions"][:2]
    assert first["name"].endswith("order angry, disgust, fear, happy, neutral, sad")
    assert second["name"].endswith("order sad, neutral, happy, fear, disgust, angry")
    for level in ("text", "token"):
        there = [[n >= 0 for n in one["levels"][level]["status"]] for one in (first, second)]
        assert there == [[True, False] * 20, [False, True] * 20]


def test_a_run_of_which_no_reading_succeeded_shows_its_clips(tmp_path: Path) -> None:
    clips = shown_of(make_run(tmp_path / "run", Made(clips=3, say=lambda *_: None))).columns
    levels = clips["questions"][0]["levels"]
    assert {clips["statuses"][n] for level in levels.values() for n in level["status"]} == {"failed"}
    assert {n for level in levels.values() for n in level["p"]} == {-1}


def test_the_page_counts_clips_without_votes_and_names_what_is_scored_against(tmp_path: Path) -> None:
    made = Made(votes=lambda clip: {"angry": 3, "sad": 1} if clip else {})
    page = report(tmp_path, made)
    assert page.clips[0]["people"] == "votes"
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


def test_steps_of_an_answer_are_what_its_readouts_are_made_of(shown: Shown) -> None:
    record = next(record for record in shown.readings.run.records() if record.reply)
    steps = label_steps(record)
    assert steps is not None
    assert steps.shape == (3, 6)
    p_first, p_mean = load_readout("first")(record), load_readout("mean")(record)
    np.testing.assert_allclose(steps[0] / steps[0].sum(), p_first.distribution)
    np.testing.assert_allclose(steps.mean(axis=0) / steps.mean(axis=0).sum(), p_mean.distribution)
    assert steps.sum(axis=1).mean() == pytest.approx(p_mean.mass)


def test_each_answer_has_its_own_tokens(shown: Shown) -> None:
    records = {(r.asked.prompt.name, r.asked.utterance.id): r for r in shown.readings.run.records()}
    for prompt in ("word", "dictionary"):
        said = of_question(shown.columns, f"mini · {prompt}")["tokens"]
        for name, tokens in zip(shown.columns["ids"], said, strict=True):
            steps = label_steps(records[prompt, name])
            assert (tokens is None) == (steps is None)
            if steps is not None:
                np.testing.assert_allclose(table(tokens["p"]), steps, atol=6e-4)


@pytest.mark.parametrize(
    ("text", "tokens", "pieces"),
    [
        ("sad", ["sad", None], [("sad", 1), ("", 1)]),
        ("sad", [" sad", None], [("sad", 1), ("", 1)]),
        ('{"sad": 0.1}', [None, "sad", None, None, "0", ".", "1", None],
         [('{"', 1), ("sad", 1), ('": ', 2), ("0", 1), (".", 1), ("1", 1), ("}", 1)]),
        ("well", [None, None], [("well", 2)]),
        ("", [None], [("", 1)]),
        ("sad sad", ["sad", " sad"], [("sad", 1), (" sad", 1)]),
        ("a sad one", [None, "sad", None, "sad"], None),
        ("sad or sad", [None, "sad", None], None),
        ("happy", ["sad"], None),
        ("sadly", ["sad"], None),
        ("I am sad", [None, "sad"], [("I am ", 1), ("sad", 1)]),
        ("sad, I am sad", [None, "sad"], [("sad, I am ", 1), ("sad", 1)]),
    ],
)  # fmt: skip
def test_an_answer_is_cut_where_its_known_tokens_must_stand(
    text: str, tokens: list[str | None], pieces: list[tuple[str, int]] | None
) -> None:
    assert answer_pieces(text, tokens) == pieces


@given(st.lists(st.tuples(st.booleans(), st.text("ab ", min_size=1, max_size=3)), min_size=1, max_size=7))
def test_pieces_are_the_tokens_or_nothing(parts: list[tuple[bool, str]]) -> None:
    text = "".join(part for _, part in parts)
    pieces = answer_pieces(text, [part if known else None for known, part in parts])
    ways = fits(text, [part if known else None for known, part in parts])
    if text[0] != " ":
        assert (pieces is not None) == (ways == 1)
    if pieces is not None:
        assert sum(count for _, count in pieces) == len(parts)


def fits(text: str, tokens: list[str | None]) -> int:
    """In how many ways the known tokens stand in the text, one after the other, by trying all."""

    def starts(at: int, rest: tuple[str | None, ...], free: bool) -> set[tuple[int, ...]]:
        if not rest:
            return {()} if free or at == len(text) else set()
        if rest[0] is None:
            return starts(at, rest[1:], True)
        places = range(at, len(text) + 1) if free else (at,)
        return {
            (place, *others)
            for place in places
            if text.startswith(rest[0], place)
            for others in starts(place + len(rest[0]), rest[1:], False)
        }

    return len(starts(0, tuple(tokens), False))
