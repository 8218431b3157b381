"""Log-probabilities that are only bounded from above: what a reading may be, and whether that is told.

A server that lists the most probable tokens leaves the others between 0 and a bound. So a label's share lies
between that with its own unlisted tokens at 0 and all others' at their bounds, and the reverse.

Shapes: T generated steps, K label tokens, N labels, S written forms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ambivox.models import Reply
from ambivox.readouts.label_logits import lse
from ambivox.readouts.reading import BOUNDS_MATTER, Reading
from ambivox.record import Record

NONE = -1000.0
"""In place of the logarithm of 0."""

_Mask = NDArray[np.bool_]


def read_between(readout: Callable[..., Reading], record: Record, **options: Any) -> Reading:
    """A reading with its bounds, by reading the record at their ends.

    The distribution is read with every unlisted token at its upper bound, so no label has 0 for not having
    been listed; it is given where no label's share can be more than `BOUNDS_MATTER` elsewhere.

    Args:
        readout: ``(record, **options) -> Reading``; a label's share grows with its own tokens' probabilities
            and falls with the others'.
        record: as a server answered it.
    """
    reply = record.replied
    if reply.bounded is None and reply.sequence_bounded is None:
        return readout(record, **options)
    label_tokens, n_labels = record.asked.label_tokens, len(record.asked.emotions)
    of_token = np.array([[n in labels for labels in label_tokens.token_labels] for n in range(n_labels)])
    of_sequence = np.array(label_tokens.sequence_labels) == np.arange(n_labels)[:, None]

    def at(tokens: _Mask, sequences: _Mask) -> Reading:
        ends = _with_bounds_of(reply, tokens, sequences, together=options.get("join") != "max")
        return readout(replace(record, reply=ends), **options)

    point = at(np.ones_like(of_token[0]), np.ones_like(of_sequence[0]))
    if point.distribution is None:
        return point
    most = [at(a, b).distribution for a, b in zip(of_token, of_sequence, strict=True)]
    least = [at(~a, ~b).distribution for a, b in zip(of_token, of_sequence, strict=True)]
    upper = np.array([1.0 if p is None else p[n] for n, p in enumerate(most)])
    lower = np.array([0.0 if p is None else p[n] for n, p in enumerate(least)])
    if not (upper > lower).any():
        return point
    listed = at(np.zeros_like(of_token[0]), np.zeros_like(of_sequence[0]))
    apart = float((upper - lower).max())
    told = apart <= BOUNDS_MATTER
    return Reading(
        point.distribution if told else None,
        "bounded",
        f"labels that the server did not list have upper bounds: a share may be off by {apart:.2g}",
        listed.mass,
        lower=lower,
        upper=upper,
    )


def _with_bounds_of(reply: Reply, tokens: _Mask, sequences: _Mask, *, together: bool) -> Reply:
    """The reply with the unlisted tokens and sequences of a mask at their bounds, and the others at 0.

    Added up, tokens have at most what no listed one has (`together`); the largest alone may have all of that.
    """
    logits, logp = reply.token_logits, reply.sequence_logp
    if reply.bounded is not None and reply.unlisted_logp is not None:
        raised = reply.bounded & tokens
        bounds = np.where(raised, logits, -np.inf)
        too_much = np.maximum(lse(bounds, axis=1) - reply.unlisted_logp, 0.0)[:, None] * together
        logits = np.where(raised, logits - too_much, np.where(reply.bounded, NONE, logits)).astype(np.float32)
    if reply.sequence_bounded is not None and logp is not None:
        logp = np.where(reply.sequence_bounded & ~sequences, NONE, logp)
    return replace(reply, token_logits=logits, sequence_logp=logp)
