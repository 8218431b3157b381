"""From the logits of tokens to one logit per label: forms joined, shared tokens divided.

Shapes: T generated steps, K label tokens, N labels, S written forms.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ambivox.models import LabelTokens
from ambivox.models.protocol import FloatArray
from ambivox.raters.distribution import Array

Join = Literal["logsumexp", "max"]


def label_logits(token_logits: FloatArray, shares: Array, join: Join = "logsumexp") -> Array:
    """Join the logits of each label's first tokens into one logit per label.

    ``z_n = log sum_k shares[k, n] exp(z_k)``, or the largest term of that sum.

    Args:
        token_logits: shape ``(T, K)``, raw logits.
        shares: shape ``(K, N)``, the part of token k that belongs to label n (0 or 1 unless labels collide).

    Returns:
        Shape ``(T, N)``; minus infinity for a label that owns no token.

    >>> import numpy as np
    >>> label_logits(np.zeros((1, 2), np.float32), np.array([[1.0], [1.0]])).round(3).tolist()
    [[0.693]]
    """
    joined = np.full((len(token_logits), shares.shape[1]), -np.inf)
    tokens, log_shares, labels, starts, places = _layout(shares.tobytes(), shares.shape[1])
    if not len(labels):
        return joined
    terms = token_logits[:, tokens] + log_shares
    peaks = np.maximum.reduceat(terms, starts, axis=1)
    if join == "logsumexp":
        finite = np.where(np.isfinite(peaks), peaks, 0.0)
        sums = np.add.reduceat(np.exp(terms - finite[:, places]), starts, axis=1)
        with np.errstate(divide="ignore"):
            peaks = np.log(sums) + finite
    joined[:, labels] = peaks
    return joined


@lru_cache(maxsize=256)
def _layout(shares: bytes, n_labels: int) -> tuple[NDArray[Any], ...]:
    """The tokens of all labels in a row: tokens, log-shares, the labels, where each begins, whose each is."""
    table = np.frombuffer(shares).reshape(-1, n_labels)
    owners, tokens = np.nonzero(table.T)
    labels, starts, places = np.unique(owners, return_index=True, return_inverse=True)
    return tokens, np.log(table[tokens, owners]), labels, starts, places


def lse(terms: Array, axis: int | None = None) -> Array:
    """``log(sum(exp(terms)))``, the log-sum-exp; scipy's takes ten times as long on arrays of this size.

    Args:
        terms: any shape, minus infinity allowed.
        axis: summed over; None sums over all.

    >>> float(lse(np.log([0.25, 0.5]))) == float(np.log(0.75))
    True
    """
    peak = terms.max(axis=axis, keepdims=True)
    peak = np.where(np.isfinite(peak), peak, 0.0)
    with np.errstate(divide="ignore"):
        total = np.log(np.exp(terms - peak).sum(axis=axis, keepdims=True)) + peak
    return np.asarray(total[()].reshape(()) if axis is None else total.squeeze(axis))


def softmax(logits: Array) -> Array:
    """``exp(logits) / sum(exp(logits))`` of one row, shape ``(N,)``; minus infinity gives 0.

    >>> softmax(np.log([1.0, 3.0])).tolist()
    [0.25, 0.75]
    """
    weights = np.exp(logits - logits.max())
    return np.asarray(weights / weights.sum())


def owned_shares(label_tokens: LabelTokens, n_labels: int) -> Array:
    """Shape ``(K, N)``: 1 where a token begins one label only, 0 elsewhere (shared tokens belong to none)."""
    shares = np.zeros((len(label_tokens.token_ids), n_labels))
    shares[:, : label_tokens.owned.shape[1]] = label_tokens.owned
    return shares


def label_logp(
    label_tokens: LabelTokens, sequence_logp: Array, n_labels: int, *, per_token: bool = False
) -> Array:
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
        logp /= [len(sequence) for sequence in label_tokens.sequences]
    else:
        logp = _without_longer_forms(label_tokens, logp)
    labels = np.asarray(label_tokens.sequence_labels)
    return np.array([lse(logp[labels == n]) for n in range(n_labels)])


def _without_longer_forms(label_tokens: LabelTokens, logp: Array) -> Array:
    own = logp.copy()
    for i, longer in enumerate(label_tokens.continuations):
        if longer:
            rest = -np.expm1(min(float(lse(logp[list(longer)]) - logp[i]), 0.0))
            own[i] = logp[i] + np.log(max(rest, np.finfo(np.float64).tiny))
    return own


def split_by_sequence(label_tokens: LabelTokens, logp: Array, token: int, n_labels: int) -> Array:
    """The parts of a shared first token that belong to each label, by the probabilities of whole sequences.

    Args:
        logp: shape ``(S,)``, log-probabilities of the sequences in nats.
        token: the token that begins several labels.

    Returns:
        Shape ``(N,)``, sums to 1.
    """
    begins = np.array([sequence[0] == token for sequence in label_tokens.sequences])
    labels = np.asarray(label_tokens.sequence_labels)
    own = _without_longer_forms(label_tokens, logp)
    relative = np.where(begins, np.exp(np.minimum(own - own[begins].max(), 0.0)), 0.0)
    mass = np.array([relative[labels == n].sum() for n in range(n_labels)])
    return np.asarray(mass / mass.sum())
