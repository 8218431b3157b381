import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ambivox.statistics import sensitivity


@given(st.integers(0, 2**32 - 1), st.integers(2, 5), st.integers(1, 9))
def test_the_parts_add_up_to_numpys_variance(seed, n_conditions, n_clips):
    p = np.random.default_rng(seed).dirichlet(np.ones(4), size=(n_conditions, n_clips))
    found = sensitivity(p)
    assert found.whole == pytest.approx(p.var(axis=0, ddof=1).sum(axis=-1).mean())
    assert found.of_mean == pytest.approx(p.mean(axis=1).var(axis=0, ddof=1).sum())
    assert found.per_clip.mean() == pytest.approx(found.whole)


def test_a_shift_of_all_clips_is_spread_of_the_mean_only():
    p = np.full((2, 10, 2), 0.5)
    p[1] += [0.1, -0.1]
    found = sensitivity(p)
    assert found.of_mean == pytest.approx(0.01)
    assert found.of_single == pytest.approx(0, abs=1e-12)


def test_flips_of_single_clips_that_cancel_are_spread_of_single_predictions():
    p = np.array([[[0.6, 0.4], [0.4, 0.6]], [[0.4, 0.6], [0.6, 0.4]]])
    found = sensitivity(p)
    assert found.of_mean == pytest.approx(0)
    assert found.of_single == pytest.approx(0.04)


def test_a_steady_readout_that_tells_clips_apart_is_reliable():
    p = np.tile(np.random.default_rng(0).dirichlet(np.ones(4), size=30), (3, 1, 1))
    assert sensitivity(p).reliability == pytest.approx(1)


def test_a_readout_that_only_follows_the_condition_has_no_reliability():
    p = np.repeat(np.random.default_rng(0).dirichlet(np.ones(4), size=3)[:, None], 30, axis=1)
    assert sensitivity(p).reliability == pytest.approx(0, abs=1e-9)


def test_random_predictions_have_no_reliability_on_average():
    p = np.random.default_rng(0).dirichlet(np.ones(4), size=(3, 4000))
    assert sensitivity(p).reliability == pytest.approx(0, abs=0.03)


def test_a_constant_has_none_to_speak_of():
    found = sensitivity(np.full((3, 5, 4), 0.25))
    assert found.whole == 0
    assert np.isnan(found.reliability)


@pytest.mark.parametrize("shape", [(1, 3, 2), (2, 0, 2), (3, 2)])
def test_too_little_to_compare_is_refused(shape):
    with pytest.raises(ValueError, match="at least"):
        sensitivity(np.full(shape, 0.5))


def test_the_parts_of_a_clip_say_how_the_whole_moves_without_it() -> None:
    """Or intervals of the share between clips are too narrow: prompts move the means of clips too."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(1, 400, 4)) + 0.8 * rng.normal(size=(3, 400, 4)) + rng.normal(size=(3, 1, 4))
    p = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    whole = sensitivity(p)
    for u in range(12):
        without = sensitivity(np.delete(p, u, axis=1))
        for part in ("per_clip", "between_clips"):
            values = getattr(whole, part)
            moved = (values.mean() - getattr(without, part).mean()) * (len(values) - 1)
            assert moved == pytest.approx(values[u] - values.mean(), abs=0.01), part
