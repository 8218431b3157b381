"""Several processes read what one process reads."""

from pathlib import Path

import pytest

from ambivox import record
from ambivox.readouts import load_readouts
from ambivox.record import count_records, read_records, write_records
from ambivox.scoring import parallel, read_run, score, score_runs
from ambivox.scoring.gather import gather, read_all
from tests.present.runs import Made, make_run
from tests.records import note_shards


def test_two_processes_score_like_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path / "run", Made(clips=24))
    [shard] = run.shards()
    records = read_records(shard)
    for n in range(3):
        write_records(records[n * 16 : (n + 1) * 16], run.shard_path(0, n))
    note_shards(run)
    assert sum(map(count_records, run.shards())) == 48
    alone = score(run)
    monkeypatch.setattr(parallel, "WORTH_IT", 0)
    assert score(run, n_processes=2).to_dict() == alone.to_dict()


def test_records_read_a_few_at_a_time_score_like_all_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path / "run", Made(clips=24))
    whole = score(run)
    monkeypatch.setattr(record, "_AT_ONCE", 5)
    assert score(run).to_dict() == whole.to_dict()


def test_a_record_sent_from_another_process_is_read_the_same(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", Made(clips=12))
    readouts = load_readouts(["label", "dictionary", "first"])
    light = [one.light() for one in read_all(list(run.records()), readouts)]
    assert not any(len(one.record.replied.token_logits) for one in light if one.record.reply)
    whole = read_all(list(run.records()), readouts)
    [a], [b] = gather(light)[0], gather(whole)[0]
    for one, other in zip(a.readings, b.readings, strict=True):
        assert one.p.tolist().__repr__() == other.p.tolist().__repr__()
        assert one.statuses == other.statuses


def test_what_was_said_is_kept_only_where_it_is_asked_for(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", Made(clips=12))
    whole, without = read_run(run), read_run(run, texts=False)
    kept = [text for said in (whole.facts.texts or {}).values() for text in said.values()]
    assert sorted(kept) == sorted(one.reply.text for one in run.records() if one.reply)
    assert without.facts.texts is None
    assert score_runs([without]).to_dict() == score_runs([whole]).to_dict()
