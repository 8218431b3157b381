import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ambivox.statistics import (
    MIN_CLUSTERS,
    Interval,
    cluster_sums,
    draw_weights,
    mean_interval,
    ratio_intervals,
)


def jackknife_error(above, below, leverage):
    """Of a ratio of sums, each cluster left out in turn; exact where `leverage` is its share of `below`."""
    n, ratio = len(above), above.sum() / below.sum()
    left_out = ratio - (above - ratio * below) / (below.sum() * (1 - leverage))
    return np.sqrt((n - 1) / n * ((left_out - ratio) ** 2).sum())


def bootstrap_t_by_loop(above, below, n_draws, seed, level):
    """The same interval, one drawn corpus at a time."""
    n, ratio, leverage = len(above), above.sum() / below.sum(), below / below.sum()
    t = []
    for weights in draw_weights(n, n_draws, seed).astype(int):
        rows = np.repeat(np.arange(n), weights)
        drawn = above[rows].sum() / below[rows].sum()
        t.append((drawn - ratio) / jackknife_error(above[rows], below[rows], leverage[rows]))
    tail = stats.norm.cdf(np.sqrt(n / (n - 1)) * stats.norm.ppf((1 - level) / 2))
    rank = int(tail * (n_draws + 1))  # so many draws lie beyond each end, the last of them on it
    alpha = 2 * stats.norm.cdf(np.sqrt((n - 1) / n) * stats.norm.ppf(rank / (n_draws + 1)))
    effective = below.sum() ** 2 / (below**2).sum()
    wide = stats.t.isf(alpha / 2, 0.8 * effective - 1) / stats.t.isf(alpha / 2, n - 1)
    error = jackknife_error(above, below, leverage)
    t = np.sort(t)
    return ratio - t[-rank] * wide * error, ratio - t[rank - 1] * wide * error


def test_the_error_is_that_of_leaving_out_each_speaker_in_turn():
    rng = np.random.default_rng(1)
    above, below = rng.gamma(2.0, size=15), rng.integers(1, 40, size=15).astype(float)
    left_out = [np.delete(above, g).sum() / np.delete(below, g).sum() for g in range(15)]
    by_hand = np.sqrt(14 / 15 * ((np.array(left_out) - above.sum() / below.sum()) ** 2).sum())
    assert jackknife_error(above, below, below / below.sum()) == pytest.approx(by_hand)


def test_the_interval_is_that_of_a_plain_loop_over_drawn_corpora():
    rng = np.random.default_rng(3)
    above, below = rng.gamma(2.0, size=(15, 2)), rng.integers(1, 9, size=(15, 2)).astype(float)
    got = ratio_intervals(above, below, n_draws=300, seed=5, level=0.9)
    for m, interval in enumerate(got):
        expected = bootstrap_t_by_loop(above[:, m], below[:, m], 300, 5, 0.9)
        assert interval.estimate == pytest.approx(above[:, m].sum() / below[:, m].sum())
        assert (interval.low, interval.high) == pytest.approx(expected)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.8, 0.9, 0.95, 0.99]), st.integers(12, 40))
def test_the_test_rejects_where_the_interval_excludes_zero_and_nowhere_else(seed, level, n):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 30, size=(n, 8)).astype(float)
    above = sizes * (rng.exponential(size=(n, 8)) - rng.uniform(0.2, 1.8, size=8))
    for interval in ratio_intervals(above, sizes, n_draws=400, seed=seed, level=level):
        assert interval.reason or (interval.p <= 1 - level) == interval.excludes_zero


def test_a_p_value_is_near_students_where_values_are_normal_and_speakers_alike():
    values = np.random.default_rng(8).normal(0.1, 1, size=300)
    interval = mean_interval(values, range(300), n_draws=40_000)
    assert interval.p == pytest.approx(stats.ttest_1samp(values, 0).pvalue, rel=0.1)


