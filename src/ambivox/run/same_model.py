"""Whether a model that goes on with a run is the one that began it, where its fingerprint cannot tell.

A server may be given other weights under the same name. Its old answers would stand beside those of another
model, with nothing to tell them apart; so a few of them are asked again before any are added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ambivox.errors import UsageError
from ambivox.models import Reply, SpeechModel
from ambivox.record import Record
from ambivox.run.ask import ask
from ambivox.run.plan import Planned

MOVES_AT_MOST = 0.1
"""In probability. The same weights in bfloat16 move by a few hundredths from one batch to another; other
weights move some of several answers by more."""

N_ASKED = 4
"""Clips that are asked about again."""


class SameModel:
    """Compares answers that a run kept with new ones to the same questions, once.

    Args:
        model: nothing is asked of it where its fingerprint holds its weights, as it does unless its engine
            says otherwise (`SpeechModel`).
    """

    def __init__(self, model: SpeechModel) -> None:
        self.model = model
        self._kept: dict[str, tuple[Planned, Reply]] = {}
        self._adds = False
        self._done = getattr(model, "fingerprint_holds_weights", True)

    @property
    def wants_more(self) -> bool:
        """Whether there is something to compare still."""
        return not self._done

    def check(self, planned: Sequence[Planned], records: Sequence[Record | None]) -> None:
        """Take note of a shard before it is asked; compare as soon as there is something kept and to add.

        Args:
            planned: the requests of the shard.
            records: what was kept of each; None where it is to be asked.

        Raises:
            UsageError: another model answers.
        """
        if self._done:
            return
        self._adds = self._adds or None in records
        for one, record in zip(planned, records, strict=True):
            if record and record.reply and one.readable and record.asked.control == "clip":
                self._kept.setdefault(record.asked.utterance.id, (one, record.reply))
        self._kept = dict(list(self._kept.items())[:N_ASKED])
        if self._adds and self._kept:
            self._compare()

    def _compare(self) -> None:
        again = ask(self.model, [replace(one, needs=(), n_draws=0) for one, _ in self._kept.values()])
        pairs = [(old, r.reply) for (_, old), r in zip(self._kept.values(), again, strict=True) if r.reply]
        self._done = bool(pairs)  # a server that is away is not another model
        moved = [by for old, new in pairs if (by := _moved_by(old, new)) is not None]
        if max(moved, default=0.0) > MOVES_AT_MOST:
            how = f"the same question moves it by {max(moved):.2f} in probability"
        elif pairs and not moved and all(old.text != new.text for old, new in pairs):
            how = f"it says something else to all of {len(pairs)} questions"
        else:
            return
        raise UsageError(
            f"{self.model.name}: not the model that began this run: {how}; serve that one, or run into "
            "another folder"
        )


def _moved_by(old: Reply, new: Reply) -> float | None:
    """The largest difference in probability over the label tokens at the first step; None without numbers."""
    if not (old.token_ids and new.token_ids):
        return None
    known = np.ones(len(old.token_logits[0]), dtype=bool)
    for reply in (old, new):
        if reply.bounded is not None:
            known &= ~reply.bounded[0]
    p, q = (np.exp(reply.token_logits[0] - reply.logsumexp[0])[known] for reply in (old, new))
    return float(np.abs(p - q).max()) if known.any() else None
