"""What is the same for several clips is asked once, and the records say so."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from ambivox.models import load_model
from ambivox.run import Progress, Study, run_study
from ambivox.run import answer_cache as known
from ambivox.run.ask import ask, with_keys
from ambivox.run.plan import Plan, look_up
from tests.records import facts
from tests.run.toy import ToyModel

SHARED = {"controls": ("clip", "no-audio", "silence", "noise"), "shard_size": 20, "batch_size": 7}


@pytest.fixture
def controlled(study: Study, tmp_path: Path) -> Study:
    soundfile.write(
        tmp_path / "clips" / "clip4.wav", 0.2 * np.sin(np.arange(9_000)), 16_000
    )  # the one of another length
    return study.model_copy(update=SHARED)


def n_asked(model: ToyModel) -> int:
    return sum(map(len, model.batches))


def test_each_prompt_without_a_clip_is_asked_once_and_silence_once_for_each_length(
    controlled: Study, tmp_path: Path
) -> None:
    model = ToyModel()
    records = list(run_study(controlled, tmp_path / "out", models=[model]).records())
    n_prompts = len(controlled.prompts)
    # The clips and their noise, six of each; nothing at all; silence of two lengths.
    assert n_asked(model) == (6 + 6 + 1 + 2) * n_prompts
    assert sum(record.answer_of is None for record in records) == n_asked(model)
    assert len(records) == 6 * 4 * n_prompts


def test_shared_answers_are_those_that_every_clip_would_get_by_itself(
    controlled: Study, tmp_path: Path
) -> None:
    model = ToyModel()
    records = list(run_study(controlled, tmp_path / "out", models=[model]).records())
    planned = with_keys(list(Plan(look_up(controlled), model)), seed=0)
    alone = [ask(model, [one])[0] for one in planned]
    assert [facts(r, ("answer_of",)) for r in records] == [facts(r, ("answer_of",)) for r in alone]
    by_key = {record.key: record for record in records}
    for record in records:
        if record.answer_of is not None:
            other = by_key[record.answer_of]
            assert other.answer_of is None, "a record must refer to one that was asked"
            assert (other.asked.prompt.text, other.asked.control) == (
                record.asked.prompt.text,
                record.asked.control,
            )
            assert record.replied.time_s == 0.0


@pytest.mark.parametrize("limit", [known.LIMIT, 3])
@pytest.mark.parametrize("stop_after", [1, 25, 60])
def test_a_run_that_goes_on_shares_the_same_answers(
    controlled: Study, tmp_path: Path, stop_after: int, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known, "LIMIT", limit)
    whole = [facts(r) for r in run_study(controlled, tmp_path / "whole", models=[ToyModel()]).records()]

    def interrupt(progress: Progress) -> None:
        if progress.done >= stop_after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_study(controlled, tmp_path / "cut", models=[ToyModel()], report=interrupt)
    again = run_study(controlled, tmp_path / "cut", models=[ToyModel()])
    assert [facts(r) for r in again.records()] == whole


def test_no_record_refers_to_one_that_is_no_longer_there(controlled: Study, tmp_path: Path) -> None:
    run_study(controlled, tmp_path / "out", models=[ToyModel()])
    soundfile.write(tmp_path / "clips" / "clip0.wav", np.full(8_000, 0.2), 16_000)  # of the same length
    records = list(run_study(controlled, tmp_path / "out", models=[ToyModel()]).records())
    keys = {record.key for record in records}
    assert all(record.answer_of in keys for record in records if record.answer_of is not None)


def test_where_the_first_one_fails_the_next_is_asked(controlled: Study, tmp_path: Path) -> None:
    model = ToyModel(fails_on=("clip0.wav",))
    records = list(run_study(controlled, tmp_path / "out", models=[model]).records())
    assert {r.asked.utterance.id for r in records if r.error} == {"clip0"}


def test_sampled_answers_are_drawn_for_every_clip(controlled: Study, tmp_path: Path) -> None:
    sampled = controlled.model_copy(
        update={"readouts": ("frequency",), "controls": ("no-audio",), "n_draws": 3}
    )
    records = list(run_study(sampled, tmp_path / "out", models=[ToyModel()]).records())
    assert all(record.answer_of is None for record in records)


def test_mini_answers_shared_and_single_requests_alike(data_dir: Path, tmp_path: Path) -> None:
    study = Study.model_validate(
        {
            "corpora": [{"name": "crema-d", "path": data_dir / "crema-d", "limit": 3}],
            "prompts": ["word", "percentages"],
            "controls": ["no-audio"],
            "readouts": ["sequence", "expected"],
        }
    )
    model = load_model("mini")
    records = list(run_study(study, tmp_path / "out", models=[model]).records())
    assert sum(record.answer_of is not None for record in records) == 4
    for planned, record in zip(Plan(look_up(study), model), records, strict=True):
        [alone] = ask(model, [planned])
        assert alone.replied.text == record.replied.text
        np.testing.assert_allclose(*(one.replied.token_logits for one in (alone, record)), atol=1e-4)
