"""What scoring takes, in time and memory: 11 readouts with 2,000 bootstrap draws.

``python -m benchmarks.scoring [--records 100000]`` writes made-up records into a temporary run, scores them
as ``ambivox score`` does, prints what it took and puts it into benchmarks/results/scoring.json and .md.
``--replayed`` reads 8,000 of the records, and hands what was read on under other names until there are
enough: the memory of the process that scores, without the hour that reading a million takes.
"""

from __future__ import annotations

import argparse
import cProfile
import itertools
import json
import os
import platform
import pstats
import resource
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from ambivox.corpora import Utterance
from ambivox.emotions import load_emotions
from ambivox.manifest import Manifest
from ambivox.models import Request
from ambivox.prompts import load_prompt
from ambivox.readouts import Readout
from ambivox.record import AskedUtterance, Record, Sound, read_batches, write_records
from ambivox.run import Run, Study
from ambivox.run.plan import unanswered
from ambivox.scoring import ScoringOptions, score
from ambivox.scoring.gather import Answered, read_all
from ambivox.testing.listener import Listener, sound_of

EMOTIONS = load_emotions("cremad6")
PROMPTS = ("word", "letter", "dictionary", "percentages")
READOUTS = (
    "label",  # of words and letters
    "dictionary",  # of dictionaries and percentages: every record has one of the two
    "first",
    "first(join=max)",
    "mean",
    "mean(value=logit, normalise=sum)",
    "mean(value=log-probability, normalise=softmax)",
    "answer",
    "expected",
    "sequence",
    "sequence(per_token=true)",
)
SPEAKERS, SOUNDS, SHARD, MADE = 91, 40, 2000, 4
RESULTS = Path(__file__).parent / "results" / "scoring.json"


def answers(prompt: str, rng: np.random.Generator) -> list[Record]:
    """A listener's answers to one prompt on some sounds."""
    listener = Listener(format_errors=0.05)
    rendered = load_prompt(prompt).render(EMOTIONS)
    label_tokens = listener.label_tokens(rendered.answers, numbers=True)
    records = []
    for _ in range(SOUNDS):
        request = Request(sound_of(rng.dirichlet(np.ones(6)), duration_s=0.1), rendered, label_tokens)
        [reply], [logp] = listener.generate([request]), listener.score([request])
        utterance = Utterance(id="", audio=Path("clip.wav"))
        asked = unanswered(utterance, rendered, EMOTIONS, listener, label_tokens)
        records.append(asked.answered(replace(reply, sequence_logp=logp), Sound(0.1)))
    return records


def records(n_records: int, seed: int = 0) -> Iterator[Record]:
    """Records of as many clips as there are prompts to each, logits and votes drawn for every one."""
    rng = np.random.default_rng(seed)
    pools = [answers(prompt, rng) for prompt in PROMPTS]
    for i in range(n_records):
        clip, pool = i // len(PROMPTS), pools[i % len(PROMPTS)]
        record = pool[int(rng.integers(SOUNDS))]
        if i % len(PROMPTS) == 0:
            counts = rng.multinomial(9, rng.dirichlet(np.ones(6))).tolist()
        votes = dict(zip(EMOTIONS.labels, counts, strict=True))
        logits = record.replied.token_logits
        moved = logits + rng.normal(0, 0.3, logits.shape).astype(np.float32)
        speaker = f"speaker{clip % SPEAKERS}"
        utterance = AskedUtterance("made up", f"clip{clip}", speaker, None, None, votes)
        yield replace(
            record,
            key=f"{i}",
            asked=replace(record.asked, utterance=utterance),
            reply=replace(record.replied, token_logits=moved),
        )


