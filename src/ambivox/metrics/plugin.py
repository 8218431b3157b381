"""What other packages may register as a metric, and how it is tried before anything is scored with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from ambivox.guarded import Guarded, a_, check_function, fault_in, summary_of
from ambivox.metrics.metric import Function, Metric
from ambivox.raters.distribution import Array

# Five utterances and three labels, so that values per utterance, per label and per corpus differ in shape;
# no two labels of an utterance have equally many votes.
_P = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [0.1, 0.3, 0.6]])
_Q = np.array([[0.5, 0.4, 0.1], [0.2, 0.7, 0.1], [0.4, 0.0, 0.6], [0.9, 0.1, 0.0], [0.1, 0.5, 0.4]])
_CERTAIN = np.eye(3)[[0, 1, 2, 0, 1]]
_EXACT = 1e-6


def as_metric(name: str, item: object) -> Metric:
    """A metric from a `Metric`, or from a plain function ``(p, q) -> array``.

    The function takes predictions and votes of shape ``(U, N)`` and gives one value per utterance, shape
    ``(U,)``. It is tried: where all raters agree and the prediction with them, it has
    to be 0, which says that lower is better, or 1, which says that higher is. Skill is given if it is the
    same wherever the prediction is the votes.

    Raises:
        ValueError: it is neither, or what it gives does not agree with what it says of itself.

    >>> import numpy as np
    >>> def gap(p, q):
    ...     "largest difference in any label"
    ...     return np.abs(p - q).max(axis=-1)
    >>> metric = as_metric("gap", gap)
    >>> metric.description, metric.per_utterance, metric.lower_is_better
    ('largest difference in any label', True, True)
    """
    if not isinstance(item, Metric):
        if not callable(item):
            raise ValueError(f"expected a Metric or a function (p, q), not {a_(item)}")
        function = check_function(item, "p", "q")
        if _values(function, _P).ndim == 0:
            raise ValueError(
                "it gives one value for the corpus: give one for each utterance, or register a Metric"
            )
        best = _best(function)
        if np.isnan(best):
            raise ValueError("which way is better cannot be told from its values: register a Metric")
        perfect = abs(_mean(function, _Q) - best) <= _EXACT
        item = Metric(
            *(name, "1", True, best == 0, summary_of(function), function),
            votes_are_perfect=bool(perfect),
        )
    _check_words(name, item)
    _check_values(item)
    function = Guarded(f"metric {name!r}", item.function, _as_values)
    linearised = item.linearised and Guarded(f"metric {name!r}, linearised", item.linearised, _as_values)
    return replace(item, function=function, linearised=linearised)


def _check_words(name: str, metric: Metric) -> None:
    if metric.name != name:
        raise ValueError(f"it calls itself {metric.name!r}: name and entry point must be the same")
    for word in ("unit", "description"):
        text = getattr(metric, word)
        if not isinstance(text, str) or not text or "\n" in text:
            raise ValueError(f"its {word} is {text!r}: expected one line")
    low, high = metric.bounds
    if not low < high:
        raise ValueError(f"its bounds are {metric.bounds}: expected the least and the largest value")


def _check_values(metric: Metric) -> None:
    check_function(metric.function, "p", "q")
    values = _values(metric.function, _P)
    if metric.per_utterance != (values.ndim == 1):
        raise ValueError(
            f"per_utterance is {metric.per_utterance}, and 5 utterances give an array of shape {values.shape}"
        )
    best, stated = _best(metric.function), 0 if metric.lower_is_better else 1
    if best != stated and not np.isnan(best):
        raise ValueError(
            f"lower_is_better is {metric.lower_is_better}, which makes {stated} the best value, and it is "
            f"{best:g} where all raters agree and the prediction with them"
        )
    at_votes = _mean(metric.function, _Q)
    if metric.votes_are_perfect and abs(at_votes - stated) > _EXACT:
        raise ValueError(f"votes_are_perfect is True, and it is {at_votes:g} where all predict the votes")
    low, high = metric.bounds
    outside = [v for v in np.ravel(values) if v < low - _EXACT or v > high + _EXACT]
    if outside:
        raise ValueError(f"it gives {outside[0]:g}, outside its bounds {metric.bounds}")
    if metric.linearised is not None:
        per_clip = _values(metric.linearised, _P)
        if per_clip.shape != (len(_P),) or not np.isclose(per_clip.mean(), values, equal_nan=True).all():
            raise ValueError("its linearised values, one per utterance, do not have the metric as their mean")


def _best(function: Function) -> float:
    """The value of a perfect prediction, 0 or 1; nan where none is defined."""
    best = _mean(function, _CERTAIN)
    if np.isnan(best):
        best = _mean(function, _Q)
    if np.isnan(best):
        return best
    if min(abs(best), abs(best - 1)) > _EXACT:
        raise ValueError(f"it is {best:g} where all raters agree and the prediction with them, not 0 (or 1)")
    return float(round(best))


def _mean(function: Function, q: Array) -> float:
    """The value of a prediction that is the votes themselves; nan where it is undefined."""
    values = _values(function, q, q)
    return float(np.nanmean(values)) if not np.isnan(values).all() else float("nan")


def _values(function: Function, p: Array, q: Array = _Q) -> Array:
    p, q = p.copy(), q.copy()
    p.flags.writeable = q.flags.writeable = False  # a metric that changes its arguments spoils the next one
    try:
        return _as_values(function(p, q), p, q)
    except Exception as error:
        raise ValueError(f"trying it on 5 utterances of 3 labels: {fault_in(function, error)}") from error


def _as_values(result: ArrayLike, p: Array, q: Array) -> Array:
    values = np.asarray(result, dtype=np.float64)
    if values.shape not in ((len(p),), ()):
        raise ValueError(f"it gives shape {values.shape}: expected ({len(p)},), one value each, or ()")
    return values
