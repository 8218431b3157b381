"""What is the same for several clips is asked once, and the records say so."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from ambivox import record as record_module
from ambivox.models import load_model
from ambivox.record import Record, read_records
from ambivox.run import Progress, Study, run_study
from ambivox.run import answer_cache as known
from ambivox.run.ask import ask, with_keys
from ambivox.run.plan import look_up, plan
from tests.run.toy import ToyModel

ANSWER = (
    "status",
    "text",
    "token_ids",
    "audio_tokens",
    "token_logits",
    "logsumexp",
    "sequence_logp",
    "duration_s",
)
SHARED = {"controls": ("clip", "no-audio", "silence", "noise"), "shard_size": 20, "batch_size": 7}


@pytest.fixture
def controlled(study: Study, tmp_path: Path) -> Study:
    soundfile.write(
        tmp_path / "clips" / "clip4.wav", np.full(9_000, 0.2), 16_000
    )  # the one of another length
    return study.model_copy(update=SHARED)


def facts(record: Record, but: tuple[str, ...] = ()) -> dict[str, Any]:
    values = {f.name: getattr(record, f.name) for f in fields(Record) if f.name not in ("time_s", *but)}
    return {name: v.tolist() if isinstance(v, np.ndarray) else v for name, v in values.items()}


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
    planned = with_keys(list(plan(look_up(controlled), model)), seed=0)
    alone = [ask(model, [one])[0] for one in planned]
    assert [facts(r, ("answer_of",)) for r in records] == [facts(r, ("answer_of",)) for r in alone]
    by_key = {record.key: record for record in records}
    for record in records:
        if record.answer_of is not None:
            other = by_key[record.answer_of]
            assert other.answer_of is None, "a record must refer to one that was asked"
            assert (other.prompt_text, other.control) == (record.prompt_text, record.control)
            assert record.time_s == 0.0


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
    assert {r.utterance for r in records if r.status == "failed"} == {"clip0"}


def test_sampled_answers_are_drawn_for_every_clip(controlled: Study, tmp_path: Path) -> None:
    sampled = controlled.model_copy(
        update={"readouts": ("frequency",), "controls": ("no-audio",), "n_draws": 3}
    )
    records = list(run_study(sampled, tmp_path / "out", models=[ToyModel()]).records())
    assert all(record.answer_of is None for record in records)


def test_records_of_before_answers_were_shared_are_read(
    controlled: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_study(controlled, tmp_path / "out", models=[ToyModel()])
    path = run.shard_path(0, 0)
    records, table = read_records(path), pq.read_table(path)
    older = table.drop_columns("answer_of").replace_schema_metadata({"ambivox_schema": "2"})
    pq.write_table(older, path)
    assert [facts(r) for r in read_records(path)] == [facts(r) | {"answer_of": None} for r in records]
    assert record_module.SCHEMA_VERSION == 3


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
    for planned, record in zip(plan(look_up(study), model), records, strict=True):
        [alone] = ask(model, [planned])
        assert alone.text == record.text
        np.testing.assert_allclose(*(np.asarray(one.token_logits) for one in (alone, record)), atol=1e-4)
