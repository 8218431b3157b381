"""Clips, splits and soft targets of the bundled checkpoint."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.emotions import emotion_sets, load_emotions

pytest.importorskip("torch")
pytest.importorskip("transformers")

from recipes.mini.data import Clip, check_speakers_disjoint, load_clips
from recipes.mini.targets import (
    AHEAD,
    HEARD,
    LEAN,
    SHARPEN,
    VOTED,
    VoteTable,
    heard_target,
    leaning,
    option_matrix,
    restrict,
)

CLIP = Clip("ravdess/a", Path("a.flac"), "ravdess", "01", False, "sad", "normal", None, "train")


@pytest.fixture(scope="module")
def clips(data_dir: Path) -> list[Clip]:
    return load_clips(data_dir)


@pytest.fixture(scope="module")
def votes(data_dir: Path) -> VoteTable:
    return VoteTable(data_dir)


def test_no_speaker_is_in_two_splits(clips: list[Clip]) -> None:
    speakers = {
        split: {(clip.corpus, clip.speaker) for clip in clips if clip.split == split}
        for split in ("train", "development", "test", "votes")
    }
    assert sum(len(group) for group in speakers.values()) == len(set().union(*speakers.values()))


def test_a_speaker_in_two_splits_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ravdess/b.*test"):
        check_speakers_disjoint([CLIP, replace(CLIP, id="ravdess/b", split="test")])


def test_the_clips_with_human_votes_are_never_trained_or_tuned_on(clips: list[Clip]) -> None:
    assert {clip.split for clip in clips if clip.corpus == "crema-d"} == {"votes"}
    assert sum(clip.corpus == "crema-d" for clip in clips) == 12


def test_test_speakers_are_women_and_men(clips: list[Clip]) -> None:
    for corpus in ("ravdess", "emo-db"):
        assert {clip.female for clip in clips if (clip.corpus, clip.split) == (corpus, "test")} == {
            True,
            False,
        }


def test_every_emodb_clip_has_its_recognition_rate(clips: list[Clip]) -> None:
    rates = [clip.recognised for clip in clips if clip.corpus == "emo-db"]
    assert all(rate is not None and 0 <= rate <= 1 for rate in rates)


def test_votes_of_left_out_actors_do_not_move_the_targets(data_dir: Path, votes: VoteTable) -> None:
    with_all = VoteTable(data_dir, leave_out_actors=())
    assert not np.allclose(with_all.prior(), votes.prior(), atol=1e-6)
    assert votes.prior().sum() == pytest.approx(1)


def test_the_intended_emotion_is_the_most_likely_one_in_every_target(
    clips: list[Clip], votes: VoteTable
) -> None:
    for clip in clips:
        if clip.corpus in SHARPEN:
            target = heard_target(clip, votes)
            assert target.sum() == pytest.approx(1)
            assert HEARD[int(target.argmax())] == clip.emotion, clip.id


def test_strong_expressions_are_taught_with_less_neutral(votes: VoteTable) -> None:
    neutral = HEARD.index("neutral")
    normal, strong = heard_target(CLIP, votes), heard_target(replace(CLIP, strength="strong"), votes)
    assert strong[neutral] < normal[neutral]


@pytest.mark.parametrize("name", emotion_sets())
def test_targets_follow_the_order_of_the_options(name: str) -> None:
    labels = list(load_emotions(f"{name}+other").labels)
    heard = np.random.default_rng(0).dirichlet(np.ones(len(HEARD)), 5)
    forward = restrict(heard, option_matrix(labels))
    backward = restrict(heard, option_matrix(labels[::-1]))
    np.testing.assert_allclose(forward.sum(axis=1), 1)
    np.testing.assert_allclose(forward, backward[:, ::-1])


def test_calm_counts_mostly_as_neutral_where_it_is_no_option() -> None:
    heard = np.eye(len(HEARD))[[HEARD.index("calm")]]
    shares = restrict(heard, option_matrix(VOTED))[0]
    assert VOTED[int(shares.argmax())] == "neutral"


def test_all_forms_of_an_emotion_get_the_same_share() -> None:
    heard = np.random.default_rng(1).dirichlet(np.ones(len(HEARD)), 3)
    plain = restrict(heard, option_matrix(["angry", "happy", "fear"]))
    nouns = restrict(heard, option_matrix(["Anger", "joy", "scared"]))
    np.testing.assert_allclose(plain, nouns)


@given(st.lists(st.floats(0.001, 1), min_size=2, max_size=9), st.floats(0, 1), st.floats(0, 0.3))
def test_leaning_to_neutral_never_changes_what_is_named(
    weights: list[float], lean: float, ahead: float
) -> None:
    shares, options = np.array(weights) / np.sum(weights), HEARD[4 : 4 + len(weights)] + HEARD[:4]
    options = options[: len(shares)]  # neutral is the first
    said = leaning(shares, options, lean, ahead)
    assert said.sum() == pytest.approx(1)
    assert said[0] >= shares[0] - 1e-12
    best = int(shares.argmax())
    assert said[best] == pytest.approx(said.max())
    behind = shares.max() - shares[0]
    assert said[best] - said[0] >= min(behind, ahead) - 1e-9
    np.testing.assert_allclose(said[1:] * shares[1], shares[1:] * said[1])  # all others as they were


def test_a_sure_belief_leans_as_far_as_it_may_and_a_flat_one_not_at_all() -> None:
    happy, neutral = np.eye(6)[VOTED.index("happy")], np.eye(6)[VOTED.index("neutral")]
    np.testing.assert_allclose(leaning(happy, VOTED), (1 - LEAN) * happy + LEAN * neutral)
    np.testing.assert_allclose(leaning(neutral, VOTED), neutral)
    np.testing.assert_allclose(leaning(np.full(6, 1 / 6), VOTED), np.full(6, 1 / 6))


def test_neutral_that_is_believed_nearly_as_much_as_another_gains_nothing() -> None:
    """What is heard is read with some error: a gain here would make neutral of what is nearly that."""
    shares = np.array([0.3, 0.3 + AHEAD, 0.4 - AHEAD])
    np.testing.assert_allclose(leaning(shares, ("neutral", "sad", "happy")), shares)


def test_options_without_neutral_are_said_as_they_are_believed() -> None:
    shares = np.array([0.5, 0.3, 0.2])
    np.testing.assert_array_equal(leaning(shares, ("happy", "sad", "calm")), shares)
    assert leaning(shares, ("happy", "sad", "Neutrality"))[2] > 0.2  # in all its forms
