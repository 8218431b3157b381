"""Values per utterance whose mean is a metric over a corpus, checked by leaving utterances out."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from ambivox.metrics import CONVENTIONS, METRICS, Metric
from ambivox.metrics.linearised import ece_linearised, spearman_influence

OVER_CORPUS = {
    metric.name: metric
    for metric in (
        *(METRICS[name] for name in METRICS),
        *(metric for name in CONVENTIONS for metric in CONVENTIONS[name].metrics),
    )
    if not metric.per_utterance
}


def made_up(seed: int, n: int, raters: int = 7, labels: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(labels), n)
    p = 0.6 * shares + 0.4 * rng.dirichlet(np.ones(labels), n)
    return p, np.array([rng.multinomial(raters, s) for s in shares]) / raters


@pytest.mark.parametrize("metric", OVER_CORPUS.values(), ids=OVER_CORPUS)
@given(seed=st.integers(0, 2**32), n=st.integers(2, 40), raters=st.integers(1, 7))
def test_the_mean_of_the_values_is_the_metric(metric: Metric, seed: int, n: int, raters: int) -> None:
    assert metric.linearised is not None, "a metric over a corpus needs an interval"
    p, q = made_up(seed, n, raters)
    values = metric.linearised(p, q)
    assert values.shape == (n,)
    assert float(values.mean()) == pytest.approx(float(metric.function(p, q)), nan_ok=True, abs=1e-9)


@pytest.mark.parametrize("metric", OVER_CORPUS.values(), ids=OVER_CORPUS)
def test_the_values_scatter_as_the_metric_moves_when_an_utterance_is_left_out(metric: Metric) -> None:
    assert metric.linearised is not None
    p, q = made_up(3, 800)
    values = metric.linearised(p, q)
    kept = ~np.eye(len(p), dtype=bool)[:60]
    without = np.array([float(metric.function(p[rows], q[rows])) for rows in kept])
    whole = float(metric.function(p, q))
    # theta - theta without u = (influence of u) / (U - 1), to first order
    moved = (whole - without) * (len(p) - 1)
    expected = values[:60] - whole
    assert np.abs(moved - expected).max() < 0.05 * np.abs(expected).max() + 5e-3


def test_a_bin_counts_with_the_sign_of_its_whole_gap() -> None:
    p, q = np.array([[0.75, 0.25], [0.65, 0.35]]), np.array([[0.5, 0.5], [0.7, 0.3]])
    found = ece_linearised(p, q, n_bins=2, target="votes")
    np.testing.assert_allclose(found, [0.25, -0.05])
    below = ece_linearised([[0.7, 0.3], [0.6, 0.4]], [[0.9, 0.1], [0.7, 0.3]], n_bins=2, target="votes")
    np.testing.assert_allclose(below, [0.2, 0.1])


@given(
    x=st.lists(st.integers(0, 6), min_size=4, max_size=30),
    seed=st.integers(0, 2**32),
)
def test_the_rank_correlation_is_that_of_scipy(x: list[int], seed: int) -> None:
    y = np.random.default_rng(seed).integers(0, 4, len(x))
    rho, influence = spearman_influence(x, y)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert np.isnan(rho)
        assert np.isnan(influence).all()
    else:
        assert rho == pytest.approx(spearmanr(x, y).statistic)
        assert influence.mean() == pytest.approx(0, abs=1e-9)


def test_the_influence_gives_the_error_that_a_bootstrap_of_the_ranks_gives() -> None:
    """Where the variables hang together, fixed ranks would give another error."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=1500)
    y = x + 0.6 * rng.normal(size=1500)
    _, influence = spearman_influence(x, y)
    drawn = [spearmanr(x[rows], y[rows]).statistic for rows in rng.integers(0, 1500, (600, 1500))]
    assert influence.std() / np.sqrt(1500) == pytest.approx(np.std(drawn), rel=0.1)


def test_options_are_those_of_the_metric() -> None:
    p, q = made_up(0, 50)
    with pytest.raises(ValueError, match="target"):
        partial(ece_linearised, target="guess")(p, q)