def test_p_values_of_many_ratios_are_those_of_each_alone():
    rng = np.random.default_rng(2)
    above, below = rng.normal(0.3, 1, size=(20, 150)), rng.integers(1, 9, size=(20, 150)).astype(float)
    together = ratio_intervals(above, below, n_draws=200)
    alone = [ratio_intervals(above[:, [m]], below[:, [m]], n_draws=200)[0] for m in (0, 70, 149)]
    for one, m in zip(alone, (0, 70, 149), strict=True):
        assert (one.low, one.high, one.p) == pytest.approx((together[m].low, together[m].high, together[m].p))


def of_unequal_speakers(share, n=12, seed=0):
    """The interval of a mean of which one of `n` speakers holds this share of the clips."""
    sizes = np.full(n, 10)
    sizes[0] = round(10 * (n - 1) * share / (1 - share))
    rng = np.random.default_rng(seed)
    values = np.repeat(rng.normal(size=n), sizes) + rng.normal(size=sizes.sum())
    return mean_interval(values, np.repeat(np.arange(n), sizes).tolist())


def test_one_speaker_with_half_of_the_clips_widens_the_interval_and_says_so():
    found = of_unequal_speakers(0.5)
    assert found.effective == pytest.approx(1 / (0.25 + 11 * (0.5 / 11) ** 2))
    assert (found.reason, found.caution.code) == (None, "unequal-clusters")
    assert found.caution.text.startswith("the largest of 12 speakers weighs 50%: they are worth 3.7")


def test_one_speaker_with_nearly_all_clips_leaves_no_interval():
    found = of_unequal_speakers(0.9)
    assert found.reason.code == "one-dominates"
    assert np.isnan([found.low, found.high, found.p]).all()


def test_speakers_of_similar_size_need_no_caution():
    found = of_unequal_speakers(1 / 12)
    assert (found.effective, found.caution) == (pytest.approx(12), None)


@pytest.mark.parametrize("share", [0.4, 0.5])
def test_the_mean_of_a_dominated_corpus_is_held_as_often_as_promised(share):
    held = [of_unequal_speakers(share, seed=seed) for seed in range(400)]
    assert np.mean([one.low <= 0 <= one.high for one in held]) > 0.92  # standard error 0.01; was 0.88


def test_the_interval_of_independent_values_is_near_the_normal_one():
    values = np.random.default_rng(5).normal(size=400)
    interval = mean_interval(values, range(400), level=0.9)
    error = values.std() / 20
    assert interval.low == pytest.approx(values.mean() - 1.645 * error, abs=0.12 * error)
    assert interval.high == pytest.approx(values.mean() + 1.645 * error, abs=0.12 * error)


def test_the_interval_is_wider_where_clips_of_a_speaker_hang_together():
    values = np.repeat(np.linspace(0, 1, 20), 20)
    speakers = np.repeat(np.arange(20), 20).tolist()
    a, b = mean_interval(values, speakers), mean_interval(values, range(400))
    assert a.high - a.low > 3 * (b.high - b.low)
    assert (a.clusters, b.clusters) == (20, 400)


def test_one_odd_speaker_among_equal_ones_gives_no_interval():
    interval = mean_interval([1.0] + [0.0] * 29, range(30))
    assert interval.reason.code == "too-few-differ"
    assert interval.reason.text == "too few speakers differ for an interval"


def test_only_the_ends_beyond_the_bounds_are_moved():
    interval = Interval(0.6, -0.2, 0.9, 12)
    assert interval.within((0.0, 1.0)) == Interval(0.6, 0.0, 0.9, 12)
    assert interval.within((-np.inf, 0.8)) == Interval(0.6, -0.2, 0.8, 12)


def test_bounds_give_no_interval_where_there_is_none():
    found = mean_interval([0.2, 0.4], ["ann", "bob"]).within((0.0, 1.0))
    assert np.isnan([found.low, found.high]).all()
    assert found.reason


