import numpy as np
import pytest

from ambivox.errors import UsageError
from ambivox.metrics import CONVENTIONS, METRICS, Score

P = np.array([[0.7, 0.2, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]])
Q = np.array([[0.6, 0.4, 0.0], [0.5, 0.25, 0.25], [0.0, 0.0, 1.0]])

NAMES = [
    "jsd_bits",
    "jsd_nats",
    "js_distance",
    "kl_bits",
    "bhattacharyya",
    "hellinger",
    "total_variation",
    "brier_sum",
    "brier_mean",
    "r2_pearson",
    "r2_per_emotion",
    "ece",
    "vote_ece",
    "smooth_ece",
    "vote_smooth_ece",
    "entropy_spearman",
    "accuracy",
    "uar",
    "weighted_f1",
    "macro_f1",
    "top2_share",
]

BOUNDED = [
    "jsd_bits",
    "jsd_nats",
    "js_distance",
    "kl_bits",
    "hellinger",
    "brier_sum",
    "brier_mean",
    "accuracy",
]


def test_every_metric_is_registered_under_its_own_name():
    assert set(NAMES) <= set(METRICS)
    assert all(METRICS[name].name == name for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_gives_a_value_per_utterance_or_one_for_the_corpus_as_it_says(name):
    metric = METRICS[name]
    assert np.shape(metric.function(P, Q)) == ((3,) if metric.per_utterance else ())


@pytest.mark.parametrize("name", NAMES)
def test_a_metric_is_better_in_the_direction_it_says_and_perfect_at_zero_or_one(name):
    metric = METRICS[name]
    truths = (
        np.array([[1.0, 0, 0], [0, 1, 0], [0.0, 0.1, 0.9]])
        if name not in ("ece", "smooth_ece")
        else np.eye(3)
    )
    perfect, worse = (metric.score(p, truths).value for p in (truths, P[[1, 2, 0]]))
    if name == "top2_share":
        perfect = metric.score(truths[2:], truths[2:]).value
    assert perfect == pytest.approx(0 if metric.lower_is_better else 1)
    assert perfect < worse if metric.lower_is_better else perfect > worse


@pytest.mark.parametrize("name", NAMES)
def test_no_value_of_a_metric_lies_beyond_its_bounds_and_the_best_lies_on_one(name):
    metric, rng = METRICS[name], np.random.default_rng(4)
    low, high = metric.bounds
    for size in (1.0, 0.02):  # broad, and next to one-hot
        p, q = rng.dirichlet([size] * 4, size=(2, 200)) + 1e-15
        p, q = p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)
        values = metric.function(p, q)
        assert low <= np.nanmin(values) <= np.nanmax(values) <= high
    assert (low if metric.lower_is_better else high) == (0 if metric.lower_is_better else 1)


EVERY = [METRICS[name] for name in NAMES] + [m for name in CONVENTIONS for m in CONVENTIONS[name].metrics]


@pytest.mark.parametrize("metric", EVERY, ids=lambda metric: metric.name)
def test_the_votes_themselves_are_perfect_where_the_metric_says_so_and_nowhere_else(metric):
    """Skill is a place between a control and perfection, so perfection has to be there."""
    rng = np.random.default_rng(6)
    votes = rng.multinomial(7, [0.2, 0.3, 0.1, 0.4], size=300) / 7
    largest = np.sort(votes, axis=1)[:, -2:]
    votes = votes[largest[:, 0] < largest[:, 1]]
    best = metric.score(votes, votes).value
    is_perfect = best == pytest.approx(0 if metric.lower_is_better else 1, abs=1e-3)
    assert is_perfect == metric.votes_are_perfect


def test_the_worst_answer_is_at_the_other_bound():
    worst = {name: float(np.max(METRICS[name].function(np.eye(2), np.eye(2)[::-1]))) for name in BOUNDED}
    for name, value in worst.items():
        metric = METRICS[name]
        assert value == pytest.approx(metric.bounds[1 if metric.lower_is_better else 0]), name


def test_a_score_counts_the_utterances_that_it_leaves_out():
    p = [[0.7, 0.2, 0.1], [1 / 3, 1 / 3, 1 / 3]]
    q = [[0.7, 0.2, 0.1], [0.5, 0.5, 0]]
    score = METRICS["r2_pearson"].score(p, q)
    assert score == Score(pytest.approx(1), utterances=2, undefined=1)


def test_a_score_that_is_nowhere_defined_is_nan():
    score = METRICS["r2_pearson"].score([[0.5, 0.5]], [[1, 0]])
    assert np.isnan(score.value)
    assert (score.utterances, score.undefined) == (1, 1)


def test_a_score_over_the_corpus_counts_its_utterances():
    assert METRICS["uar"].score(P, Q).utterances == 3


def test_an_unknown_metric_names_the_nearest():
    with pytest.raises(UsageError, match="unknown metric 'jsd': did you mean"):
        METRICS["jsd"]
