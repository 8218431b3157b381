"""Intervals, noise ceiling, thirds and sensitivity in the table, and a reason wherever a number misleads."""

import io
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from ambivox.metrics import jsd_bits
from ambivox.present.text.scores import show_scores
from ambivox.readouts import load_readout
from ambivox.record import read_records, write_records
from ambivox.run import Run
from ambivox.scoring import ScoreRow, ScoreTable, ScoringOptions, score
from ambivox.statistics import mean_interval
from tests.present.runs import LABELS, Made, make_run
from tests.records import change
from tests.scoring.rows import find_row


def many_speakers(folder: Path, made: Made | None = None, n_speakers: int = 20) -> Run:
    """The made-up run with more speakers."""
    run = make_run(folder, made or Made(clips=60))
    [shard] = (folder / "records").glob("*.parquet")
    records = read_records(shard)
    places = {name: i for i, name in enumerate(dict.fromkeys(r.asked.utterance.id for r in records))}
    speakers = [f"s{places[r.asked.utterance.id] % n_speakers}" for r in records]
    moved = zip(records, speakers, strict=True)
    write_records([change(r, {"asked.utterance.speaker": speaker}) for r, speaker in moved], shard)
    return run


@pytest.fixture(scope="module")
def run(few_noise_draws: None, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """60 clips of 20 speakers."""
    return many_speakers(tmp_path_factory.mktemp("statistics") / "run")


@pytest.fixture(scope="module")
def table(run: Run) -> ScoreTable:
    """Its scores, as no option was given."""
    return score(run)


def row_of(table: ScoreTable, readout: str, prompt: str = "", control: str = "clip") -> ScoreRow:
    return find_row(table, readout, prompt, control)


def shown(table: ScoreTable, width: int = 160, **options: bool) -> str:
    console = Console(file=io.StringIO(), width=width)
    show_scores(console, table, **options)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_the_interval_of_a_row_is_that_of_its_clips_by_speaker(run: Run) -> None:
    found = row_of(score(run), "first", "word").intervals["jsd_bits"]
    values, speakers = [], []
    for record in run.records():
        if record.asked.prompt.name == "word":
            p = load_readout("first")(record).distribution
            counts = np.array([record.asked.utterance.votes[label] for label in LABELS])
            p = np.full(6, 1 / 6) if p is None else p
            values.append(float(jsd_bits(p, counts / counts.sum())))
            speakers.append(record.asked.utterance.speaker)
    expected = mean_interval(values, speakers)
    assert (found.estimate, found.low, found.high) == pytest.approx(
        (expected.estimate, expected.low, expected.high)
    )
    assert found.clusters == 20


OVER_CORPUS = ("ece", "vote_ece", "uar", "weighted_f1", "r2_per_emotion", "entropy_spearman")


def test_metrics_over_the_corpus_have_intervals_too(table: ScoreTable, tmp_path: Path) -> None:
    row = row_of(table, "first", "word")
    for name in OVER_CORPUS:
        found = row.intervals[name]
        assert found.estimate == pytest.approx(row.scores[name].value), name
        assert found.low < found.estimate < found.high, name
        assert found.clusters == 20
    assert row.intervals["vote_ece"].low >= 0
    assert row.intervals["uar"].high <= 1
    prior = row_of(table, "vote prior").intervals["uar"]
    assert prior.reason.text == "the prior is estimated from the votes that it is scored on"
    assert np.isnan(prior.low)
    few = row_of(score(many_speakers(tmp_path / "few", n_speakers=5)), "first", "word")
    assert few.intervals["ece"].reason.text == "5 speakers: an interval needs at least 12"


def test_a_wide_table_shows_the_intervals_of_all_its_metrics(table: ScoreTable) -> None:
    assert shown(table, 200).splitlines()[0].count("95%") > 2
    assert shown(table, 100).splitlines()[0].count("95%") <= 2


def test_every_convention_has_intervals_for_all_that_it_reports(run: Run) -> None:
    for convention in ("aer-llm", "scaling-ambiguity", "yu-2026"):
        row = row_of(score(run, ScoringOptions(convention=convention)), "first", "word")
        assert set(row.intervals) == set(row.scores), convention


def test_clips_on_which_prior_and_readout_are_both_perfect_are_still_there(table: ScoreTable) -> None:
    for row in table.rows:
        for name, found in row.skill_intervals.items():
            assert found.clusters == 20, (row.key, name)


def test_the_skill_has_an_interval_around_it(table: ScoreTable) -> None:
    row = row_of(table, "first", "word")
    found = row.skill_intervals["jsd_bits"]
    assert found.low < found.estimate < found.high
    assert found.estimate == pytest.approx(row.skill["jsd_bits"])


def test_the_vote_noise_is_a_row_beyond_what_can_be_asked_of_a_model(table: ScoreTable) -> None:
    noise, best = row_of(table, "noise ceiling"), row_of(table, "dictionary", "dictionary")
    assert 0 < noise.scores["jsd_bits"].value < row_of(table, "vote prior").scores["jsd_bits"].value
    assert 0 < noise.skill["jsd_bits"] < 1
    assert best.scores


def test_thirds_hold_all_clips_and_their_scores(table: ScoreTable) -> None:
    row = row_of(table, "first", "word")
    assert [third.tertile for third in row.tertiles] == ["least", "middle", "most"]
    assert sum(third.clips for third in row.tertiles) == 60
    whole = sum(third.clips * third.score for third in row.tertiles) / 60
    assert whole == pytest.approx(row.scores["jsd_bits"].value)


def test_one_speaker_gives_a_reason_in_place_of_every_interval(tmp_path: Path) -> None:
    table = score(many_speakers(tmp_path / "run", n_speakers=1))
    for row in table.rows:
        for found in (*row.intervals.values(), *row.skill_intervals.values()):
            assert np.isnan(found.low)
            assert found.reason
    assert "1 speaker: an interval needs at least 12" in shown(table)


def test_clips_of_few_speakers_can_be_asked_about_alone(tmp_path: Path) -> None:
    run = many_speakers(tmp_path / "run", n_speakers=2)
    table = score(run, ScoringOptions(cluster="clip"))
    assert not row_of(table, "first", "word").intervals["jsd_bits"].reason
    assert any("of these 2 speakers only" in note.text for note in table.notes)


def test_dialogues_hold_together_where_they_are_asked_for(tmp_path: Path) -> None:
    run = many_speakers(tmp_path / "run", n_speakers=2)
    [shard] = (tmp_path / "run" / "records").glob("*.parquet")
    records = read_records(shard)
    assert any(
        "no dialogues are known: intervals and tests are over clips" in note.text
        for note in score(run, ScoringOptions(cluster="dialogue")).notes
    )
    places = {name: i for i, name in enumerate(dict.fromkeys(r.asked.utterance.id for r in records))}
    write_records(
        [change(r, {"asked.utterance.dialogue": f"d{places[r.asked.utterance.id] // 4}"}) for r in records],
        shard,
    )
    table = score(run, ScoringOptions(cluster="dialogue"))
    found = row_of(table, "first", "word").intervals["jsd_bits"]
    assert (found.clusters, found.reason) == (15, None)  # 60 clips, four a dialogue
    assert any("over dialogues, of these 2 speakers only" in note.text for note in table.notes)
    clips = row_of(score(run, ScoringOptions(cluster="clip")), "first", "word").intervals["jsd_bits"]
    assert found.low != clips.low


def test_votes_of_one_rater_have_neither_thirds_nor_noise(tmp_path: Path) -> None:
    table = score(many_speakers(tmp_path / "run", Made(clips=60, votes=lambda u: {LABELS[u % 6]: 1})))
    assert row_of(table, "noise ceiling").scores == {}
    assert all(third.reason.code == "one-vote" for third in row_of(table, "first", "word").tertiles)
    text = shown(table, tertiles=True)
    assert "votes of one rater: their noise cannot be told from ambiguity" in text
    assert "no clip is more ambiguous than another" in text


def test_a_third_with_one_speaker_has_a_score_and_a_reason_in_place_of_a_skill(tmp_path: Path) -> None:
    counts = [{"angry": 10}, {"angry": 9, "sad": 1}, {"angry": 5, "sad": 5}]
    run = many_speakers(tmp_path / "run", Made(clips=6, votes=lambda u: counts[u % 3]), n_speakers=3)
    thirds = row_of(score(run), "first", "word").tertiles
    assert thirds[2].skill.reason.code == "one-speaker"
    assert np.isfinite(thirds[2].score)
    assert np.isnan(thirds[2].skill.estimate)


def test_too_few_clips_in_a_third_are_told(tmp_path: Path) -> None:
    counts = [{"angry": 10}, {"angry": 10}, {"angry": 9, "sad": 1}, {"angry": 5, "sad": 5}]
    table = score(many_speakers(tmp_path / "run", Made(clips=4, votes=lambda u: counts[u])))
    thirds = row_of(table, "first", "word").tertiles
    assert [third.clips for third in thirds] == [2, 1, 1]
    assert thirds[2].reason.text == "1 clip(s) in this third: at least 2 are needed"
    assert np.isnan(thirds[2].score)
    assert "1 clip(s) in this third" in shown(table, tertiles=True)


def test_a_label_that_is_never_voted_for_is_told(tmp_path: Path) -> None:
    made = Made(clips=60, votes=lambda u: {"angry": 1 + u % 5, "sad": u % 3, "neutral": u % 4})
    table = score(many_speakers(tmp_path / "run", made))
    assert any("never voted for: disgust, fear, happy" in note.text for note in table.notes)
    row = row_of(table, "first", "word")
    assert "never varies" in row.reasons["r2_per_emotion"].text


def test_a_readout_that_always_failed_has_a_reason_in_place_of_its_numbers(tmp_path: Path) -> None:
    table = score(many_speakers(tmp_path / "run", Made(clips=60, say=lambda *_: "no idea")))
    row = row_of(table, "dictionary", "dictionary")
    assert row.scores == {}
    assert row.reason.text == "all 60 readings failed (unparsed): a score would be that of a stand-in"
    assert row.reason.text in shown(table)


def test_zero_variance_has_a_reason_in_place_of_an_interval(tmp_path: Path) -> None:
    made = Made(clips=60, say=lambda *_: "angry", votes=lambda u: {"angry": 5, "sad": 5})
    table = score(many_speakers(tmp_path / "run", made))
    label = row_of(table, "label", "word")
    assert label.intervals["jsd_bits"].reason.text == "no variance: all speakers have the same value"
    assert label.reasons["entropy_spearman"].code == "equally-ambiguous"
    assert "no variance: all speakers have the same value" in shown(table)


def test_a_readout_undefined_on_some_clips_keeps_them_in_the_denominator(tmp_path: Path) -> None:
    made = Made(clips=60, offset=-30.0)  # negative logits have no share of their sum
    row = row_of(score(many_speakers(tmp_path / "run", made)), "mean(value=logit, normalise=sum)", "word")
    assert row.utterances == 60
    assert row.statuses["undefined"] > 0
    assert "undefined" in row.reason.text or row.scores["jsd_bits"].utterances == 60


def test_controls_stand_below_the_readout_they_control(tmp_path: Path) -> None:
    table = score(many_speakers(tmp_path / "run", Made(clips=30, controls=("clip", "silence"))))
    lines = shown(table).splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("  first"))
    assert lines[place + 1].startswith("    hearing silence")


