"""Token readouts of many records at once: the numbers of `ambivox.readouts.tokens`, a shard in a few steps.

A shard has thousands of records with the same label tokens, and arrays of a few numbers cost as much to call
as those of thousands. Only the plain case is read here, records whose logits are all listed, finite and
owned by one label each; what is odd about a record is said by its own readout.

Shapes: R steps of all records in a row, M records, K label tokens, N labels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ambivox.models import Forms, LabelTokens, select_forms
from ambivox.models.protocol import FloatArray
from ambivox.raters.distribution import Array
from ambivox.readouts.label_logits import Join, label_logits, lse, owned_shares
from ambivox.readouts.reading import Reading
from ambivox.readouts.tokens import Normalise, Value, answer_steps
from ambivox.record import Record

_Distributions = Callable[["_Steps", Array], Array]
"""From the logits of the labels at all steps, shape ``(R, N)``, to shares, ``(M, N)``; ``nan`` where the
record has to be read by itself."""


@dataclass(frozen=True)
class _Steps:
    """The steps that are read of some records with the same label tokens.

    Args:
        places: shape ``(M,)``, of the records among all.
        token_logits: shape ``(R, K)``.
        normaliser: shape ``(R,)``.
        starts: shape ``(M,)``, the first step of each record; it has one at least.
    """

    label_tokens: LabelTokens
    n_labels: int
    places: tuple[int, ...]
    token_logits: FloatArray
    normaliser: FloatArray
    starts: NDArray[np.intp]

    @property
    def lengths(self) -> NDArray[np.intp]:
        """Shape ``(M,)``: how many steps each record has."""
        return np.diff(self.starts, append=len(self.normaliser))

    def mean(self, values: Array) -> Array:
        """Of each record, over its steps: from ``(R, ...)`` to ``(M, ...)``."""
        sums = np.add.reduceat(values, self.starts, axis=0)
        return np.asarray(sums / self.lengths.reshape(-1, *[1] * (values.ndim - 1)))


def first_of_many(
    records: Sequence[Record], *, join: Join = "logsumexp", forms: Forms = "offered"
) -> list[Reading | None]:
    """`ambivox.readouts.tokens.first` of each record; None where it has to be read by itself."""

    def distributions(steps: _Steps, logits: Array) -> Array:
        return _softmax(logits)

    return _read(records, lambda record: [0], distributions, join, forms)


def mean_of_many(
    records: Sequence[Record],
    *,
    value: Value = "probability",
    over: str = "steps",
    normalise: Normalise = "sum",
    join: Join = "logsumexp",
    forms: Forms = "offered",
) -> list[Reading | None]:
    """`ambivox.readouts.tokens.mean` of each record; None where it has to be read by itself."""

    def distributions(steps: _Steps, logits: Array) -> Array:
        logp = logits - steps.normaliser[:, None]
        if value == "probability" and normalise == "sum":  # in the log domain, as there
            lengths = steps.lengths
            peaks = np.maximum.reduceat(logp, steps.starts, axis=0)
            finite = np.where(np.isfinite(peaks), peaks, 0.0)
            sums = np.add.reduceat(np.exp(logp - np.repeat(finite, lengths, axis=0)), steps.starts, axis=0)
            with np.errstate(divide="ignore"):
                return _softmax(np.log(sums) + finite - np.log(lengths)[:, None])
        a = steps.mean({"logit": logits, "probability": np.exp(logp), "log-probability": logp}[value])
        if normalise == "softmax":
            return _softmax(a)
        total = a.sum(axis=1, keepdims=True)
        usable = (a >= 0).all(axis=1, keepdims=True) & (total > 0) & np.isfinite(total)
        return np.asarray(np.where(usable, a, np.nan) / np.where(usable, total, 1.0))

    if over == "label-tokens":
        return [None] * len(records)
    read = _all_steps if over == "steps" else _label_steps
    return _read(records, read, distributions, join, forms)


def answer_of_many(
    records: Sequence[Record],
    *,
    value: Value = "probability",
    normalise: Normalise = "sum",
    join: Join = "logsumexp",
    forms: Forms = "offered",
) -> list[Reading | None]:
    """`ambivox.readouts.tokens.answer` of each record; None where it has to be read by itself."""
    return mean_of_many(records, value=value, over="answer", normalise=normalise, join=join, forms=forms)


def _all_steps(record: Record) -> Sequence[int]:
    return range(len(record.replied.token_logits))


def _label_steps(record: Record) -> Sequence[int]:
    return answer_steps(record.asked.label_tokens, record.replied.token_ids)


def _read(
    records: Sequence[Record],
    read: Callable[[Record], Sequence[int]],
    distributions: _Distributions,
    join: Join,
    forms: Forms,
) -> list[Reading | None]:
    """The readings of the steps that `read` names."""
    found: list[Reading | None] = [None] * len(records)
    for steps in _stacked(records, read):
        p, mass = _of_forms(steps, forms, distributions, join)
        other = p
        if not all(steps.label_tokens.offered):
            other, _ = _of_forms(steps, "all" if forms == "offered" else "offered", distributions, join)
        shift = 0.5 * np.abs(p - other).sum(axis=1)
        for place, row, held, moved in zip(steps.places, p, mass.tolist(), shift.tolist(), strict=True):
            if not np.isnan(moved):
                within = held if join == "logsumexp" else None
                found[place] = Reading(row, "ok", mass=within, forms_shift=moved)
    return found


def _of_forms(steps: _Steps, forms: Forms, distributions: _Distributions, join: Join) -> tuple[Array, Array]:
    """Shares, shape ``(M, N)``, and the probability of all labels, ``(M,)``."""
    selected, _ = select_forms(steps.label_tokens, forms)
    logits = label_logits(steps.token_logits, owned_shares(selected, steps.n_labels), join)
    mass = np.exp(np.minimum(lse(logits, axis=1) - steps.normaliser, 0.0))
    return distributions(steps, logits), steps.mean(mass)


def _stacked(records: Sequence[Record], read: Callable[[Record], Sequence[int]]) -> Iterator[_Steps]:
    """The steps of the plain records, those with the same label tokens together."""
    groups: dict[tuple[int, int], list[int]] = {}
    for place, record in enumerate(records):
        if _listed(record):
            asked = record.asked
            groups.setdefault((id(asked.label_tokens), len(asked.emotions)), []).append(place)
    for (_, n_labels), places in groups.items():
        label_tokens = records[places[0]].asked.label_tokens
        if _has_shared(label_tokens):
            continue
        rows = {place: read(records[place]) for place in places}
        own = tuple(place for place in places if rows[place])
        whole = [records[place].replied for place in own]
        if not own:
            continue
        parts = [reply.token_logits[list(rows[place])] for place, reply in zip(own, whole, strict=True)]
        normalisers = [reply.logsumexp[list(rows[place])] for place, reply in zip(own, whole, strict=True)]
        starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
        yield _Steps(label_tokens, n_labels, own, np.concatenate(parts), np.concatenate(normalisers), starts)


def _listed(record: Record) -> bool:
    """Whether a record has logits at every step, all of them finite and none only bounded."""
    reply = record.reply
    if reply is None or reply.bounded is not None or reply.sequence_bounded is not None:
        return False
    finite = np.isfinite(reply.token_logits).all() and np.isfinite(reply.logsumexp).all()
    return bool(len(reply.token_logits) and finite)


def _has_shared(label_tokens: LabelTokens) -> bool:
    """Whether a token begins several labels, in one choice of forms or the other."""
    selected = [select_forms(label_tokens, forms)[0] for forms in ("offered", "all")]
    return any(len(labels) > 1 for one in selected for labels in one.token_labels)


def _softmax(logits: Array) -> Array:
    """Of every row, shape ``(M, N)``; minus infinity gives 0."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
