from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ambivox.corpora import Corpus, Rating, Utterance, load_iemocap, votes_of
from ambivox.emotions import load_emotions
from ambivox.inspection import inspect_corpus
from ambivox.inspection.facts import VoteFacts
from tests.corpora.trees import SMALL, write_iemocap, write_wav


def corpus_of(*votes: dict[str, int], **facts: str) -> Corpus:
    said = [Utterance(f"u{n}", Path("a.wav"), votes=v, **facts) for n, v in enumerate(votes)]  # type: ignore[arg-type]
    return Corpus("made-up", "CC0", tuple(said))


def votes_in(corpus: Corpus, emotions: str | None = None) -> VoteFacts:
    found = inspect_corpus(corpus, emotions=None if emotions is None else load_emotions(emotions))
    assert found.votes is not None
    return found.votes


def test_the_published_votes_of_crema_d_have_their_known_numbers(rated_crema_d: Corpus) -> None:
    found = inspect_corpus(rated_crema_d)
    votes = found.votes
    assert votes is not None
    assert (found.utterances, votes.utterances, votes.emotion_set) == (7_442, 7_442, "cremad6")
    assert (votes.raters.smallest, votes.raters.median, votes.raters.largest) == (4, 9, 12)
    shares = {label.label[0].upper(): round(label.share, 3) for label in votes.labels}
    assert shares == {"A": 0.143, "D": 0.129, "F": 0.121, "H": 0.068, "N": 0.439, "S": 0.100}
    assert round(votes.unanimous, 3) == 0.051
    assert round(votes.controls["uniform"]["jsd_bits"], 3) == 0.378
    assert round(votes.controls["constant prior"]["jsd_bits"], 3) == 0.290
    assert sum(label.first for label in votes.labels) == pytest.approx(7_442)
    assert len(found.durations.seconds) == 12
    assert len(found.durations.missing) == 7_430
    assert len(found.speakers) == 91


def test_votes_outside_the_set_are_counted_apart() -> None:
    votes = votes_in(corpus_of({"angry": 2, "bored": 1}, {"bored": 3}, {"sad": 1}), "iemocap4")
    assert (votes.utterances, dict(votes.outside)) == (2, {"bored": 4})
    assert [label.votes for label in votes.labels] == [0, 0, 2, 1]


def test_without_a_set_all_labels_count_the_most_voted_first() -> None:
    votes = votes_in(corpus_of({"bored": 3, "other": 9}, {"sad": 1, "bored": 1}))
    assert votes.emotion_set == "all labels"
    assert [label.label for label in votes.labels] == ["bored", "sad", "other"]


def test_ties_are_shared_among_the_most_voted() -> None:
    votes = votes_in(corpus_of({"angry": 1, "sad": 1}, {"sad": 2}), "iemocap4")
    assert [label.first for label in votes.labels] == [0, 0, 0.5, 1.5]


def test_a_corpus_without_votes_is_told_without_them(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", 1.5)
    said = Utterance("a", tmp_path / "a.wav", start_s=0.5, intended="sad", speaker="x", sex="female")
    found = inspect_corpus(Corpus("made-up", "CC0", (said,)))
    assert found.votes is None
    assert found.durations.seconds.tolist() == [1.0]
    assert found.durations.sample_rates_hz == {16_000: 1}
    assert json.loads(json.dumps(found.to_dict()))["votes"] is None


def test_who_voted_is_told_where_it_is_known() -> None:
    ratings = (
        (Rating("a", ("sad",)), Rating("b", ("sad",)), Rating("me", ("angry",), by_speaker=True)),
        (Rating("a", ("angry",)), Rating("c", ("sad",))),
    )
    said = [
        Utterance(f"u{n}", Path("a.wav"), votes=votes_of(r, "primary"), ratings=r)
        for n, r in enumerate(ratings)
    ]
    votes = votes_in(Corpus("made-up", "CC0", tuple(said)), "iemocap4")
    assert votes.n_raters == 3
    assert dict(votes.reliability) == {"a": 0.5, "b": 1.0, "c": 0.0}
    assert votes.raters.counts == {2: 2}


def test_what_intended_emotions_were_heard_as() -> None:
    votes = votes_in(corpus_of({"sad": 1}, {"sad": 1, "angry": 1}, intended="sad"), "iemocap4")
    np.testing.assert_allclose(votes.intended["sad"], [0, 0, 0.25, 0.75])


def test_what_each_option_keeps_is_what_loading_with_it_gives(tmp_path: Path) -> None:
    root = write_iemocap(tmp_path, SMALL)
    kept = {(k.option, k.value): (k.utterances, k.votes) for k in inspect_corpus(load_iemocap(root)).options}
    for (option, value), (utterances, votes) in kept.items():
        if option == "labels":
            counts = [sum(u.votes.values()) for u in load_iemocap(root, labels=value)]  # type: ignore[arg-type]
            assert (utterances, votes) == (sum(map(bool, counts)), sum(counts))
        elif option == "four_class":
            assert utterances == len(load_iemocap(root, four_class=value))  # type: ignore[arg-type]
    assert kept["emotions, outside", "iemocap4, drop"] == (4, 6)
    assert kept["emotions, outside", "iemocap4, exclude-utterance"] == (2, 2)
    assert len(kept) == 6 + 8 + len({value for option, value in kept if option.startswith("emotions")})


def test_splits_tell_their_sizes_or_why_not(tmp_path: Path) -> None:
    splits = {s.name: s for s in inspect_corpus(load_iemocap(write_iemocap(tmp_path, SMALL))).splits}
    assert splits["leave-one-session-out"].sizes == {"train": (4, 4), "development": (0, 0), "test": (4, 4)}
    assert splits["leave-one-speaker-out"].n_splits == 4
    assert "partition" in splits["published"].reason
    many = Corpus("made-up", "CC0", tuple(Utterance(f"u{n}", Path("a"), speaker=f"s{n}") for n in range(30)))
    assert {s.name: s.n_splits for s in inspect_corpus(many).splits}["leave-one-speaker-out"] == 30


def test_a_rater_with_two_labels_does_not_disagree_with_themselves() -> None:
    ratings = (Rating("a", ("sad", "angry")), Rating("b", ("sad",)))
    other = (Rating("a", ("angry",)), Rating("b", ("angry",)))
    said = [
        Utterance(f"u{n}", Path("a.wav"), votes=votes_of(r, "all-labels"), ratings=r)
        for n, r in enumerate((ratings, other))
    ]
    votes = votes_in(Corpus("made-up", "CC0", tuple(said), labels="all-labels"), "iemocap4")
    assert (votes.alpha, votes.kappa) == (1, 1)
    assert [label.votes for label in votes.labels] == [0, 0, 3, 2]


def test_shares_are_told_without_a_number_of_raters() -> None:
    soft = [{"sad": 0.75, "angry": 0.25}, {"sad": 1.0}]
    said = [Utterance(f"u{n}", Path("a.wav"), shares=shares) for n, shares in enumerate(soft)]
    votes = votes_in(Corpus("made-up", "CC0", tuple(said)))
    assert (votes.utterances, votes.raters, votes.per_utterance, votes.unanimous) == (2, None, None, 0.5)
    assert {label.label: label.share for label in votes.labels if label.share} == {
        "sad": 0.875,
        "angry": 0.125,
    }
    assert votes.entropy_bits[0] == pytest.approx(0.8113, abs=1e-4)
    assert votes.kappa is None or np.isnan(votes.kappa)
