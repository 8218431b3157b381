"""Run a study: plan, ask, write shards; after any interruption go on where it stopped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ambivox.location import location
from ambivox.manifest import Shard
from ambivox.models import SpeechModel, load_model
from ambivox.record import Record
from ambivox.run.answer_cache import AnswerCache
from ambivox.run.clips import Clips
from ambivox.run.earlier import Earlier
from ambivox.run.fill_shard import Filler, records_of
from ambivox.run.hold import Report, counted, hold
from ambivox.run.made_folder import packages
from ambivox.run.part import Part
from ambivox.run.plan import Plan
from ambivox.run.same_model import SameModel
from ambivox.run_folder import Run
from ambivox.study import Study, load_study


def run_study(
    study: Study | str | Path,
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
        study: what to run; a path is of a study file, see `load_study`.
        out: the directory of the run, here or in storage (``s3://bucket/run``).
        models: loaded models in the order of the study's; loaded here by default.
        report: told about the progress after every batch.
        part: run these shards only, in a folder of their own; `merge_parts` puts the parts together.

    Returns:
        The run, or its part.

    Raises:
        UsageError: an unknown name, the directory holds another study, or a server has another model now.
        AmbivoxError: the model cannot be loaded, or a shard cannot be written.
    """
    study = study if isinstance(study, Study) else load_study(study)
    folder = location(out)
    with hold(study, part.folder(folder) if part else folder, report, part) as held:
        run = held.run

        def count(records: Sequence[Record], kept: bool) -> None:
            held.count(*counted(records, kept))

        earlier = Earlier(run, records_of)
        for place, spec in enumerate(study.models):
            model = models[place] if models else load_model(spec.name, **spec.options)
            held.begin_model(place, model.name, model.fingerprint, packages())
            plan, cache = Plan(held.parts, model), AnswerCache()
            with Clips(study.seed) as clips:
                filler = Filler(SameModel(model), earlier, clips, study, count)
                for number in range(len(plan.cut)):
                    if part and number not in part:
                        continue
                    path = run.shard_path(place, number)
                    records = filler.fill(path, plan.shard(number), cache)
                    held.note(path, Shard.of(records))
    return run
