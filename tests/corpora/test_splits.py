from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.corpora import SPLITS, Corpus, Split, Utterance, split_corpus
from ambivox.errors import UsageError


def corpus_of(*utterances: Utterance) -> Corpus:
    return Corpus("made-up", "CC0", utterances)


def said(name: str, **facts: str) -> Utterance:
    return Utterance(name, Path(f"{name}.wav"), **facts)  # type: ignore[arg-type]


IEMOCAP = corpus_of(
    *(
        said(f"{session}{sex}{n}", speaker=f"Ses{session}{sex}", session=f"Ses{session}")
        for session, sex, n in itertools.product("12345", "FM", range(3))
    )
)


def values(split: Split, attribute: str) -> dict[str, set[str]]:
    return {part: {getattr(u, attribute) for u in chosen} for part, chosen in split.parts.items()}


def assert_divides(corpus: Corpus, split: Split, by: str) -> None:
    """Every utterance is in exactly one part, in the order of the corpus, and no group in two parts."""
    ids = [u.id for part in split.parts.values() for u in part]
    assert sorted(ids) == sorted(u.id for u in corpus)
    order = {u.id: n for n, u in enumerate(corpus)}
    for part in split.parts.values():
        assert [order[u.id] for u in part] == sorted(order[u.id] for u in part)
    for one, other in itertools.combinations(values(split, by).values(), 2):
        assert not one & other


def test_each_session_is_tested_once_and_the_next_one_tunes() -> None:
    splits = split_corpus(IEMOCAP, "leave-one-session-out")
    assert [s.name for s in splits] == [f"session Ses{n}" for n in "12345"]
    for n, split in enumerate(splits):
        assert_divides(IEMOCAP, split, "speaker")
        found = values(split, "session")
        assert found["test"] == {f"Ses{n + 1}"}
        assert found["development"] == {f"Ses{(n + 1) % 5 + 1}"}
        assert len(found["train"]) == 3


def test_each_speaker_is_tested_once_and_the_partner_tunes() -> None:
    splits = split_corpus(IEMOCAP, "leave-one-speaker-out")
    assert len(splits) == 10
    for split in splits:
        assert_divides(IEMOCAP, split, "speaker")
        found = values(split, "speaker")
        (tested,), (tuned,) = found["test"], found["development"]
        assert tested[:4] == tuned[:4]
        assert tested != tuned
        assert len(found["train"]) == 8


def test_speakers_without_sessions_are_tuned_on_the_next_one() -> None:
    corpus = corpus_of(*(said(s, speaker=s) for s in "abc"))
    splits = split_corpus(corpus, "leave-one-speaker-out")
    found = [(next(iter(s["test"])).id, next(iter(s["development"])).id) for s in splits]
    assert found == [("a", "b"), ("b", "c"), ("c", "a")]


def test_published_partitions_are_taken_as_they_are() -> None:
    corpus = corpus_of(
        said("a", partition="train"), said("b", partition="test2"), said("c"), said("d", partition="train")
    )
    (split,) = split_corpus(corpus, "published")
    parts = {part: [u.id for u in chosen] for part, chosen in split.parts.items()}
    assert parts == {"train": ["a", "d"], "development": [], "test2": ["b"]}
    with pytest.raises(UsageError, match="unknown part of the split 'published' 'test': did you mean"):
        split["test"]
    with pytest.raises(UsageError, match="no utterance has what this split goes by"):
        split_corpus(corpus_of(said("a")), "published")


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_actors_of_crema_d_are_split_disjoint_and_balanced_by_sex(
    rated_crema_d: Corpus, seed: int
) -> None:
    (split,) = split_corpus(rated_crema_d, "by-actors", seed=seed)
    assert_divides(rated_crema_d, split, "speaker")
    actors = {part: {(u.speaker, u.sex) for u in chosen} for part, chosen in split.parts.items()}
    # 43 women and 48 men: .7, .15 and .15 of each
    counts = {
        p: (sum(s == "female" for _, s in a), sum(s == "male" for _, s in a)) for p, a in actors.items()
    }
    assert counts == {"train": (30, 34), "development": (7, 7), "test": (6, 7)}


def test_a_seed_fixes_the_split_by_actors(rated_crema_d: Corpus) -> None:

    def actors_of_the_test(seed: int) -> set[str]:
        return values(split_corpus(rated_crema_d, "by-actors", seed=seed)[0], "speaker")["test"]

    assert actors_of_the_test(1) == actors_of_the_test(1) != actors_of_the_test(2)


def test_actors_of_unknown_sex_cannot_be_balanced() -> None:
    with pytest.raises(UsageError, match=r"utterance 'a' lacks what this split goes by \(sex\)"):
        split_corpus(corpus_of(said("a", speaker="s")), "by-actors")
    with pytest.raises(UsageError, match="give three that sum to 1"):
        split_corpus(corpus_of(said("a", speaker="s")), "by-actors", shares=[0.5, 0.6, 0.1])
    women = corpus_of(*(said(s, speaker=s, sex="female") for s in "abc"))
    with pytest.raises(UsageError, match="3 female speakers are too few"):
        split_corpus(women, "by-actors")
    (split,) = split_corpus(women, "by-actors", shares=[0.7, 0, 0.3])
    assert [len(split[part]) for part in ("train", "development", "test")] == [2, 0, 1]


@given(
    speakers=st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=40),
    k=st.integers(2, 8),
    seed=st.integers(0, 5),
)
def test_folds_test_everything_once_and_share_no_speaker(speakers: list[str], k: int, seed: int) -> None:
    corpus = corpus_of(*(said(str(n), speaker=s) for n, s in enumerate(speakers)))
    if k > len(set(speakers)):
        with pytest.raises(UsageError, match="folds by"):
            split_corpus(corpus, "grouped-k-fold", k=k, seed=seed)
        return
    splits = split_corpus(corpus, "grouped-k-fold", k=k, seed=seed)
    assert len(splits) == k
    for split in splits:
        assert_divides(corpus, split, "speaker")
        assert split["test"]
        assert split["train"]
        assert bool(split["development"]) == (k > 2)
    assert sorted(u.id for s in splits for u in s["test"]) == sorted(u.id for u in corpus)
    largest = max(map(speakers.count, set(speakers)))
    sizes = [len(s["test"]) for s in splits]
    assert max(sizes) - min(sizes) <= largest


def test_folds_go_by_what_is_asked() -> None:
    for split in split_corpus(IEMOCAP, "grouped-k-fold", k=5, by="session"):
        assert_divides(IEMOCAP, split, "session")
    with pytest.raises(UsageError, match=r"no utterance has what this split goes by \(dialogue\)"):
        split_corpus(IEMOCAP, "grouped-k-fold", by="dialogue")


def test_mistakes_are_named() -> None:
    with pytest.raises(UsageError, match="unknown split 'leave-one-sesion-out': did you mean"):
        split_corpus(IEMOCAP, "leave-one-sesion-out")
    with pytest.raises(
        UsageError, match="unknown option of the split 'by-actors' 'sead': did you mean 'seed'"
    ):
        split_corpus(IEMOCAP, "by-actors", sead=1)
    with pytest.raises(UsageError, match="split 'grouped-k-fold', option 'by': expected 'speaker'"):
        split_corpus(IEMOCAP, "grouped-k-fold", by="sex")
    with pytest.raises(UsageError, match="all utterances are of one session"):
        split_corpus(corpus_of(said("a", session="1")), "leave-one-session-out")
    assert all(split.__doc__ for split in SPLITS.values())
