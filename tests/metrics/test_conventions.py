import numpy as np
import pytest
from hypothesis import given
from sklearn.metrics import accuracy_score, f1_score, r2_score

from ambivox.metrics import CONVENTIONS, jsd_bits
from ambivox.metrics.aer_llm import aer_llm_js
from tests.metrics.made_up_rows import corpora, first_of_the_largest

EXAMPLE = [[0.5, 0.5, 0, 0]], [[1, 0, 0, 0]]


def values(convention, *args, **kwargs):
    return {name: score.value for name, score in CONVENTIONS[convention].score(*args, **kwargs).items()}


def rounded_kl(a, b):
    """KL in nats as the published code of AER-LLM defines it: 1e-8 on the second argument, 4 decimals."""
    return round(sum(x * np.log(x / (y + 1e-8)) for x, y in zip(a, b, strict=True) if x > 0), 4)


def test_the_four_conventions_are_there_and_ours_is_the_first():
    assert list(CONVENTIONS)[:4] == ["ambivox", "aer-llm", "scaling-ambiguity", "yu-2026"]
    assert all(CONVENTIONS[name].name == name for name in CONVENTIONS)


def test_js_of_aer_llm_is_the_rounded_root_in_nats():
    # The exact root is 0.464502; with each KL at 4 decimals it is sqrt((.1438 + .2877) / 2) = 0.464489.
    assert values("aer-llm", *EXAMPLE)["aer_llm_js"] == 0.464489


@given(corpora())
def test_js_of_aer_llm_is_its_formula_on_rounded_shares(corpus):
    halves = []
    for p, q in zip(*corpus, strict=True):
        shares = [round(x, 2) for x in q]
        middle = [(x + y) / 2 for x, y in zip(p, shares, strict=True)]
        halves.append(max((rounded_kl(p, middle) + rounded_kl(shares, middle)) / 2, 0))
    # A KL on the edge of its last decimal may round either way.
    assert aer_llm_js(*corpus) ** 2 == pytest.approx(np.array(halves), abs=5.1e-5)


def test_js_of_aer_llm_does_not_see_differences_below_its_rounding():
    p, q = [[0.503, 0.497]], [[0.5, 0.5]]
    assert values("aer-llm", p, q)["aer_llm_js"] == 0
    assert jsd_bits(p, q)[0] > 0


def test_shares_of_aer_llm_are_rounded_and_not_renormalised():
    thirds = [[1 / 3, 1 / 3, 1 / 3, 0]]
    assert values("aer-llm", thirds, thirds)["aer_llm_bc"] == pytest.approx((3 * (0.33 / 3) ** 0.5), abs=1e-4)


def test_a_uniform_prediction_scores_zero_r2_in_aer_llm():
    scores = CONVENTIONS["aer-llm"].score([[0.25] * 4], [[0.5, 0.5, 0, 0]])
    assert scores["aer_llm_r2"].value == 0
    assert scores["aer_llm_r2"].undefined == 0


@given(corpora())
def test_r2_of_aer_llm_is_squared_covariance_over_variances(corpus):
    expected = []
    for p, q in zip(*corpus, strict=True):
        covariance = np.cov(p, np.round(q, 2), ddof=0)
        expected.append(covariance[0, 1] ** 2 / (covariance[0, 0] * covariance[1, 1] + 1e-10))
    assert values("aer-llm", *corpus)["aer_llm_r2"] == pytest.approx(np.mean(expected), abs=1.01e-4)


@given(corpora())
def test_labels_of_aer_llm_are_the_first_of_the_largest(corpus):
    p, q = first_of_the_largest(corpus[0]), np.round(corpus[1], 2).argmax(axis=1)
    got = values("aer-llm", *corpus)
    assert got["aer_llm_accuracy"] == pytest.approx(accuracy_score(q, p))
    assert got["aer_llm_weighted_f1"] == pytest.approx(f1_score(q, p, average="weighted", zero_division=0))


