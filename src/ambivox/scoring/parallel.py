"""Read the shards of a large run in several processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

from ambivox.readouts import Readout
from ambivox.record import count_records, read_records
from ambivox.run_folder import Run
from ambivox.scoring.gather import Answered, read_record

WORTH_IT = 10_000
"""With fewer records than these, starting processes takes longer than they save."""


def answered(run: Run, readouts: Sequence[Readout], n_processes: int = 1) -> Iterator[Answered]:
    """All records of a run with their readings, in the order of the plan.

    Args:
        n_processes: a program that asks for several has to be importable without running (it is started
            again in each of them), as the command line is.
    """
    paths = run.shards()
    n_processes = min(n_processes, len(paths))
    if n_processes < 2 or sum(map(count_records, paths)) < WORTH_IT:
        for path in paths:
            yield from (read_record(record, readouts) for record in read_records(path))
        return
    with ProcessPoolExecutor(n_processes, mp_context=get_context("spawn")) as pool:
        for shard in pool.map(_read_shard, paths, repeat(readouts)):
            yield from shard


def _read_shard(path: Path, readouts: Sequence[Readout]) -> list[Answered]:
    """Without logits, which nobody asks for any more."""
    return [read_record(record, readouts).light() for record in read_records(path)]
