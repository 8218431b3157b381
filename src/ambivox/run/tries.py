"""Which sounds were in hand when a process died, so that one that kills whoever hears it is left out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from ambivox.reasons import Reason
from ambivox.run.clips import WITHOUT_AUDIO
from ambivox.run.plan import Planned
from ambivox.write_aside import write_text

N_TRIES = 2
"""How often a sound may be in hand at a death before it is asked about by itself."""


class Tries:
    """The tries of one shard: what was in hand is written down before it is asked, and deleted at the end.

    A process that is killed for another reason leaves the same traces, so a first death changes nothing: the
    same batches are asked again. A sound that was in hand at two deaths is asked about by itself, and left
    out once that was deadly, too.

    Args:
        path: where it is written; without one nothing is, and no death is known.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        there = path is not None and path.exists()
        self._deaths: list[list[str]] = json.loads(path.read_bytes()) if path and there else []

    def begin(self, in_hand: Iterable[str]) -> None:
        """Note what is in hand from now on, in place of what was before."""
        if self._path is not None:
            write_text(self._path, json.dumps([*self._deaths, list(dict.fromkeys(in_hand))]))

    def end(self) -> None:
        """Nothing is in hand any more; the shard is written."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def alone(self, planned: Planned) -> bool:
        """Whether a request is to be asked with others on the same sound only."""
        return self.n_deaths(heard(planned)) >= N_TRIES

    def refusal(self, planned: Planned) -> Reason | None:
        """Why a request is not asked again; None where it is."""
        if not (self.alone(planned) and [heard(planned)] in self._deaths):
            return None
        return Reason(
            "crash",
            f"{heard(planned)}: whoever asks about it dies: {self.n_deaths(heard(planned))} processes did",
            "look at the clip and at the memory of the machines, or leave it out of the corpus",
        )

    def n_deaths(self, name: str) -> int:
        """How many processes died with something in hand."""
        return sum(name in in_hand for in_hand in self._deaths)


NO_TRIES = Tries()
"""Of a process that nobody starts again when it dies."""


def heard(planned: Planned) -> str:
    """What one request has in common with others that would fail as it does: the stretch of a file."""
    asked = planned.record.asked
    if asked.control in WITHOUT_AUDIO:
        return f"{asked.utterance.id} ({asked.control})"
    stretch = (asked.clip.start_s, asked.clip.end_s)
    return asked.clip.path + ("" if stretch == (None, None) else f" ({stretch[0]} to {stretch[1]} s)")
