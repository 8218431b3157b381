"""Metrics of other packages: plain functions accepted, and what does not hold refused before it is used."""

from dataclasses import replace

import numpy as np
import pytest

from ambivox.errors import AmbivoxError
from ambivox.metrics import CONVENTIONS, METRICS, Metric
from ambivox.metrics.conventions import as_convention
from ambivox.metrics.plugin import as_metric


def gap(p, q):
    """Largest difference in any label.

    More lines that nobody lists.
    """
    return np.abs(p - q).max(axis=-1)


def overlap(p, q):
    return np.minimum(p, q).sum(axis=-1)


def worst(p, q):
    return np.abs(p - q).max()


GAP = Metric("gap", "1", True, True, "largest difference", gap, None, (0.0, 1.0))


def test_a_plain_function_becomes_a_metric_per_utterance():
    metric = as_metric("gap", gap)
    assert (metric.name, metric.unit, metric.description) == ("gap", "1", "Largest difference in any label.")
    assert metric.per_utterance
    assert metric.lower_is_better
    assert metric.score([[0.5, 0.5], [1, 0]], [[1, 0], [1, 0]]).value == 0.25


def test_a_function_that_is_1_at_best_is_better_where_higher():
    metric = as_metric("overlap", overlap)
    assert not metric.lower_is_better
    assert metric.description == "from tests.metrics.test_metric_plugin"


def test_a_metric_over_the_corpus_says_so():
    with pytest.raises(ValueError, match="it gives one value for the corpus: give one for each utterance"):
        as_metric("worst", worst)
    metric = as_metric("worst", Metric("worst", "1", False, True, "largest difference at all", worst))
    assert not metric.per_utterance
    assert metric.score([[0.5, 0.5], [1, 0]], [[1, 0], [1, 0]]).utterances == 2


@pytest.mark.parametrize("name", list(METRICS))
def test_our_own_metrics_keep_what_others_have_to(name):
    metric = METRICS[name]
    p, q = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]]), np.array([[1, 0, 0], [0.25, 0.25, 0.5]])
    assert as_metric(name, metric).score(p, q) == metric.score(p, q)


@pytest.mark.parametrize("name", list(CONVENTIONS))
def test_the_metrics_of_our_own_conventions_do_too(name):
    for metric in CONVENTIONS[name].metrics:
        assert as_metric(metric.name, metric).name == metric.name


def kind(p, q):
    return 1 - (p * q).sum(axis=-1)


def test_a_function_that_the_votes_do_not_satisfy_gives_no_skill():
    assert as_metric("gap", gap).votes_are_perfect
    assert not as_metric("kind", kind).votes_are_perfect


def changes_what_it_is_given(p, q):
    p -= q
    return np.abs(p).max(axis=-1)


def cross_entropy(p, q):
    return 1 - (q * p).sum(axis=-1) / 2


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ("gap", r"expected a Metric or a function \(p, q\), not a str"),
        (Metric, r"expected a function \(p, q\), not a class"),
        (lambda p: p, "too many positional arguments"),
        (lambda p, q: 1 / 0, "trying it on 5 utterances of 3 labels: ZeroDivisionError: division by zero"),
        (lambda p, q: "far", "could not convert string to float"),
        (lambda p, q: p - q, r"it gives shape \(5, 3\): expected \(5,\), one value each, or \(\)"),
        (lambda p, q: (p - q).sum(axis=0), r"it gives shape \(3,\)"),
        (changes_what_it_is_given, "read-only"),
        (lambda p, q: cross_entropy(p, q), "it is 0.5 where all raters agree"),
        (lambda p, q: np.full(len(p), np.nan), "which way is better cannot be told"),
        (replace(GAP, name="jsd_bits"), "it calls itself 'jsd_bits'"),
        (replace(GAP, unit=""), "its unit is ''"),
        (replace(GAP, description="two\nlines"), "its description is"),
        (replace(GAP, per_utterance=False), "per_utterance is False"),
        (replace(GAP, lower_is_better=False), "lower_is_better is False, which makes 1 the best value"),
        (replace(GAP, function=kind), "votes_are_perfect is True, and it is 0.456"),
        (replace(GAP, bounds=(0.0, 0.1)), "it gives 0.2, outside its bounds"),
        (replace(GAP, bounds=(1.0, 0.0)), "its bounds are"),
        (
            replace(GAP, function=worst, per_utterance=False, linearised=gap),
            "do not have the metric as their mean",
        ),
        (replace(GAP, function=worst, per_utterance=False, linearised=worst), "do not have the metric"),
    ],
)
def test_what_is_not_a_metric_is_refused_with_the_reason(item, said):
    with pytest.raises(ValueError, match=said):
        as_metric("gap", item)


def test_a_metric_that_fails_on_real_clips_is_one_line():
    def only_three(p, q):
        return np.abs(p - q) @ np.ones(3)

    metric = as_metric("three", only_three)
    with pytest.raises(AmbivoxError, match=r"metric 'three': ValueError: .*plugin.py, line \d+\)"):
        metric.score(np.eye(6), np.eye(6))


def test_a_convention_of_another_package_is_checked_with_its_metrics():
    ours = CONVENTIONS["yu-2026"]
    accepted = as_convention("mine", replace(ours, name="mine", metrics=(METRICS["jsd_bits"], GAP)))
    assert [metric.name for metric in accepted.metrics] == ["jsd_bits", "gap"]
    for wrong, said in [
        ("yu-2026", "expected a Convention, not a str"),
        (ours, "it calls itself 'yu-2026'"),
        (replace(ours, name="mine", failed_as="dropped"), "failed_as is 'dropped'"),
        (replace(ours, name="mine", metrics=(replace(GAP, name="jsd_bits"),)), "is not the one of that name"),
        (replace(ours, name="mine", metrics=(replace(GAP, unit=""),)), "its unit is ''"),
    ]:
        with pytest.raises(ValueError, match=said):
            as_convention("mine", wrong)
