"""Fill one shard of a run: keep the records that still answer the plan, ask for the others, write it whole.

What it holds depends on the plan and on what was answered before, not on which process fills it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ambivox.errors import AmbivoxError, OtherVersionError
from ambivox.record import Asked, Record, read_records, write_records
from ambivox.run.answer_cache import AnswerCache
from ambivox.run.ask import MAY_PASS, ask, with_keys
from ambivox.run.clips import Clips
from ambivox.run.earlier import Earlier
from ambivox.run.plan import Planned, by_clip, request_key, shards
from ambivox.run.same_model import SameModel
from ambivox.run.tries import NO_TRIES, Tries, heard
from ambivox.study import Study


@dataclass(frozen=True)
class Filler:
    """What shards of one model are filled with.

    Args:
        same: the model.
        earlier: records from before the run grew.
        clips: what is heard.
        study: whose seed and batch size count.
        done: told about records and whether they were kept, batch by batch.
    """

    same: SameModel
    earlier: Earlier
    clips: Clips
    study: Study
    done: Callable[[Sequence[Record], bool], None]

    def fill(
        self, path: Path, shard: Sequence[Planned], cache: AnswerCache, tries: Tries = NO_TRIES
    ) -> list[Record]:
        """The records of a shard: those that are there already and still answer the plan, and new ones.

        Args:
            path: its file, which is written where it does not hold them already.
            shard: its requests.
            cache: answers that several requests share; new ones are added.
            tries: of this shard, where another process may have died over it.
        """
        before = records_of(path)
        keyed, records = self.look(before, shard, cache)
        kept = [record for record in records if record is not None]
        if kept:
            self.done(kept, True)
        places = [i for i, record in enumerate(records) if record is None]
        places.sort(key=lambda i: _order(keyed[i], tries))
        for i, answer in zip(places, self._ask([keyed[i] for i in places], cache, tries), strict=True):
            records[i] = answer
        whole = [record for record in records if record is not None]
        if places or _facts(whole) != _facts(before):
            write_records(whole, path)
        tries.end()
        return whole

    def look(
        self, before: Sequence[Record], shard: Sequence[Planned], cache: AnswerCache
    ) -> tuple[list[Planned], list[Record | None]]:
        """The requests of a shard with their keys, and for each its record where one is kept.

        Raises:
            UsageError: these were answered by another model than the one that is to add to them.
        """
        keyed = with_keys(shard, seed=self.study.seed)
        records = _still_good(keyed, [*self.earlier.records(keyed), *before], cache)
        for planned, record in zip(keyed, records, strict=True):
            if record is not None:
                cache.add(planned, record)
        self.same.check(keyed, records)
        return keyed, records

    def _ask(self, asked: Sequence[Planned], cache: AnswerCache, tries: Tries) -> list[Record]:
        answers: list[Record] = []
        batches = list(_batches(asked, self.study.batch_size, tries))
        for batch, following in zip(batches, [*batches[1:], []], strict=False):
            following = [] if any(map(tries.alone, following)) else following
            coming = [planned.record for planned in following]
            refused = tries.refusal(batch[0])
            if refused is not None:
                answered = [planned.record.failed(refused) for planned in batch]
            else:
                tries.begin(map(heard, [*batch, *following]))
                self.clips.prepare([planned.record for planned in batch] + coming)
                answered = ask(self.same.model, batch, self.clips, cache)
                self.clips.forget(answered, but=coming)
            answers += answered
            self.done(answered, False)
        return answers


def _order(planned: Planned, tries: Tries) -> tuple[bool, str]:
    """Those that are asked by themselves come last, sound by sound; the others stay in their order."""
    return (True, heard(planned)) if tries.alone(planned) else (False, "")


def _batches(asked: Sequence[Planned], size: int, tries: Tries) -> Iterator[list[Planned]]:
    """What goes to the model together; `asked` is in the order of `_order`."""
    together = itertools.takewhile(lambda planned: not tries.alone(planned), asked)
    yield from shards(by_clip(together), size)
    by_themselves = itertools.dropwhile(lambda planned: not tries.alone(planned), asked)
    for _, group in itertools.groupby(by_themselves, heard):
        yield from shards([list(group)], size)


def records_of(path: Path) -> list[Record]:
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
