"""A run that grows by a prompt, a model or a corpus asks only what is new."""

from pathlib import Path
from typing import Any

import pytest

from ambivox.errors import UnfinishedRunError, UsageError
from ambivox.run import Run, Study, run_study
from ambivox.study import CorpusSpec, ModelSpec
from tests.records import facts
from tests.run.test_runner import all_facts
from tests.run.test_trust import run_toy, stop_after
from tests.run.toy import ToyModel, write_corpus

SMALL = {"prompts": ("word", "dictionary")}
LARGE = {"prompts": ("letter", "word", "dictionary")}


def asked(*models: ToyModel) -> int:
    return sum(len(batch) for model in models for batch in model.batches)


def write_emo_db(folder: Path) -> Path:
    """Two clips named as those of EMO-DB are."""
    made = folder.with_name("made")
    write_corpus(made, n_clips=2)
    (folder / "wav").mkdir(parents=True)
    for place, name in enumerate(("03a01Fa.wav", "03a01Wa.wav")):
        (made / f"clip{place}.wav").rename(folder / "wav" / name)
    return folder


def changed(study: Study, **values: Any) -> Study:
    return study.model_copy(update=values)


def test_a_prompt_that_is_added_is_all_that_is_asked(study: Study, tmp_path: Path) -> None:
    run_toy(changed(study, **SMALL), tmp_path / "out")
    model = ToyModel()
    run = run_toy(changed(study, **LARGE), tmp_path / "out", model)
    assert asked(model) == 6
    assert all_facts(run) == all_facts(run_toy(changed(study, **LARGE), tmp_path / "fresh"))
    assert not (run.folder / "before").exists()
    assert run.strays() == []


def test_a_control_and_an_order_that_are_added_are_all_that_is_asked(study: Study, tmp_path: Path) -> None:
    run_toy(changed(study, **SMALL), tmp_path / "out")
    larger = changed(study, controls=("noise", "clip"), order_seeds=(None, 3), **SMALL)
    model = ToyModel()
    run = run_toy(larger, tmp_path / "out", model)
    assert asked(model) == 6 * 2 * 4 - 6 * 2
    assert all_facts(run) == all_facts(run_toy(larger, tmp_path / "fresh"))


@pytest.mark.parametrize("limit", [5, None])
def test_of_a_larger_limit_only_the_further_clips_are_asked(
    study: Study, tmp_path: Path, limit: int | None
) -> None:
    small, large = (
        changed(study, corpora=(study.corpora[0].model_copy(update={"limit": n}),), **SMALL)
        for n in (2, limit)
    )
    run_toy(small, tmp_path / "out")
    model = ToyModel()
    run = run_toy(large, tmp_path / "out", model)
    assert asked(model) == 2 * ((limit or 6) - 2)
    assert all_facts(run) == all_facts(run_toy(large, tmp_path / "fresh"))


def test_a_smaller_limit_is_another_study(study: Study, tmp_path: Path) -> None:
    run_toy(changed(study, **SMALL), tmp_path / "out")
    smaller = (study.corpora[0].model_copy(update={"limit": 2}),)
    with pytest.raises(UsageError, match="corpora"):
        run_toy(changed(study, corpora=smaller, **SMALL), tmp_path / "out")


def test_a_corpus_and_a_model_that_are_added_are_all_that_is_asked(study: Study, tmp_path: Path) -> None:
    small = changed(study, **SMALL)
    run_toy(small, tmp_path / "out")
    emo_db = CorpusSpec(name="emo-db", path=write_emo_db(tmp_path / "emo-db"))
    larger = changed(small, corpora=(emo_db, *study.corpora), models=(ModelSpec(name="b"), *study.models))
    first, known = ToyModel(name="b", fingerprint="b-1"), ToyModel()
    run = run_study(larger, tmp_path / "out", models=[first, known])
    assert (asked(first), asked(known)) == (2 * (6 + 2), 2 * 2)
    assert len(list(run.records())) == 2 * 2 * (6 + 2)


@pytest.mark.parametrize("stopped_after", [1, 7, 16])
def test_growing_goes_on_where_it_was_interrupted(study: Study, tmp_path: Path, stopped_after: int) -> None:
    run_toy(changed(study, **SMALL), tmp_path / "out")
    larger, first, then = changed(study, **LARGE), ToyModel(), ToyModel()
    with pytest.raises(KeyboardInterrupt):
        run_toy(larger, tmp_path / "out", first, report=stop_after(stopped_after))
    with pytest.raises(UnfinishedRunError):
        list(Run(tmp_path / "out").records())
    run = run_toy(larger, tmp_path / "out", then)
    assert asked(then) <= 6
    assert all_facts(run) == all_facts(run_toy(larger, tmp_path / "fresh"))


def test_growing_twice_before_it_is_done_loses_nothing(study: Study, tmp_path: Path) -> None:
    run_toy(changed(study, **SMALL), tmp_path / "out")
    with pytest.raises(KeyboardInterrupt):
        run_toy(changed(study, **LARGE), tmp_path / "out", report=stop_after(7))
    largest = changed(study, prompts=("percentages", "letter", "word", "dictionary"))
    model = ToyModel()
    run = run_toy(largest, tmp_path / "out", model)
    assert asked(model) <= 12
    assert all_facts(run) == all_facts(run_toy(largest, tmp_path / "fresh"))


def test_answers_on_clips_that_are_gone_stay_while_a_run_grows(study: Study, tmp_path: Path) -> None:
    before = [facts(record) for record in run_toy(changed(study, **SMALL), tmp_path / "out").records()]
    (tmp_path / "clips" / "clip3.wav").unlink()
    run = run_toy(changed(study, **LARGE), tmp_path / "out")
    kept = [r for r in run.records() if r.asked.prompt.name != "letter"]
    assert [facts(record) for record in kept] == before
    [new] = [r for r in run.records() if r.asked.prompt.name == "letter" and r.asked.utterance.id == "clip3"]
    assert new.reply is None


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"prompts": ("letter", "word")}, "prompts"),
        ({"seed": 1, **LARGE}, "seed"),
        ({"emotions": "iemocap4"}, "emotions"),
    ],
)
def test_a_study_that_lost_or_changed_something_is_another_one(
    study: Study, tmp_path: Path, values: dict[str, Any], key: str
) -> None:
    run_toy(changed(study, **SMALL), tmp_path / "out")
    with pytest.raises(UsageError, match=rf"another study \(differs in {key}\)"):
        run_toy(changed(study, **(SMALL | values)), tmp_path / "out")
    assert len(list(Run(tmp_path / "out").records())) == 12
