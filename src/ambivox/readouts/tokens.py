"""Token-level readouts: distributions from the logits on the labels' tokens.

Shapes: T generated steps, K watched tokens, N labels, S written forms.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp as lse
from scipy.special import softmax

from ambivox.distribution import Array
from ambivox.errors import UsageError
from ambivox.models import Watch
from ambivox.readouts.reading import Reading
from ambivox.record import Record

Join = Literal["logsumexp", "max"]
Value = Literal["logit", "probability", "log-probability"]
Normalise = Literal["sum", "softmax"]


SHARED_MASS = 0.01
"""The part of the watched probability that may lie on tokens of several labels before it is a collision."""


def label_logits(watched: NDArray[np.float32], shares: Array, join: Join = "logsumexp") -> Array:
    """Join the logits of each label's first tokens into one logit per label.

    ``z_n = log sum_k shares[k, n] exp(z_k)``, or the largest term of that sum.

    Args:
        watched: shape ``(T, K)``, raw logits.
        shares: shape ``(K, N)``, the part of token k that belongs to label n (0 or 1 unless labels collide).

    Returns:
        Shape ``(T, N)``; minus infinity for a label that owns no token.

    >>> import numpy as np
    >>> label_logits(np.zeros((1, 2), np.float32), np.array([[1.0], [1.0]])).round(3).tolist()
    [[0.693]]
    """
    with np.errstate(divide="ignore"):
        terms = watched[:, :, None].astype(np.float64) + np.log(shares)[None]
    return np.asarray(terms.max(axis=1) if join == "max" else lse(terms, axis=1))


def owned_shares(watch: Watch, n_labels: int) -> Array:
    """Shape ``(K, N)``: 1 where a token begins one label only, 0 elsewhere (shared tokens belong to none)."""
    shares = np.zeros((len(watch.token_ids), n_labels))
    for k, labels in enumerate(watch.token_labels):
        if len(labels) == 1:
            shares[k, labels[0]] = 1.0
    return shares


def label_logp(watch: Watch, sequence_logp: Array, n_labels: int, *, per_token: bool = False) -> Array:
    """Log-probability of each label: the log-sum-exp over its written forms.

    Where a form of one label begins a form of another ("fear" and "fearful" as two labels), the longer one's
    probability is taken out of the shorter one's, so that no probability is counted for two labels.

    Args:
        sequence_logp: shape ``(S,)``, nats.
        per_token: divide each form's log-probability by its number of tokens (plain otherwise).

    Returns:
        Shape ``(N,)``, nats.
    """
    logp = np.asarray(sequence_logp, dtype=np.float64).copy()
    if per_token:
        logp /= [len(sequence) for sequence in watch.sequences]
    else:
        logp = _without_longer_forms(watch, logp)
    labels = np.asarray(watch.sequence_labels)
    return np.array([lse(logp[labels == n]) for n in range(n_labels)])


def _without_longer_forms(watch: Watch, logp: Array) -> Array:
    own = logp.copy()
    for i, shorter in enumerate(watch.sequences):
        # The shortest continuations only: what continues a continuation is already inside it.
        longer = [
            j
            for j, sequence in enumerate(watch.sequences)
            if len(sequence) > len(shorter)
            and sequence[: len(shorter)] == shorter
            and not any(
                len(shorter) < len(other) < len(sequence) and sequence[: len(other)] == other
                for other in watch.sequences
            )
        ]
        if longer:
            rest = -np.expm1(min(float(lse(logp[longer]) - logp[i]), 0.0))
            own[i] = logp[i] + np.log(max(rest, np.finfo(np.float64).tiny))
    return own


def first(record: Record, *, join: Join = "logsumexp") -> Reading:
    """p_1 restricted to the labels, renormalised: what the model was about to say first.

    A token that begins several labels is divided among them by the probabilities of their whole sequences
    where the record holds those; otherwise the status is ``collided``.
    """
    fault = _fault(record)
    if fault:
        return Reading(None, "undefined", fault)
    watch, watched, normaliser = _logits(record)
    shares = owned_shares(watch, len(record.labels))
    note = ""
    if record.sequence_logp is not None and np.isfinite(record.sequence_logp).all():
        for k in _shared(watch):
            shares[k] = _split_by_sequence(
                watch, record.sequence_logp, watch.token_ids[k], len(record.labels)
            )
            note = "shared first tokens divided by whole-label probabilities"
    elif _collides(watch, shares, watched[:1], normaliser[:1]):
        return Reading(None, "collided", _collision(watch, record.labels))
    logits = label_logits(watched[:1], shares, _choice("join", join, Join))
    distribution = softmax(logits[0])
    mass = _mass(logits, normaliser[:1]) if join == "logsumexp" else None
    return Reading(distribution, "ok", note, mass)


def mean(
    record: Record,
    *,
    value: Value = "probability",
    normalise: Normalise = "sum",
    join: Join = "logsumexp",
) -> Reading:
    """The mean over all generated steps of each label's logit, probability or log-probability.

    ``a_n = mean_t f(z_tn)``; then ``a_n / sum(a)`` (``normalise=sum``) or ``softmax(a)``. With
    ``value=logit, normalise=sum`` this is the summary formula phi_n = z_n / sum(z) of Halim et al.
    (arXiv 2505.18484) as we reconstruct it: it is flat by construction and changes when a constant is added
    to all logits. A sum of mixed or negative signs has no such distribution: status ``undefined``.
    """
    fault = _fault(record)
    if fault:
        return Reading(None, "undefined", fault)
    watch, watched, normaliser = _logits(record)
    shares = owned_shares(watch, len(record.labels))
    if _collides(watch, shares, watched, normaliser):
        return Reading(None, "collided", _collision(watch, record.labels))
    logits = label_logits(watched, shares, _choice("join", join, Join))
    log_probability = logits - normaliser[:, None]
    probability = np.exp(log_probability)
    values = {"logit": logits, "probability": probability, "log-probability": log_probability}
    a = values[_choice("value", value, Value)].mean(axis=0)
    mass = _mass(logits, normaliser) if join == "logsumexp" else None
    if _choice("normalise", normalise, Normalise) == "softmax":
        return Reading(softmax(a), "ok", mass=mass)
    if value == "probability":  # a / sum(a) in the log domain, where tiny probabilities do not vanish
        return Reading(softmax(lse(log_probability, axis=0)), "ok", mass=mass)
    if (a < 0).any():
        fault = "mixed signs" if (a > 0).any() else "negative values, whose shares would be upside down"
        return Reading(None, "undefined", f"{value}: {fault}", mass)
    if not a.sum() > 0:
        return Reading(None, "undefined", f"{value}: all values are 0", mass)
    return Reading(a / a.sum(), "ok", mass=mass)


def sequence(record: Record, *, per_token: bool = False) -> Reading:
    """The exact probability of each whole label after the prompt, by trie; softmax over the labels."""
    if record.watch is None or record.sequence_logp is None:
        return Reading(None, "undefined", "the run did not score whole labels (score: false)")
    if not np.isfinite(record.sequence_logp).all():
        return Reading(None, "undefined", "log-probabilities that are not finite")
    logp = label_logp(record.watch, record.sequence_logp, len(record.labels), per_token=per_token)
    mass = None if per_token else min(float(np.exp(lse(logp))), 1.0)
    return Reading(softmax(logp), "ok", mass=mass)


def _fault(record: Record) -> str:
    """Why there is nothing to read from the logits; empty if there is."""
    if record.watched is None or record.logsumexp is None:
        return "the record holds no logits"
    if not len(record.watched):
        return "no step was generated"
    if not (np.isfinite(record.watched).all() and np.isfinite(record.logsumexp).all()):
        return "logits that are not finite"
    return ""


def _mass(logits: Array, normaliser: NDArray[np.float32]) -> float:
    # At most 1: the normaliser is rounded to float32.
    return float(np.exp(np.minimum(lse(logits, axis=1) - normaliser, 0.0)).mean())


def _logits(record: Record) -> tuple[Watch, NDArray[np.float32], NDArray[np.float32]]:
    assert record.watch is not None
    assert record.watched is not None
    assert record.logsumexp is not None
    return record.watch, record.watched, record.logsumexp


def _split_by_sequence(watch: Watch, logp: Array, token: int, n_labels: int) -> Array:
    begins = np.array([sequence[0] == token for sequence in watch.sequences])
    labels = np.asarray(watch.sequence_labels)
    own = _without_longer_forms(watch, logp)
    relative = np.where(begins, np.exp(np.minimum(own - own[begins].max(), 0.0)), 0.0)
    mass = np.array([relative[labels == n].sum() for n in range(n_labels)])
    return np.asarray(mass / mass.sum())


def _shared(watch: Watch) -> list[int]:
    return [k for k, labels in enumerate(watch.token_labels) if len(labels) > 1]


def _collides(
    watch: Watch, shares: Array, watched: NDArray[np.float32], normaliser: NDArray[np.float32]
) -> bool:
    """Whether leaving shared tokens out would leave out a label, or a part of the answer worth the name."""
    shared = _shared(watch)
    if not shared:
        return False
    if not shares.any(axis=0).all():
        return True
    logp = watched.astype(np.float64) - normaliser[:, None]
    return bool(lse(logp[:, shared]) - lse(logp) > np.log(SHARED_MASS))


def _collision(watch: Watch, labels: tuple[str, ...]) -> str:
    groups = {
        (*(labels[n] for n in group), token)
        for token, group in zip(watch.tokens, watch.token_labels, strict=True)
        if len(group) > 1
    }
    named = "; ".join(f"{', '.join(group[:-1])} begin with {group[-1]!r}" for group in sorted(groups))
    return f"{named}: use the readout 'sequence'"


def _choice(name: str, given: str, kind: object) -> Any:
    if given not in get_args(kind):
        raise UsageError(f"option {name}: {given!r} is not one of {', '.join(get_args(kind))}")
    return given