def test_a_higher_level_gives_a_wider_interval():
    values, groups = np.random.default_rng(0).normal(size=30), range(30)
    narrow, wide = (mean_interval(values, groups, level=level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < values.mean() < narrow.high < wide.high


@given(st.integers(0, 2**32 - 1))
def test_undefined_values_are_left_out_of_their_speaker(seed):
    rng = np.random.default_rng(seed)
    values, groups = rng.normal(size=60), rng.integers(0, 20, size=60)
    holes = rng.random(60) < 0.2
    kept = mean_interval(values[~holes], groups[~holes].tolist())
    assert mean_interval(np.where(holes, np.nan, values), groups.tolist()).estimate == pytest.approx(
        kept.estimate
    )


@pytest.mark.parametrize(
    ("values", "groups", "reason"),
    [
        ([1.0, 2.0], ["ann", "ann"], "1 speaker: an interval needs at least 12"),
        ([1.0, 2.0], ["ann", "bob"], "2 speakers: an interval needs at least 12"),
        ([0.3] * 20, range(20), "no variance: all speakers have the same value"),
        ([np.inf, *range(19)], range(20), "values that are not finite"),
        ([np.nan, np.nan], ["ann", "bob"], "no value is defined"),
        ([], [], "no value is defined"),
    ],
)
def test_a_reason_stands_in_place_of_an_interval(values, groups, reason):
    interval = mean_interval(values, list(groups))
    assert interval.reason.text == reason
    assert np.isnan([interval.low, interval.high]).all()
    assert not interval.excludes_zero


def test_so_many_clusters_are_enough_and_one_less_is_not():
    rng = np.random.default_rng(0)
    assert not mean_interval(rng.normal(size=MIN_CLUSTERS), range(MIN_CLUSTERS)).reason
    assert mean_interval(rng.normal(size=MIN_CLUSTERS - 1), range(MIN_CLUSTERS - 1)).reason


def test_an_interval_away_from_zero_excludes_it():
    values = np.random.default_rng(0).normal(3, 1, size=30)
    assert mean_interval(values, range(30)).excludes_zero
    assert mean_interval(-values, range(30)).excludes_zero
    assert not mean_interval(values - 3, range(30)).excludes_zero


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"groups": "ab"}, "one for each group"),
        ({"level": 1}, "level: 1 is not"),
        ({"n_draws": 0}, "n_draws: 0"),
    ],
)
def test_options_out_of_range_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        mean_interval(np.arange(20.0), **{"groups": range(20), **wrong})


def test_cluster_sums_keep_columns_apart():
    sums = cluster_sums([[1, 10], [2, 20], [3, 30]], np.array([1, 0, 1]), 2)
    assert sums.tolist() == [[2, 20], [4, 40]]


def test_a_cluster_whose_sums_are_0_is_counted_where_it_has_members() -> None:
    above = np.arange(24.0)[:, None] % 3
    below = np.ones((24, 1))
    above[0], below[0] = 0, 0
    [without] = ratio_intervals(above, below)
    [counted] = ratio_intervals(above, below, members=np.ones((24, 1)))
    assert (without.clusters, counted.clusters) == (23, 24)
    assert counted.estimate == without.estimate
    with pytest.raises(ValueError, match="members has shape"):
        ratio_intervals(above, below, members=np.ones(24))


def test_clusters_that_agree_but_for_rounding_give_a_reason_and_no_huge_interval():
    """Three of 95 differ: one draw in twenty misses them all, and what it holds differs by rounding only."""
    rng = np.random.default_rng(0)
    values = 0.3 + 1e-9 * rng.normal(size=(95, 1))
    values[:3, 0] = [0.1, 0.2, 0.5]
    [found] = ratio_intervals(values, np.ones((95, 1)), unit="clips")
    assert found.reason.text == "too few clips differ for an interval"
    assert np.isnan(found.low)
    assert np.isnan(found.high)
