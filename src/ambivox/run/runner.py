"""Run a study: plan, ask, write shards; after any interruption go on where it stopped."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ambivox.calibration import KeptCalibration, read_kept, write_kept
from ambivox.errors import AmbivoxError, OtherVersionError
from ambivox.manifest import NAME as MANIFEST
from ambivox.manifest import Manifest, locked, plan_hash, read_manifest
from ambivox.models import SpeechModel, load_model
from ambivox.record import Asked, Record, read_records, write_records
from ambivox.run.answer_cache import AnswerCache
from ambivox.run.ask import MAY_PASS, ask, with_keys
from ambivox.run.clips import Clips
from ambivox.run.earlier import Earlier
from ambivox.run.made_folder import describe_environment, open_run, write_study
from ambivox.run.part import Part
from ambivox.run.plan import Parts, Planned, by_clip, count_requests, look_up, plan, request_key, shards
from ambivox.run.same_model import SameModel
from ambivox.run_folder import Run
from ambivox.study import Study
from ambivox.write_aside import write_text


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
    part: Part | None = None,
) -> Run:
    """Run a study into a directory, or finish the run that is there.

    A shard is written whole or not at all and holds the same requests in the same batches whenever it is
    written, so an interrupted and resumed run has the records of an uninterrupted one. Records that are there
    are kept if their keys are those of the plan, with the votes and speakers that the corpus has now; where a
    clip, prompt or model has changed, or a failure may pass, it is asked again. An answer is never replaced
    by a failure to find the clip. The manifest lists the shards that hold the present plan.
    A study may have grown since: corpora, models, prompts, controls and orders that were added are asked, and
    what was asked before is kept, see `ambivox.run.earlier`.
    What is the same for several clips (the prompt without any clip, silence of one length) is asked once;
    the records of the others name the one that was (`Record.answer_of`).

    Args:
        study: what to run.
        out: the directory of the run.
        models: loaded models in the order of the study's; loaded here by default.
        report: told about the progress after every batch.
        part: run these shards only, in a folder of their own; `merge_parts` puts the parts together.

    Returns:
        The run, or its part.

    Raises:
        UsageError: an unknown name, the directory holds another study, or a server has another model now.
        AmbivoxError: the model cannot be loaded, or a shard cannot be written.
    """
    parts = look_up(study)
    kept = kept_for(study, parts)
    run = open_run(part.folder(Path(out)) if part else Path(out), study)
    total = count_requests(parts, part) * len(study.models)
    counter = _Counter(total, report)
    fingerprints: dict[str, str] = {}
    with locked(run.folder):
        write_study(run, study)
        if kept is not None:
            write_kept(kept, run.calibration_path)
        manifest = _manifest_of(run, parts, total)
        earlier = Earlier(run, _records_of)
        for place, spec in enumerate(study.models):
            model = models[place] if models else load_model(spec.name, **spec.options)
            if kept is not None:
                kept.check_model(model.fingerprint, parts.emotions.labels)
            fingerprints[model.name] = model.fingerprint
            environment = describe_environment(parts, fingerprints)
            write_text(run.folder / "environment.json", json.dumps(environment, indent=2) + "\n")
            manifest.forget(place)
            cache, same = AnswerCache(), SameModel(model)
            with Clips(study.seed) as clips:
                for number, shard in enumerate(shards(by_clip(plan(parts, model)), study.shard_size)):
                    if part and number not in part:
                        continue
                    path = run.shard_path(place, number)
                    records = _fill_shard(path, shard, same, study, clips, cache, counter, earlier)
                    manifest.add(path, records)
                    write_text(run.folder / MANIFEST, manifest.model_dump_json(indent=1) + "\n")
        earlier.forget()
    return run


def kept_for(study: Study, parts: Parts) -> KeptCalibration | None:
    """The calibration that a study names, if it is for its emotions and something that it reads.

    Raises:
        UsageError: it is for something else.
    """
    if study.calibrate is None:
        return None
    kept, readouts = read_kept(study.calibrate), {readout.spec for readout in parts.readouts}
    kept.check_emotions(parts.emotions.labels)
    prompts = [prompt.name for prompt in parts.prompts]
    if not any(fit.prompt in prompts and fit.readout in readouts for fit in kept.fits):
        kept.refuse(f"any prompt and readout of this study ({', '.join(prompts)})")
    return kept


def _manifest_of(run: Run, parts: Parts, total: int) -> Manifest:
    """The manifest that is there, or an empty one where the plan is another than before."""
    plan = plan_hash(
        parts.study.model_dump(mode="json"),
        [(corpus.name, corpus.fingerprint) for corpus in parts.corpora],
        [prompt.model_dump(mode="json") for prompt in parts.prompts],
        (parts.emotions.labels, parts.emotions.forms),
    )
    manifest = read_manifest(run.folder)
    if manifest is None or (manifest.plan, manifest.requests) != (plan, total):
        manifest = Manifest(plan=plan, requests=total)
    write_text(run.folder / MANIFEST, manifest.model_dump_json(indent=1) + "\n")
    return manifest


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
    same: SameModel,
    study: Study,
    clips: Clips,
    cache: AnswerCache,
    counter: _Counter,
    earlier: Earlier,
) -> list[Record]:
    """The records of a shard: those that are there already and still answer the plan, and new ones."""
    keyed = with_keys(shard, seed=study.seed)
    before = _records_of(path)
    records = _still_good(keyed, [*earlier.records(keyed), *before], cache)
    for planned, record in zip(keyed, records, strict=True):
        if record is not None:
            cache.add(planned, record)
    kept = [record for record in records if record is not None]
    if kept:
        counter.add(kept, kept=True)
    same.check(keyed, records)
    open_places = [i for i, record in enumerate(records) if record is None]
    batches = list(shards(by_clip(keyed[i] for i in open_places), study.batch_size))
    answers: list[Record] = []
    for batch, following in itertools.zip_longest(batches, batches[1:], fillvalue=()):
        coming = [planned.record for planned in following]
        clips.prepare([planned.record for planned in batch] + coming)
        answered = ask(same.model, batch, clips, cache)
        clips.forget(answered, but=coming)
        answers += answered
        counter.add(answered)
    for i, answer in zip(open_places, answers, strict=True):
        records[i] = answer
    whole = [record for record in records if record is not None]
    if open_places or _facts(whole) != _facts(before):
        write_records(whole, path)
    return whole


def _records_of(path: Path) -> list[Record]:
    """What a shard holds; nothing where it is missing or damaged.

    Raises:
        OtherVersionError: it is of another version of this program, and stays as it is.
    """
    if not path.exists():
        return []
    try:
        return read_records(path)
    except OtherVersionError:
        raise
    except AmbivoxError:
        return []


def _still_good(
    keyed: Sequence[Planned], before: Sequence[Record], cache: AnswerCache
) -> list[Record | None]:
    """For each request its record from before, what is known of the utterance (votes, speaker) as it is now;
    None where it has to be asked.

    An answer is kept where the sound is no longer there to ask again. A failure is kept unless it may pass.
    """
    by_key = {record.key: record for record in before}
    by_request = {request_key(r.asked, ""): r for r in before if r.reply} if before else {}
    found: list[Record | None] = []
    for planned in keyed:
        old = by_key.get(planned.record.key)
        if not planned.readable and (old is None or old.reply is None):
            old = by_request.get(request_key(planned.record.asked, "")) or old
        if old is not None and old.reply is None and (old.error is None or old.error.code in MAY_PASS):
            old = None
        found.append(None if old is None else replace(old, asked=planned.record.asked))
    if not cache.hold([record for record in found if record is not None]):
        return [None if record is None or record.answer_of else record for record in found]
    return found


def _facts(records: Sequence[Record]) -> list[tuple[str, Asked]]:
    """What can differ between records that were kept: the rest comes with the key."""
    return [(record.key, record.asked) for record in records]
