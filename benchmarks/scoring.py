"""How long scoring takes: 10 readouts on 100,000 records with 2,000 bootstrap draws.

``python -m benchmarks.scoring [--records 100000]`` writes made-up records into a temporary run, scores them
as ``ambivox score`` does, prints the time and writes benchmarks/results/scoring.json.
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
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

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
from ambivox.record import AskedUtterance, Record, Sound, write_records
from ambivox.run import Run, Study
from ambivox.run.plan import unanswered
from ambivox.scoring import ScoringOptions, score
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


def write_run(folder: Path, n_records: int) -> Run:
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
    return Run(folder)


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--folder", type=Path, help="keep the run here, or use the one that is there")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch) / "run"
        run = Run(folder) if folder.exists() else write_run(folder, arguments.records)
        profile = cProfile.Profile() if arguments.profile else None
        load = round(os.getloadavg()[0], 1)
        started_s, cpu_s = time.perf_counter(), _cpu_s()
        if profile:
            profile.enable()
        table = score(
            run, ScoringOptions(readouts=READOUTS, n_draws=arguments.draws), n_processes=arguments.processes
        )
        if profile:
            profile.disable()
            pstats.Stats(profile).sort_stats("cumulative").print_stats(35)
        report = {
            "records": arguments.records,
            "readouts": len(READOUTS),
            "rows": len(table.rows),
            "draws": arguments.draws,
            "wall_s": round(time.perf_counter() - started_s, 1),
            "cpu_s": round(_cpu_s() - cpu_s, 1),
            "processes": arguments.processes,
            "cores": os.cpu_count(),
            "load_before": load,
            "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "peak_mib_of_largest_reader": round(
                resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            ),
            "platform": platform.platform(),
        }
    print(json.dumps(report, indent=2))
    if arguments.records == 100_000 and not profile:
        RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
