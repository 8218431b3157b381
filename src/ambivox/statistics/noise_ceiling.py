"""What a perfect model would score: votes are a sample, so even the true shares miss them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ambivox.raters.distribution import Array
from ambivox.reasons import Reason
from ambivox.statistics.ambiguity import _counts

N_DRAWS = 100
_MOST_STEPS = 20_000
_CONVERGED = 1e-10
_TIGHTEST = 1e3
"""A concentration above this is no longer told from infinity by any corpus of votes."""


@dataclass(frozen=True)
class VoteModel:
    """How the votes of a corpus scatter: shares from a Dirichlet distribution, votes drawn from the shares.

    Args:
        alpha: shape ``(N,)``, 0 for a label that nobody voted for; None where it cannot be fitted.
        reason: why it cannot; None if it could.
        note: what to know of the fit, in words; empty if nothing.
    """

    alpha: Array | None
    reason: Reason | None = None
    note: str = ""


def fit_vote_model(votes: ArrayLike) -> VoteModel:
    """Fit a Dirichlet-multinomial distribution to votes by maximum likelihood.

    The fixed point ``alpha_n <- alpha_n * sum_u [psi(v_un + alpha_n) - psi(alpha_n)] / sum_u [psi(v_u + A) -
    psi(A)]`` with ``A = sum_n alpha_n``, its differences of psi written as the sums that they are for counts.

    Args:
        votes: shape ``(U, N)``, counts.

    Returns:
        The model; no fit with votes of one rater per clip, or fewer than two clips.

    Source: Minka (2000), Estimating a Dirichlet distribution, section 2.

    >>> fit_vote_model([[5, 5], [2, 8], [9, 1], [4, 6]]).alpha.round(1).tolist()
    [2.5, 2.4]
    """
    counts = _counts(votes)
    counts = counts[counts.sum(axis=1) > 0]
    total = counts.sum(axis=1)
    if len(counts) < 2:
        text = f"{len(counts)} rated clip(s): at least 2 are needed"
        return VoteModel(None, Reason("too-few-clips", text, "use more clips"))
    if total.max() < 2:
        text = "votes of one rater: their noise cannot be told from ambiguity"
        return VoteModel(None, Reason("one-vote", text, "use a corpus with several raters per clip"))
    voted = counts.sum(axis=0) > 0
    alpha = np.zeros(counts.shape[1])
    alpha[voted], tight = _fixed_point(counts[:, voted])
    notes = []
    if not voted.all():
        notes.append(f"{int((~voted).sum())} label(s) were never voted for and stay at 0")
    if tight:
        notes.append("the votes scatter no more than votes drawn from one distribution for all clips")
    return VoteModel(alpha, note="; ".join(notes))


def _fixed_point(counts: NDArray[np.int64]) -> tuple[Array, bool]:
    """Shape ``(N,)``, and whether the concentration ran off towards infinity."""
    # above[j, n]: in how many clips label n has more than j votes; psi(v + a) - psi(a) = sum_{j<v} 1/(a + j).
    j = np.arange(counts.sum(axis=1).max())[:, None]
    above = np.array([(counts > i).sum(axis=0) for i in j[:, 0]], dtype=np.float64)
    above_total = np.array([(counts.sum(axis=1) > i).sum() for i in j[:, 0]], dtype=np.float64)
    alpha = counts.sum(axis=0) / counts.sum()
    for _ in range(_MOST_STEPS):
        step = (above / (alpha + j)).sum(axis=0) / (above_total / (alpha.sum() + j[:, 0])).sum()
        alpha = np.maximum(alpha * step, 1e-12)
        if alpha.sum() > _TIGHTEST or np.abs(step - 1).max() < _CONVERGED:
            break
    return alpha, bool(alpha.sum() > _TIGHTEST or np.abs(step - 1).max() > 1e-4)


def redraw_votes(
    votes: ArrayLike, alpha: Array, *, n_draws: int = N_DRAWS, seed: int = 0
) -> Iterator[tuple[Array, Array]]:
    """Plausible true shares of each clip, and new votes drawn from them by as many raters.

    Given its votes, the shares of clip u have the distribution ``Dirichlet(alpha + votes_u)``.

    Args:
        votes: shape ``(U, N)``, counts; every clip has at least one.
        alpha: shape ``(N,)``, from `fit_vote_model`.

    Yields:
        `n_draws` times: shares and shares of the new votes, both of shape ``(U, N)``.

    >>> import numpy as np
    >>> shares, new = next(redraw_votes([[3, 1]], np.array([1.0, 1.0]), n_draws=1))
    >>> float(new[0] @ [4, 4])
    4.0
    """
    counts = _counts(votes)
    total = counts.sum(axis=1)
    rng = np.random.default_rng(seed)
    for _ in range(n_draws):
        weights = rng.standard_gamma(counts + alpha)
        shares = weights / weights.sum(axis=1, keepdims=True)
        yield shares, rng.multinomial(total, shares) / total[:, None]


def mean_over_redraws(
    votes: ArrayLike,
    alpha: Array,
    function: Callable[[Array, Array], ArrayLike],
    *,
    n_draws: int = N_DRAWS,
    seed: int = 0,
) -> tuple[Array, Array]:
    """The mean, over redrawn votes, of a function of true shares and new votes (such as a metric).

    Args:
        function: true shares and new votes, both of shape ``(U, N)``, to any shape, the same at each draw;
            ``nan`` values are left out.

    Returns:
        The mean and its standard error from so few draws, both of the function's shape.
    """
    drawn = np.array(
        [function(shares, new) for shares, new in redraw_votes(votes, alpha, n_draws=n_draws, seed=seed)],
        dtype=np.float64,
    )
    defined = (~np.isnan(drawn)).sum(axis=0)
    centre = np.nansum(drawn, axis=0) / np.where(defined, defined, np.nan)
    squares = np.nansum((drawn - centre) ** 2, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return centre, np.asarray(np.sqrt(squares / (defined - 1) / defined))