@pytest.mark.parametrize("width", [80, 100, 160, 240])
def test_the_tables_fit_the_terminal(table: ScoreTable, width: int) -> None:
    text = shown(table, width, tertiles=True, sensitivity=True)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for name in ("uniform", "vote prior", "sharpened prior", "one-hot plurality", "noise ceiling"):
        assert f"\n  {name} " in text


def test_one_prompt_and_one_order_have_no_spread_but_a_reason(tmp_path: Path) -> None:
    table = score(many_speakers(tmp_path / "run", Made(clips=20, prompts=("word",))))
    assert {row.reason.fix for row in table.sensitivities} == {
        "give the study several order_seeds",
        "give the study several prompts that it can read",
    }


def test_the_spread_over_prompts_is_that_of_the_predictions(tmp_path: Path) -> None:
    run = many_speakers(tmp_path / "run", Made(clips=40, say=lambda *_: "angry"))
    [found] = [r for r in score(run).sensitivities if (r.over, r.key.readout) == ("prompts", "first")]
    p = [
        [load_readout("first")(r).distribution for r in run.records() if r.asked.prompt.name == prompt]
        for prompt in ("word", "dictionary")
    ]
    whole = np.var(np.array(p), axis=0, ddof=1).sum(axis=-1).mean()
    assert (found.conditions, found.clips) == (2, 40)
    assert found.of_mean**2 + found.of_single**2 == pytest.approx(whole)