def write_run(folder: Path, n_records: int) -> None:
    """A run of these records: some made up, the rest copies of them with clips of their own names."""
    (folder / "records").mkdir(parents=True)
    made = [folder / f"{n}.parquet" for n in range(MADE)]
    pool = records(MADE * SHARD)
    for path in made:
        write_records(itertools.islice(pool, SHARD), path)
    manifest = Manifest(plan="made up", requests=n_records // SHARD * SHARD)
    for n in range(n_records // SHARD):
        copy = _renamed(pq.read_table(made[n % MADE]), f"copy{n}")
        path = folder / "records" / f"00-{n:06d}.parquet"
        pq.write_table(copy, path, compression="zstd", write_page_checksum=True)
        manifest.add(path, [SimpleNamespace(key=key) for key in copy["key"].to_pylist()])
    for path in made:
        path.unlink()
    study = Study.model_validate(
        {"corpora": [{"name": "manifest", "path": "m.csv"}], "prompts": PROMPTS, "controls": ["clip"]}
    )
    (folder / "study.yaml").write_text(yaml.safe_dump(study.model_dump(mode="json")), encoding="utf-8")
    (folder / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")


def _renamed(shard: pa.Table, name: str) -> pa.Table:
    """A shard of records whose clips and keys have a name of their own."""

    def named(texts: pa.Array) -> pa.Array:
        return pc.binary_join_element_wise(texts, name, " ")

    asked = shard["asked"].combine_chunks()
    utterance = asked.field("utterance")
    utterance = _with_child(utterance, "id", named(utterance.field("id")))
    columns = {"key": named(shard["key"]), "asked": _with_child(asked, "utterance", utterance)}
    return pa.table([columns.get(one, shard[one]) for one in shard.column_names], schema=shard.schema)


def _with_child(struct: pa.StructArray, name: str, values: pa.Array) -> pa.StructArray:
    children = [values if field.name == name else struct.field(field.name) for field in struct.type]
    return pa.StructArray.from_arrays(children, fields=list(struct.type))


def _cpu_s() -> float:
    """Processor time of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def _load() -> float:
    return round(os.getloadavg()[0], 1)


def _peak_mib(who: int) -> int:
    return round(resource.getrusage(who).ru_maxrss / 1024)


class Sampled:
    """The most memory of this process that no file backs, looked at five times a second.

    What is mapped from a file counts to the resident memory of a process too, until the system takes it back
    for others.
    """

    def __init__(self) -> None:
        self.peak_mib = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Sampled:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.2):
            lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
            [kib] = [int(line.split()[1]) for line in lines if line.startswith("RssAnon:")]
            self.peak_mib = max(self.peak_mib, round(kib / 1024))


def replayed(run: Run, n_records: int, readouts: Sequence[Readout]) -> Iterator[Answered]:
    """The records of a run with their readings, again and again under names of their own."""
    pool = [
        one.light()
        for path in run.shards()
        for batch in read_batches(path)
        for one in read_all(batch, readouts)
    ]
    for n in range(n_records // len(pool)):
        for one in pool:
            asked = one.record.asked
            utterance = replace(asked.utterance, id=f"replay{n} {asked.utterance.id}")
            record = replace(one.record, asked=replace(asked, utterance=utterance))
            yield replace(one, record=record)


def measured_replayed(folder: Path, n_draws: int, n_records: int) -> dict[str, Any]:
    """What `measured` finds when what was read of a small run comes again and again."""

    def answered(run: Run, readouts: Sequence[Readout], _: int) -> Iterator[Answered]:
        return replayed(run, n_records, readouts)

    with patch("ambivox.scoring.read_run.answered", answered):
        return {**measured(folder, n_draws, 1), "records": n_records, "replayed": True}


def measured(folder: Path, n_draws: int, n_processes: int, profiled: bool = False) -> dict[str, Any]:
    """What scoring a run takes; in a process that has done nothing else, whose peak is that of scoring."""
    loads, started_s, cpu_s = [_load()], time.perf_counter(), _cpu_s()
    run, profile = Run(folder), cProfile.Profile()
    options = ScoringOptions(readouts=READOUTS, n_draws=n_draws)
    if profiled:
        profile.enable()
    with Sampled() as sampled:
        table = score(run, options, n_processes=n_processes)
    if profiled:
        profile.disable()
        pstats.Stats(profile).sort_stats("cumulative").print_stats(35)
    return {
        "records": run.progress()[0],
        "readouts": len(READOUTS),
        "rows": len(table.rows),
        "draws": n_draws,
        "wall_s": round(time.perf_counter() - started_s, 1),
        "cpu_s": round(_cpu_s() - cpu_s, 1),
        "processes": n_processes,
        "cores": os.cpu_count(),
        "load_before_and_after": [*loads, _load()],
        "peak_anonymous_mib": sampled.peak_mib,
        "peak_mib": _peak_mib(resource.RUSAGE_SELF),
        "peak_mib_of_largest_reader": _peak_mib(resource.RUSAGE_CHILDREN),
        "platform": platform.platform(),
    }


def _kind(report: Mapping[str, Any]) -> tuple[bool, int]:
    return report.get("replayed", False), report["records"]


def keep(report: dict[str, Any]) -> None:
    """Put what was measured among the results, in place of what was measured at the same size."""
    earlier = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    kinds = {_kind(one): one for one in [*earlier, report]}
    every = [kinds[kind] for kind in sorted(kinds)]
    RESULTS.write_text(json.dumps(every, indent=2) + "\n", encoding="utf-8")
    RESULTS.with_suffix(".md").write_text(as_table(every), encoding="utf-8")


def as_table(every: Sequence[dict[str, Any]]) -> str:
    """What scoring takes against the number of records, in Markdown."""
    lines = [
        "# Scoring: memory and time against the number of records",
        "",
        f"`python -m benchmarks.scoring --records N`: {len(READOUTS)} readouts of made-up records of "
        f"{len(PROMPTS)} prompts, of which each is read by nine or ten.",
        "Peaks are resident memory of one process, its libraries included: first what no file backs, then "
        "with what is mapped from files, which the system takes back where memory is short. Wall times are "
        "those of a quiet machine only where the load before was near 0.",
        "Replayed (`--replayed`): 8,000 records were read, and what was read handed on under other names.",
        "",
        "| records | process that scores, MiB | more per record, bytes | with mapped files, MiB | "
        "largest reader, MiB | processes | processor time, s | wall time, s | load before, after |",
        "|---" * 9 + "|",
    ]
    for before, one in itertools.pairwise([None, *every]):
        more = ""
        if before and _kind(before)[0] == _kind(one)[0]:
            added_mib = one["peak_anonymous_mib"] - before["peak_anonymous_mib"]
            more = f"{added_mib * 2**20 / (one['records'] - before['records']):,.0f}"
        loads = ", ".join(map(str, one["load_before_and_after"]))
        again = ", replayed" if one.get("replayed") else ""
        lines.append(
            f"| {one['records']:,}{again} | {one['peak_anonymous_mib']:,} | {more} | {one['peak_mib']:,} | "
            f"{one['peak_mib_of_largest_reader']:,} | {one['processes']} | {one['cpu_s']:,.0f} | "
            f"{one['wall_s']:,.0f} | {loads} |"
        )
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--folder", type=Path, help="keep the run here, or use the one that is there")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument(
        "--replayed", action="store_true", help="read 8,000 records, and score as many as asked"
    )
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as scratch,
        # Neither the making of a run nor what made it counts: a process inherits the peak of its parent.
        ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as apart,
    ):
        folder = arguments.folder or Path(scratch) / "run"
        if not folder.exists():
            written = MADE * SHARD if arguments.replayed else arguments.records
            apart.submit(write_run, folder, written).result()
        if arguments.replayed:
            report = apart.submit(measured_replayed, folder, arguments.draws, arguments.records).result()
        else:
            report = apart.submit(
                measured, folder, arguments.draws, arguments.processes, arguments.profile
            ).result()
    print(json.dumps(report, indent=2))
    if not arguments.profile:
        keep(report)


if __name__ == "__main__":
    main()
