import json

import pytest

from ambivox.metrics import Score
from ambivox.present.html import write_report
from ambivox.present.html.summary import against_prior
from ambivox.scoring import ControlKey, RowKey, ScoreRow, ScoreTable, score
from ambivox.statistics import Interval
from tests.present.pages import report
from tests.present.runs import LABELS, Made, make_run
from tests.scoring.rows import find_row


def always(label):
    """A model that says one thing, and whose logits the test does not read."""
    return lambda clip, prompt, votes: label


def knows_the_votes(clip, prompt, votes):
    return json.dumps({label: float(v) / 10 for label, v in zip(LABELS, votes, strict=True)})


def test_names_the_best_readout_its_score_and_its_n(tmp_path):
    made = Made(prompts=("dictionary",), say=knows_the_votes)
    text = report(tmp_path, made).text
    assert "lower is better) the lowest of 2 scored rows is “dictionary” on the prompt “dictionary” " in text
    assert "with 0.000 over n = 40 readings" in text
    assert "is ahead of it (skill +1.000 on the same readings). Rows with positive skill: 2 of 2." in text


def test_says_that_the_vote_prior_is_not_beaten(tmp_path):
    made = Made(prompts=("word",), readouts=("label",), say=always("angry"))
    text = report(tmp_path, made).text
    assert "that readout does not beat it (skill -" in text
    assert "Rows with positive skill: 0 of 1." in text


def test_says_level_with_the_vote_prior_where_it_is(tmp_path):
    # Every speaker has as many angry as sad clips, so the vote prior is (1/2, 1/2) everywhere.
    half = json.dumps({label: 0.5 * (label in ("angry", "sad")) for label in LABELS})
    made = Made(
        prompts=("dictionary",),
        readouts=("dictionary",),
        say=always(half),
        votes=lambda clip: {"angry" if clip % 10 < 5 else "sad": 9},
    )
    assert "that readout is level with it (skill 0.000" in report(tmp_path, made).text


def test_a_perfect_vote_prior_cannot_be_beaten(tmp_path):
    text = report(tmp_path, Made(votes=lambda clip: {"angry": 5, "sad": 5})).text
    assert "already has 0.000: skill against it is undefined" in text
    assert "beats it" not in text


def test_says_when_hearing_made_no_difference(tmp_path):
    made = Made(controls=("clip", "silence"), prompts=("dictionary",), say=knows_the_votes)
    text = report(tmp_path, made).text
    assert "Given silence of the same length instead, the best readout has 0.000: no worse." in text
    assert "beyond chance is what 'ambivox claims' tests" in text


def test_says_by_how_much_the_best_readout_is_worse_without_the_clips(tmp_path):
    made = Made(controls=("clip", "silence"), prompts=("word",), readouts=("first",))
    table = score(make_run(tmp_path / "run", made))
    heard, silent = (
        find_row(table, "first", "word", control).scores["jsd_bits"].value for control in ("clip", "silence")
    )
    assert silent > heard
    text = report(tmp_path / "page", made).text
    assert f"the best readout has {silent:.3f}: worse by {silent - heard:.3f}." in text


def test_failures_of_the_best_readout_stay_in_sight(usual):
    assert "40 readings (7 failed, counted as uniform)" in usual.page.text


def test_a_small_sample_is_called_small_and_a_large_one_is_not(tmp_path):
    assert "With only 12 clips every number is uncertain" in report(tmp_path / "small", Made(clips=12)).text
    assert "With only" not in report(tmp_path / "large", Made(clips=100)).text


def test_one_utterance_has_no_prior_to_beat(tmp_path):
    text = report(tmp_path, Made(clips=1)).text
    assert "The vote prior has no score here" in text
    assert "beats" not in text
    assert "there is no other utterance to average" in text


def test_invented_votes_are_named_before_any_number(tmp_path):
    text = report(tmp_path, Made(votes_invented=True)).text
    assert text.index("its votes are invented") < text.index("What the table says")


def test_only_the_corpus_itself_says_that_its_votes_are_invented(tmp_path):
    page = report(tmp_path, Made(licence="made-up synthetic data"))
    assert "warning" not in [attrs.get("class") for _, attrs in page.tags]


def test_one_vote_per_clip_is_a_label_and_said_so(tmp_path):
    made = Made(votes=lambda clip: {LABELS[clip % 6]: 1})
    assert "every clip has one vote" in report(tmp_path, made).text


def test_a_model_that_did_not_hear_is_said_so(tmp_path):
    assert "the model did not hear the clip" in report(tmp_path, Made(audio_tokens=0)).text


def test_an_unfinished_run_is_said_so(tmp_path):
    run = make_run(tmp_path / "run")
    environment = json.loads((run.folder / "environment.json").read_text())
    environment["requests"] = 100
    (run.folder / "environment.json").write_text(json.dumps(environment))
    source = write_report(run, tmp_path / "report.html").read_text("utf-8")
    assert "the run is unfinished: 80 of 100 requests are recorded" in source


def test_clips_that_nobody_rated_are_noted_and_not_counted(tmp_path):
    made = Made(votes=lambda clip: {} if clip < 10 else {"angry": 4, "sad": clip % 5 + 1, "bored": 1})
    text = report(tmp_path, made).text
    assert "40 clips (92 s), 30 with votes that count" in " ".join(text.split())
    assert "10 clips left out: nobody rated them" in text
    assert "Scored: 30 clips of 5 speakers; votes per clip: 5 to 9, median 7." in text


def test_it_calls_itself_a_reconstruction(usual):
    text = usual.page.text
    assert "these results are a reconstruction and not a replication" in text
    assert "Halim et al. (arXiv 2505.18484)" in text


@pytest.mark.parametrize(
    ("low", "said"),
    [
        (
            -0.1,
            "is ahead of it, but not beyond chance (skill +0.300, 95% [-0.100, +0.600], on the same",
        ),
        (0.1, "beats it (skill +0.300, 95% [+0.100, +0.600], on the same readings)"),
    ],
)
def test_a_readout_beats_the_prior_only_beyond_chance(low, said):
    of = {"statuses": {"ok": 40}, "utterances": 40, "failed": 0}
    prior = ScoreRow(
        ControlKey("made up", "vote-prior"), level="control", scores={"jsd_bits": Score(0.3, 40)}, **of
    )
    best = ScoreRow(
        RowKey("made up", "m", prompt="word", readout="first"), level="token",
        scores={"jsd_bits": Score(0.21, 40)}, skill={"jsd_bits": 0.3},
        skill_intervals={"jsd_bits": Interval(0.3, low, 0.6, 20)}, **of,
    )  # fmt: skip
    table = ScoreTable("ambivox", "", ("jsd_bits",), "drop", "uniform", (prior, best), ())
    assert said in against_prior(table, [best])
