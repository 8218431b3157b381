"""Run a study: plan, ask, write shards; after any interruption go on where it stopped."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ambivox.errors import AmbivoxError
from ambivox.models import SpeechModel, load_model
from ambivox.record import Record, read_records, write_records
from ambivox.run.answer_cache import AnswerCache
from ambivox.run.ask import ask, with_keys
from ambivox.run.clips import Clips
from ambivox.run.config import Study
from ambivox.run.folder import Run, describe_environment, open_run, write_text
from ambivox.run.plan import Planned, count_requests, look_up, plan, shards


@dataclass(frozen=True)
class Progress:
    """How far a run is: requests answered (kept ones included), failed among them, and in all."""

    done: int
    failed: int
    total: int
    kept: int


Report = Callable[[Progress], None]


def run_study(
    study: Study,
    out: str | Path,
    *,
    models: Sequence[SpeechModel] | None = None,
    report: Report = lambda progress: None,
) -> Run:
    """Run a study into a directory, or finish the run that is there.

    A shard is written whole or not at all and holds the same requests in the same batches whenever it is
    written, so an interrupted and resumed run has the records of an uninterrupted one. A shard that is there
    is kept if its keys are those of the plan: if a clip, prompt or model has changed, it is asked again.
    What is the same for several clips (the prompt without any clip, silence of one length) is asked once;
    the records of the others name the one that was (`Record.answer_of`).

    Args:
        study: what to run.
        out: the directory of the run.
        models: loaded models in the order of the study's; loaded here by default.
        report: told about the progress after every batch.

    Raises:
        UsageError: an unknown name, or the directory holds another study.
        AmbivoxError: the model cannot be loaded, or a shard cannot be written.
    """
    parts = look_up(study)
    run = open_run(Path(out), study)
    total = count_requests(parts) * len(study.models)
    counter = _Counter(total, report)
    fingerprints: dict[str, str] = {}
    for place, spec in enumerate(study.models):
        model = models[place] if models else load_model(spec.name, **spec.options)
        fingerprints[model.name] = model.fingerprint
        environment = describe_environment(parts, fingerprints)
        write_text(run.folder / "environment.json", json.dumps(environment, indent=2) + "\n")
        cache = AnswerCache()
        with Clips(study.seed) as clips:
            for number, shard in enumerate(shards(plan(parts, model), study.shard_size)):
                _fill_shard(run.shard_path(place, number), shard, model, study, clips, cache, counter)
    return run


class _Counter:
    def __init__(self, total: int, report: Report) -> None:
        self.total, self.report = total, report
        self.done = self.failed = self.kept = 0
        report(Progress(0, 0, total, 0))

    def add(self, records: Sequence[Record], *, kept: bool = False) -> None:
        self.done += len(records)
        self.failed += sum(record.reply is None for record in records)
        self.kept += len(records) * kept
        self.report(Progress(self.done, self.failed, self.total, self.kept))


def _fill_shard(
    path: Path,
    shard: Sequence[Planned],
    model: SpeechModel,
    study: Study,
    clips: Clips,
    cache: AnswerCache,
    counter: _Counter,
) -> None:
    keyed = with_keys(shard, seed=study.seed)
    done = _finished(path, [planned.record.key for planned in keyed])
    if done is not None and cache.hold(done):
        for planned, record in zip(keyed, done, strict=True):
            cache.add(planned, record)
        counter.add(done, kept=True)
        return
    records: list[Record] = []
    batches = list(shards(keyed, study.batch_size))
    for batch, following in itertools.zip_longest(batches, batches[1:], fillvalue=()):
        coming = [planned.record for planned in following]
        clips.prepare([planned.record for planned in batch] + coming)
        answered = ask(model, batch, clips, cache)
        clips.forget(answered, but=coming)
        records += answered
        counter.add(answered)
    write_records(records, path)


def _finished(path: Path, keys: Sequence[str]) -> list[Record] | None:
    """The records of a shard that is already there and answers just these requests."""
    if not path.exists():
        return None
    try:
        records = read_records(path)
    except AmbivoxError:
        return None
    return records if [record.key for record in records] == list(keys) else None
