import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from ambivox.emotions import load_emotions
from ambivox.errors import UsageError
from ambivox.present.names import note_lines
from ambivox.readouts import load_readout
from ambivox.reasons import Reason
from ambivox.record import Record, read_records, write_records
from ambivox.run_folder import Run
from ambivox.scoring import Note, ScoreRow, ScoreTable, ScoringOptions, score
from tests.records import change
from tests.scoring.rows import find_row, prompt_of, readout_of


def row_of(table: ScoreTable, prompt: str, readout: str) -> ScoreRow:
    return find_row(table, readout, prompt)


def rewrite(run: Run, change: Any) -> None:
    """Replace the records of a run by changed ones."""
    for path in sorted((run.folder / "records").glob("*.parquet")):
        write_records([change(record) for record in read_records(path)], path)


def lines(notes: Sequence[Note]) -> list[str]:
    return note_lines(notes)


def shares(record: Record) -> np.ndarray:
    counts = np.array(
        [record.asked.utterance.votes.get(label, 0) for label in record.asked.emotions.labels], dtype=float
    )
    return counts / counts.sum()


def test_a_row_is_the_mean_of_scipys_divergence_over_its_clips(run: Run) -> None:
    row = row_of(score(run), "word", "first")
    readout = load_readout("first")
    values = [
        jensenshannon(readout(r).distribution, shares(r), base=2) ** 2
        for r in run.records()
        if r.asked.prompt.name == "word"
    ]
    assert row.utterances == 6
    assert row.scores["jsd_bits"].value == pytest.approx(np.mean(values), abs=1e-12)


def test_the_vote_prior_leaves_the_speaker_out(run: Run) -> None:
    prior = find_row(score(run), "vote prior")
    clips = {r.asked.utterance.id: r for r in run.records()}
    values = []
    for clip in clips.values():
        others = np.mean(
            [shares(c) for c in clips.values() if c.asked.utterance.speaker != clip.asked.utterance.speaker],
            axis=0,
        )
        values.append(jensenshannon(others, shares(clip), base=2) ** 2)
    assert prior.scores["jsd_bits"].value == pytest.approx(np.mean(values), abs=1e-12)
    assert prior.skill["jsd_bits"] == pytest.approx(0, abs=1e-12)


def test_controls_stand_beside_the_readouts(run: Run) -> None:
    table = score(run)
    assert [readout_of(row) for row in table.rows if row.level == "control"] == [
        "uniform",
        "vote prior",
        "sharpened prior",
        "one-hot plurality",
        "noise ceiling",
    ]


def test_text_readouts_appear_only_where_they_can_read_the_format(run: Run) -> None:
    pairs = {(prompt_of(row), readout_of(row)) for row in score(run).rows if row.level == "text"}
    assert pairs == {
        ("word", "label"),
        ("letter", "label"),
        ("dictionary", "dictionary"),
        ("percentages", "dictionary"),
    }


def spoil_two(record: Record) -> Record:
    if record.asked.utterance.id == "clip0":
        return record.failed(Reason("clip", "the clip is gone"))
    return (
        change(record, {"reply.text": "I am sorry, I cannot tell."})
        if record.asked.utterance.id == "clip1"
        else record
    )


def test_no_status_is_lost_and_the_denominator_is_kept(run: Run) -> None:
    rewrite(run, spoil_two)
    table = score(run, ScoringOptions(failed_as="excluded"))
    row = row_of(table, "dictionary", "dictionary")
    assert row.statuses == {"failed": 1, "refused": 1, "ok": 4}
    assert (row.utterances, row.failed) == (6, 2)
    assert row.scores["jsd_bits"].utterances == 4
    assert row_of(table, "dictionary", "first").statuses == {"failed": 1, "improbable": 5}


def test_a_failed_reading_scores_as_each_choice_says(run: Run) -> None:
    rewrite(run, spoil_two)
    row = row_of(score(run, ScoringOptions(failed_as="uniform")), "dictionary", "dictionary")
    readout = load_readout("dictionary")
    records = [r for r in run.records() if r.asked.prompt.name == "dictionary"]
    neutral = load_emotions("cremad6").labels.index("neutral")
    stand_ins = {"uniform": np.full(6, 1 / 6), "neutral": np.eye(6)[neutral]}
    for choice, stand_in in stand_ins.items():
        p = [stand_in if (d := readout(r).distribution) is None else d for r in records]
        expected = np.mean(
            [jensenshannon(a, shares(r), base=2) ** 2 for a, r in zip(p, records, strict=True)]
        )
        assert row.by_failed[choice]["jsd_bits"].value == pytest.approx(expected, abs=1e-9)
    assert row.scores == row.by_failed["uniform"]
    assert row.by_failed["excluded"]["jsd_bits"].utterances == 4


