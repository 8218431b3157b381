"""Several processes read what one process reads."""

import os
import signal
import subprocess
import sys
import time
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


def test_a_reader_ends_when_the_one_that_asks_was_killed() -> None:
    asks = "; ".join(
        (
            "import os, time",
            "from concurrent.futures import ProcessPoolExecutor",
            "from multiprocessing import get_context",
            "from ambivox.scoring.parallel import die_with_the_parent",
            "pool = ProcessPoolExecutor(1, get_context('spawn'), die_with_the_parent)",
            "print(pool.submit(os.getpid).result(), flush=True)",
            "time.sleep(60)",
        )
    )
    with subprocess.Popen([sys.executable, "-c", asks], stdout=subprocess.PIPE, text=True) as asking:
        assert asking.stdout is not None
        reader = int(asking.stdout.readline())
        asking.kill()
    for _ in range(200):
        if not _runs(reader):
            return
        time.sleep(0.1)
    os.kill(reader, signal.SIGKILL)
    pytest.fail("it waits for work that will never come")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")  # one that ended, whom nobody has buried yet, is still there
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"