def test_ece_of_aer_llm_has_five_bins_that_hold_their_upper_edge():
    p, q = [[0.8, 0.2], [0.7, 0.3], [0.9, 0.1]], [[1, 0], [0, 1], [1, 0]]
    # .8 and .7 share the bin (.6, .8]: |1.5 - 1| / 3; .9 is alone: .1 / 3.
    assert values("aer-llm", p, q)["aer_llm_ece"] == pytest.approx((0.5 + 0.1) / 3)


def test_ece_of_scaling_ambiguity_has_ten_bins_that_hold_their_lower_edge():
    p, q = [[0.8, 0.2], [0.75, 0.25], [0.85, 0.15]], [[1, 0], [0, 1], [1, 0]]
    # .8 and .85 share the bin [.8, .9): |1.65 - 2| / 3; .75 is alone: .75 / 3.
    assert values("scaling-ambiguity", p, q)["scaling_ece"] == pytest.approx((0.35 + 0.75) / 3)


def test_scaling_ambiguity_is_in_bits_without_root_and_with_scikit_learns_r2():
    p = [[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]]
    q = [[0.75, 0.25, 0.0], [0.25, 0.75, 0.0]]
    got = values("scaling-ambiguity", p, q)
    assert got["jsd_bits"] == pytest.approx(jsd_bits(p, q).mean())
    assert got["scaling_r2"] == pytest.approx(r2_score(q, p, multioutput="raw_values").mean())


@given(corpora())
def test_labels_of_scaling_ambiguity_are_the_first_of_the_largest(corpus):
    p, q = (first_of_the_largest(rows) for rows in corpus)
    got = values("scaling-ambiguity", *corpus)
    assert got["scaling_accuracy"] == pytest.approx(accuracy_score(q, p))
    assert got["scaling_macro_f1"] == pytest.approx(f1_score(q, p, average="macro", zero_division=0))
    assert got["scaling_weighted_f1"] == pytest.approx(f1_score(q, p, average="weighted", zero_division=0))


def test_conventions_with_public_code_say_where_it_reads_answers_otherwise():
    assert any("divided by their sum" in text for text in CONVENTIONS["aer-llm"].differs)
    assert any("missing label" in text for text in CONVENTIONS["scaling-ambiguity"].differs)
    assert CONVENTIONS["ambivox"].differs == ()


def test_yu_2026_is_in_bits_with_brier_as_class_mean_and_says_what_was_inferred():
    got = values("yu-2026", *EXAMPLE)
    assert got == pytest.approx({"jsd_bits": 0.311278, "brier_mean": 0.125}, abs=1e-6)
    assert any("Brier" in line for line in CONVENTIONS["yu-2026"].inferred)


def test_a_failed_reply_counts_as_each_convention_says():
    p, q = [[0, 0, 1, 0], [np.nan] * 4], [[0, 0, 1, 0], [1, 0, 0, 0]]
    failed = [False, True]
    assert values("aer-llm", p, q, failed=failed, neutral=0)["aer_llm_js"] == 0
    assert values("scaling-ambiguity", p, q, failed=failed)["jsd_bits"] == 0
    half = jsd_bits([0.25] * 4, [1, 0, 0, 0]) / 2
    assert values("ambivox", p, q, failed=failed)["jsd_bits"] == pytest.approx(half)


def test_what_a_failed_reply_counts_as_can_be_overruled():
    p, q = [[0, 1], [np.nan] * 2], [[0, 1], [1, 0]]
    scores = CONVENTIONS["ambivox"].score(p, q, failed=[False, True], failed_as="excluded")
    assert (scores["jsd_bits"].value, scores["jsd_bits"].utterances) == (0, 1)


def test_a_failed_row_that_nobody_declared_is_refused():
    with pytest.raises(ValueError, match="p row 0: holds a value that is not finite"):
        values("ambivox", [[np.nan, np.nan]], [[1, 0]])


def test_metrics_of_a_convention_that_differ_from_ours_have_names_of_their_own():
    ours = {metric.name: metric for metric in CONVENTIONS["ambivox"].metrics}
    for name in ("aer-llm", "scaling-ambiguity", "yu-2026"):
        for metric in CONVENTIONS[name].metrics:
            assert metric.name not in ours or metric == ours[metric.name]