def test_skill_compares_with_the_prior_on_the_clips_that_were_scored(run: Run) -> None:
    rewrite(run, spoil_two)
    row = row_of(score(run, ScoringOptions(failed_as="excluded")), "dictionary", "dictionary")
    clips = {r.asked.utterance.id: r for r in run.records()}
    prior = []
    for name in ("clip2", "clip3", "clip4", "clip5"):
        others = [
            shares(c)
            for c in clips.values()
            if c.asked.utterance.speaker != clips[name].asked.utterance.speaker
        ]
        prior.append(jensenshannon(np.mean(others, axis=0), shares(clips[name]), base=2) ** 2)
    expected = 1 - row.scores["jsd_bits"].value / np.mean(prior)
    assert row.skill["jsd_bits"] == pytest.approx(expected, abs=1e-9)


def test_a_readout_that_fails_everywhere_has_no_numbers(run: Run) -> None:
    rewrite(run, lambda r: change(r, {"reply.text": "no idea"}))
    row = row_of(score(run), "dictionary", "dictionary")
    assert row.failed == row.utterances == 6
    assert row.scores == {}
    assert row.skill == {}
    assert "neutral" in row.by_failed


def test_votes_outside_the_set_are_told_and_enter_as_asked(run: Run) -> None:
    drop = score(run)
    assert "manifest: 3 votes outside cremad6 (drop)" in lines(drop.notes)
    exclude = score(run, ScoringOptions(outside="exclude-utterance"))
    assert row_of(exclude, "word", "first").utterances == 3
    assert "manifest: 3 clips left out: no vote counts under 'exclude-utterance'" in lines(exclude.notes)
    with pytest.raises(UsageError, match=r"cremad6\+other"):
        score(run, ScoringOptions(outside="other"))


def test_clips_without_votes_are_left_out_and_counted(run: Run) -> None:
    rewrite(run, lambda r: change(r, {"asked.utterance.votes": {}}) if r.asked.utterance.id == "clip4" else r)
    table = score(run)
    assert "manifest: 1 clips left out: nobody rated them" in lines(table.notes)
    assert row_of(table, "word", "first").utterances == 5


def test_a_run_without_any_votes_is_refused(run: Run) -> None:
    rewrite(run, lambda r: change(r, {"asked.utterance.votes": {}}))
    with pytest.raises(UsageError, match="no clip with votes"):
        score(run)


def test_one_clip_alone_has_no_prior_and_says_so(run: Run) -> None:
    rewrite(run, lambda r: r if r.asked.utterance.id == "clip2" else change(r, {"asked.utterance.votes": {}}))
    table = score(run)
    prior = find_row(table, "vote prior")
    assert prior.scores == {}
    assert prior.statuses == {"undefined": 1}
    assert any("vote prior: 1 utterance(s)" in line for line in lines(table.notes))
    assert row_of(table, "word", "first").skill == {}


def test_conventions_change_the_metrics_and_what_failures_count_as(run: Run) -> None:
    rewrite(run, spoil_two)
    table = score(run, ScoringOptions(convention="aer-llm"))
    assert table.failed_as == "neutral"
    assert "aer_llm_js" in table.metrics
    assert row_of(table, "dictionary", "dictionary").scores["aer_llm_js"].utterances == 6


def test_unknown_names_suggest_the_nearest(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'aer-llm'"):
        score(run, ScoringOptions(convention="aer-lm"))
    with pytest.raises(UsageError, match="did you mean 'first'"):
        score(run, ScoringOptions(readouts=["frist"]))
    with pytest.raises(UsageError, match="no run here"):
        score(tmp_path / "nowhere")


def test_the_table_is_plain_json_without_nan(run: Run) -> None:
    rewrite(run, spoil_two)
    text = json.dumps(score(run).to_dict(), allow_nan=False)
    assert json.loads(text)["convention"] == "ambivox"
