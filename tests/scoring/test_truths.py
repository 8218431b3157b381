"""What clips are scored against, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ambivox.emotions import load_emotions
from ambivox.errors import UsageError
from ambivox.record import AskedUtterance, read_records, write_records
from ambivox.run import Study, run_study
from ambivox.run_folder import Run
from ambivox.scoring import ScoringOptions, score
from ambivox.scoring.keys import ControlKey
from ambivox.scoring.truths import truth_at_hand, truth_of
from tests.run.toy import ToyModel

FOUR = load_emotions("iemocap4")


def asked(**facts: Any) -> AskedUtterance:
    return replace(AskedUtterance("c", "u", "s", None, None, {}), **facts)


def q_of(utterance: AskedUtterance, **choices: Any) -> list[float] | None:
    q = truth_of(utterance, FOUR, choices.get("outside", "drop"), choices.get("named", "votes"))[1]
    return None if q is None else q.tolist()


def test_one_label_is_certain_and_has_no_votes_behind_it() -> None:
    said = asked(intended="anger", consensus="sad", votes={"happy": 3})
    assert q_of(said) == [0, 1, 0, 0]
    assert q_of(said, named="intended") == [0, 0, 1, 0]
    assert q_of(said, named="consensus") == [0, 0, 0, 1]
    votes, _, given = truth_of(said, FOUR, "drop", "intended")
    assert (votes.counts, given) == ((0, 0, 0, 0), True)


def test_a_label_outside_the_set_is_no_truth() -> None:
    assert q_of(asked(intended="boredom"), named="intended") is None
    assert q_of(asked(consensus="no agreement"), named="consensus") is None
    assert truth_of(asked(consensus="no agreement"), FOUR, "drop", "consensus")[2] is False
    assert truth_of(asked(intended="boredom"), FOUR, "drop", "intended")[2] is True


def test_shares_are_a_truth_without_counts() -> None:
    votes, q, given = truth_of(asked(shares={"sad": 0.75, "angry": 0.25}), FOUR, "drop")
    assert (votes.total, given) == (0, True)
    assert q is not None
    np.testing.assert_allclose(q, [0, 0, 0.25, 0.75])


@pytest.fixture
def changed(study: Study, tmp_path: Path) -> Callable[..., Run]:
    """A run whose utterances are changed after it, as another corpus would have them."""

    def make(change: Callable[[int, AskedUtterance], AskedUtterance]) -> Run:
        run = run_study(study, tmp_path / "out", models=[ToyModel()])
        numbers: dict[str, int] = {}
        for path in run.shards():
            records = []
            for record in read_records(path):
                number = numbers.setdefault(record.asked.utterance.id, len(numbers))
                utterance = change(number, record.asked.utterance)
                records.append(replace(record, asked=replace(record.asked, utterance=utterance)))
            write_records(records, path)
        return run

    return make


def only(number: int, utterance: AskedUtterance, **facts: Any) -> AskedUtterance:
    return replace(utterance, **({"votes": {}, "shares": {}, "intended": None, "consensus": None} | facts))


def test_a_corpus_with_one_label_per_clip_is_scored_and_said_to_be_so(changed: Callable[..., Run]) -> None:
    run = changed(lambda n, u: only(n, u, intended=("angry", "sad")[n % 2]))
    assert truth_at_hand(run.records()) == "intended"
    with pytest.raises(UsageError, match=r"no clip with votes .*: score with --truth intended"):
        score(run)
    table = score(run, ScoringOptions(truth="intended"))
    assert any(row.scores for row in table.rows if row.level != "control")
    (note,) = (note for note in table.notes if note.code == "truth-by-name")
    assert "one label per clip" in note.text
    (ceiling,) = (row for row in table.rows if row.key == ControlKey(row.key.corpus, "noise-ceiling"))
    assert ceiling.reason is not None
    assert ceiling.reason.code == "one-label"


def test_the_remedy_names_what_is_there_or_says_that_nothing_is(changed: Callable[..., Run]) -> None:
    run = changed(lambda n, u: only(n, u, consensus="sad"))
    with pytest.raises(UsageError, match=r"no clip with an intended emotion .* --truth consensus"):
        score(run, ScoringOptions(truth="intended"))
    assert truth_at_hand(record for record in run.records()) == "consensus"


def test_a_run_without_votes_or_labels_has_nothing_to_score(changed: Callable[..., Run]) -> None:
    run = changed(lambda n, u: only(n, u))
    assert truth_at_hand(run.records()) is None
    with pytest.raises(UsageError, match="score a corpus that has one of votes"):
        score(run)


def test_shares_have_no_noise_ceiling(changed: Callable[..., Run]) -> None:
    table = score(changed(lambda n, u: only(n, u, shares={"angry": 0.75, "sad": 0.25})))
    (ceiling,) = (row for row in table.rows if row.key == ControlKey(row.key.corpus, "noise-ceiling"))
    assert ceiling.reason is not None
    assert ceiling.reason.code == "shares-only"
    assert not ceiling.scores


def test_unknown_speakers_of_one_recording_count_as_one_speaker(changed: Callable[..., Run]) -> None:
    def said(n: int, u: AskedUtterance) -> AskedUtterance:
        return replace(u, speaker="s0" if n == 0 else None, dialogue="d1" if n in (1, 2) else None)

    run = changed(said)
    clips = len({record.asked.utterance.id for record in run.records()})
    (note,) = (note for note in score(run).notes if note.code == "speakers-unknown")
    assert note.text.startswith(
        f"{clips - 1} clips are of unknown speakers: those of one recording count as one"
    )
    assert f"{clips - 3} without a recording each count as a speaker" in note.text


def test_a_truth_by_name_and_a_table_exclude_each_other(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="choose one of them"):
        ScoringOptions(truth="intended", truth_table=tmp_path / "t.csv")
    with pytest.raises(UsageError, match="truth: 'intent' is not one of votes, intended, consensus"):
        ScoringOptions(truth="intent")  # type: ignore[arg-type]
