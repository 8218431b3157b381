"""Read the shards of a large run in several processes."""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from pathlib import Path

from ambivox.readouts import Readout
from ambivox.record import count_records, read_batches
from ambivox.run_folder import Run
from ambivox.scoring.gather import Answered, read_all

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
            for batch in read_batches(path):
                yield from read_all(batch, readouts)
        return
    with ProcessPoolExecutor(n_processes, get_context("spawn"), die_with_the_parent) as pool:
        try:
            for shard in _in_order(pool, paths, readouts, ahead=2 * n_processes):
                yield from shard
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _in_order(
    pool: ProcessPoolExecutor, paths: Sequence[Path], readouts: Sequence[Readout], ahead: int
) -> Iterator[list[Answered]]:
    """What was read of each shard; no more than `ahead` of them are in memory, however slow the reader is."""
    waiting: deque[Future[list[Answered]]] = deque()
    for path in paths:
        with _interrupts_ignored():  # a process is started when there is something for it to do
            waiting.append(pool.submit(_read_shard, path, readouts))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def die_with_the_parent() -> None:
    """Of a process that reads: end at Ctrl-C, which goes to all, and when the one that asks is gone.

    Whoever is killed can tell nobody, and a process of a pool would wait for work for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_outlive_nobody, daemon=True).start()


def _outlive_nobody() -> None:
    if parent := parent_process():
        parent.join()
        os._exit(1)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """What is started here ignores Ctrl-C while it loads."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _read_shard(path: Path, readouts: Sequence[Readout]) -> list[Answered]:
    """Without logits, which nobody asks for any more."""
    return [one.light() for batch in read_batches(path) for one in read_all(batch, readouts)]
