"""Several runs in one table."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ambivox.errors import UsageError
from ambivox.metrics import METRICS
from ambivox.run import Run
from ambivox.scoring import ControlKey, RowKey, ScoreTable, ScoringOptions, read_run, score
from ambivox.scoring.several_runs import run_names
from ambivox.scoring.table import plain
from ambivox.statistics import mean_interval
from tests.present.runs import LABELS, Made, make_run

OPTIONS = ScoringOptions(cluster="clip", n_draws=200)

Make = Callable[..., Run]


def votes(clip: int) -> dict[str, int]:
    """Votes that hang on nothing but the clip."""
    rng = np.random.default_rng(clip)
    drawn = rng.multinomial(10, rng.dirichlet(np.full(6, 0.5)))
    return {label: int(n) for label, n in zip(LABELS, drawn, strict=True)}


def other_votes(clip: int) -> dict[str, int]:
    return votes(clip + 1) if clip == 3 else votes(clip)


def maker(folder: Path) -> Make:
    def make(name: str, **made: object) -> Run:
        usual = Made(clips=20, prompts=("word",), readouts=("label", "first"), votes=votes)
        return make_run(folder / name, replace(usual, **made))  # type: ignore[arg-type]

    return make


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return maker(tmp_path)


@pytest.fixture(scope="module")
def two_models(few_noise_draws: None, tmp_path_factory: pytest.TempPathFactory) -> ScoreTable:
    """Two models on the same clips, in one table."""
    make = maker(tmp_path_factory.mktemp("runs"))
    return score([make("a"), make("b", model="other")], OPTIONS)


def without_run(row: object) -> dict[str, object]:
    found = plain(row)
    del found["key"]["run"]
    return found


def test_every_number_is_that_of_the_run_alone_to_the_last_bit(make: Make) -> None:
    runs = [make("a"), make("b", model="other", controls=("clip", "silence"))]
    table = score(runs, OPTIONS)
    for run, name in zip(runs, ("a", "b"), strict=True):
        alone = score(run, OPTIONS)
        own = [row for row in table.rows if row.key.run in (name, "")]
        assert [without_run(row) for row in own] == [without_run(row) for row in alone.rows]


def test_controls_stand_there_once_where_the_clips_are_the_same(two_models: ScoreTable) -> None:
    controls = [row.key for row in two_models.rows if isinstance(row.key, ControlKey)]
    assert len(controls) == len(set(controls)) == 5
    assert {key.run for key in controls} == {""}
    assert two_models.control("crema-d", "vote-prior") is not None


def test_controls_stand_there_for_each_run_where_the_clips_differ(make: Make) -> None:
    table = score([make("a"), make("b", clips=18)], OPTIONS)
    controls = [row.key for row in table.rows if isinstance(row.key, ControlKey)]
    assert [(key.control, key.run) for key in controls].count(("vote-prior", "b")) == 1
    [note] = [note for note in table.notes if note.code == "other-clips"]
    assert note.run == "b"
    assert "18 scored clips and a has 20, of which 18 are the same" in note.text


def test_what_is_noted_of_all_runs_is_told_once(two_models: ScoreTable) -> None:
    noted = [note.run for note in two_models.notes if note.code == "these-speakers-only"]
    assert noted == [""]


@pytest.mark.parametrize("failed_as", ["uniform", "excluded"])
def test_a_difference_is_the_mean_over_clips_of_both_with_its_interval(make: Make, failed_as: str) -> None:
    options = replace(OPTIONS, failed_as=failed_as)
    runs = [make("a"), make("b", clips=18, model="other", say=lambda clip, prompt, votes: "sad")]
    table = score(runs, options)
    [found] = [one for one in table.differences if one.key.readout == "label"]
    assert (found.between, found.clips) == ("models", 18)
    assert (found.key.run, found.reference.run) == ("b", "a")
    jsd, per_clip = METRICS["jsd_bits"].function, []
    for run in runs:
        [corpus] = read_run(run, options).corpora
        [own] = [one for one in corpus.readings if one.key.readout == "label"]
        p = own.p if failed_as == "excluded" else np.where(np.isnan(own.p), 1 / 6, own.p)
        truths = corpus.clips.q[own.clips]
        values = [np.nan if np.isnan(one[0]) else jsd(one, q) for one, q in zip(p, truths, strict=True)]
        per_clip.append(values[:18])
    gained = np.subtract(per_clip[1], per_clip[0])
    expected = mean_interval(gained, range(18), n_draws=19_999, unit="clips")
    shown = found.intervals["jsd_bits"]
    assert shown.estimate == pytest.approx(np.nanmean(gained), abs=1e-12)
    assert (shown.low, shown.high, shown.p) == pytest.approx((expected.low, expected.high, expected.p))
    assert 0 < found.p_holm["jsd_bits"] <= 1


def test_a_difference_of_a_metric_over_the_corpus_is_that_of_the_scores(make: Make) -> None:
    options = replace(OPTIONS, metrics=("vote_ece", "uar"))
    table = score([make("a"), make("b", model="other", offset=1.0, say=lambda *_: "sad")], options)
    rows = {row.key: row for row in table.rows}
    [found] = [one for one in table.differences if one.key.readout == "label"]
    assert set(found.intervals) == {"vote_ece", "uar"}
    for metric, interval in found.intervals.items():
        expected = rows[found.key].scores[metric].value - rows[found.reference].scores[metric].value
        assert expected != 0
        assert interval.estimate == pytest.approx(expected, abs=1e-12)


def test_rows_are_compared_with_the_nearest_of_the_first_run(make: Make) -> None:
    first = make("first", prompts=("word", "dictionary"))
    same = make("same", prompts=("word",))
    model = make("model", model="other", prompts=("word",))
    prompt = make("prompt", prompts=("letter",))
    table = score([first, same, model, prompt], OPTIONS)
    pairs = {
        (one.key.run, one.key.prompt, one.reference.prompt, one.between)
        for one in table.differences
        if one.key.readout == "first"
    }
    assert pairs == {
        ("same", "word", "word", "runs"),
        ("model", "word", "word", "models"),
        ("prompt", "letter", "word", "prompts"),
        ("prompt", "letter", "dictionary", "prompts"),
    }


def test_a_row_without_a_score_has_no_difference_and_says_why(make: Make) -> None:
    silent = make("b", model="other", say=lambda *_: None)
    table = score([make("a"), silent], OPTIONS)
    assert {one.intervals["jsd_bits"].reason.code for one in table.differences} == {"all-failed"}  # type: ignore[union-attr]


def test_runs_of_other_corpora_stand_side_by_side_without_differences(make: Make) -> None:
    table = score([make("a"), make("b", corpus="other")], OPTIONS)
    assert table.corpora == ("crema-d", "other")
    assert table.runs == ("a", "b")
    assert table.differences == ()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"votes": other_votes},
            "a and b: crema-d: different truths: the votes on '1003_DFA_003' have changed",
        ),
        (
            {"changes": {"asked.utterance.speaker": "nobody else"}},
            "a and b: crema-d: '1000_DFA_000' is of 1000 in one and of nobody else in the other",
        ),
        (
            {"changes": {"asked.emotions.labels": ("furious", *LABELS[1:])}, "prompts": ("dictionary",)},
            "a and b: different emotion sets",
        ),
    ],
)
def test_runs_that_do_not_belong_in_one_table_are_refused_in_one_line(
    make: Make, changed: dict[str, object], message: str
) -> None:
    runs = [make("a"), make("b", **changed)]
    with pytest.raises(UsageError, match=message) as error:
        score(runs, OPTIONS)
    assert "\n" not in str(error.value)


def test_a_run_given_twice_is_refused(make: Make) -> None:
    run = make("a")
    with pytest.raises(UsageError, match="given twice"):
        score([run, str(run.folder)], OPTIONS)


def test_no_run_is_refused() -> None:
    with pytest.raises(UsageError, match="no run is given"):
        score([], OPTIONS)


def test_names_tell_folders_apart() -> None:
    assert run_names([Run("x/a"), Run("x/b")]) == ["a", "b"]
    assert run_names([Run("x/a"), Run("y/a"), Run("y/b")]) == ["x/a", "y/a", "y/b"]


def test_the_run_is_a_column_of_the_arrow_table(two_models: ScoreTable) -> None:
    table = two_models.to_arrow()
    assert set(table["run"].to_pylist()) == {None, "a", "b"}


def test_keys_of_one_run_name_none(make: Make) -> None:
    table = score(make("a"), OPTIONS)
    assert {row.key.run for row in table.rows if isinstance(row.key, RowKey)} == {""}
    assert table.runs == ()


def test_differences_are_a_table_with_both_rows_and_their_p_values(two_models: ScoreTable) -> None:
    rows = two_models.differences_to_arrow().to_pylist()
    pairs = [(one, name) for one in two_models.differences for name in one.intervals]
    assert len(rows) == len(pairs) > 0
    for row, (one, name) in zip(rows, pairs, strict=True):
        assert (row["run"], row["reference_run"], row["between"]) == ("b", "a", "models")
        assert (row["model"], row["reference_model"]) == ("other", one.reference.model)
        assert (row["metric"], row["clips"]) == (name, 20)
        found = one.intervals[name]
        numbers = found.estimate, found.low, found.high, found.p, one.p_holm[name]
        there = [None if np.isnan(number) else number for number in numbers]
        assert [row[column] for column in ("difference", "low", "high", "p", "p_holm")] == there


def test_of_one_run_there_are_no_differences(make: Make) -> None:
    assert score(make("a"), OPTIONS).differences_to_arrow().num_rows == 0
