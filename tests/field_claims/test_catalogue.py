"""Claims on levels of known quality: true ones are supported, false ones contradicted, the rest left open."""

import numpy as np
import pytest

from ambivox.field_claims.catalogue import all_claims
from ambivox.field_claims.claim import Part, judge
from ambivox.statistics import Interval
from tests.field_claims.made_up import make_paired, mix, sharp


def verdicts(paired):
    return {claim.name: claim for claim in judge(all_claims(paired))}


def knowing(share):
    return lambda p: mix(p, share)


def scattered(amount, seed=3):
    """Knows all, but misses by chance; the misses differ from call to call."""
    rng = np.random.default_rng(seed)

    def function(p):
        moved = np.abs(p + amount * rng.normal(size=p.shape))
        return moved / moved.sum(axis=-1, keepdims=True)

    return function


def test_a_level_that_knows_more_is_better_and_the_other_way_round_is_worse():
    better = verdicts(make_paired(knowing(0.2), knowing(0.9)))["token-beats-text"]
    worse = verdicts(make_paired(knowing(0.9), knowing(0.2)))["token-beats-text"]
    assert (better.verdict, worse.verdict) == ("supported", "contradicted")
    assert better.parts[0].interval.estimate == pytest.approx(-worse.parts[0].interval.estimate)


def test_two_levels_of_one_quality_are_left_open():
    assert verdicts(make_paired(scattered(0.2), scattered(0.2, 4)))["token-beats-text"].verdict == "undecided"


def test_skill_on_ambiguous_clips_is_supported_and_mere_flatness_is_not():
    skilled = verdicts(make_paired(sharp, knowing(0.9)))["ambiguous-by-skill"]
    flat = verdicts(make_paired(sharp, knowing(0.0)))["ambiguous-by-skill"]
    assert skilled.verdict == "supported"
    assert flat.parts[0].sign == 1, "a flat guess beats sharp text on spread votes"
    assert flat.verdict != "supported"


def test_steadiness_needs_clips_to_be_told_apart():
    steady = verdicts(make_paired(scattered(0.3), scattered(0.05, 4)))["steadier"]
    assert steady.verdict == "supported"
    unsteady = scattered(0.3, 4)
    flat_only = verdicts(make_paired(scattered(0.2), lambda p: mix(unsteady(p), 0.02)))["steadier"]
    assert flat_only.parts[0].sign == 1, "what hardly moves at all moves less over prompts"
    assert flat_only.verdict != "supported"


def test_one_prompt_cannot_be_steadier():
    claim = verdicts(make_paired(sharp, knowing(0.5), n_prompts=1))["steadier"]
    assert (claim.verdict, claim.reason.fix) == ("not tested", "give the study several prompts")


def with_failures(paired, share, seed=0):
    rng = np.random.default_rng(seed)
    for p in paired.p["text", "clip"]:
        p[rng.random(p.shape[:2]) < share] = np.nan
    return paired


def test_failures_that_are_the_whole_difference_explain_all_of_it():
    paired = with_failures(make_paired(scattered(0.02), scattered(0.02, 4)), 0.4)
    claim = verdicts(paired)["failures-explain"]
    assert claim.verdict == "supported"
    assert claim.parts[0].interval.estimate == pytest.approx(1, abs=0.03)
    assert "failed; gain with failures counted as uniform" in claim.note


def test_failures_beside_a_real_difference_explain_a_part_of_it():
    paired = with_failures(make_paired(knowing(0.6), knowing(0.9)), 0.2)
    found = verdicts(paired)["failures-explain"].parts[0].interval
    gain = paired.scores("text") - paired.scores("token")
    read = ~np.isnan(paired.scores("text", failed_as="excluded"))
    assert found.estimate == pytest.approx(1 - gain[read].mean() / gain.mean())
    assert 0 < found.low < found.estimate < found.high < 1


def test_without_failures_they_explain_nothing():
    claim = verdicts(make_paired(sharp, knowing(0.9)))["failures-explain"]
    assert claim.verdict == "contradicted"
    assert claim.refuted.text == "none of 480 text readings failed: 0% explained"


def test_a_level_that_hears_beats_the_prior_and_a_deaf_one_does_not():
    assert verdicts(make_paired(sharp, knowing(0.9)))["beats-prior"].verdict == "supported"
    assert verdicts(make_paired(sharp, lambda p: mix(p[::-1], 0.9)))["beats-prior"].verdict == "contradicted"


def test_the_skill_is_that_of_the_table():
    paired = make_paired(sharp, knowing(0.5))
    found = verdicts(paired)["beats-prior"].parts[0].interval.estimate
    assert found == pytest.approx(1 - paired.scores("token").mean() / paired.prior()[0].mean())


def test_uncertainty_that_follows_the_raters_is_seen():
    assert verdicts(make_paired(sharp, knowing(0.9)))["follows-ambiguity"].verdict == "supported"
    assert verdicts(make_paired(sharp, sharp))["follows-ambiguity"].verdict == "not tested"


def test_the_rank_correlation_is_scipys():
    from scipy.stats import entropy, spearmanr

    paired = make_paired(sharp, scattered(0.2))
    found = verdicts(paired)["follows-ambiguity"].parts[0].interval.estimate
    centre = np.mean([p.mean(axis=0) for p in paired.p["token", "clip"]], axis=0)
    expected = spearmanr(entropy(centre, axis=1), entropy(paired.clips.q, axis=1).round(9)).statistic
    assert found == pytest.approx(expected, abs=1e-6)


def test_hearing_is_tested_against_each_control():
    other = {"swapped": (lambda p: sharp(p[::-1]), lambda p: mix(p[::-1], 0.9))}
    found = verdicts(make_paired(sharp, knowing(0.9), others=other.items()))
    assert found["hears-swapped-token"].verdict == found["hears-swapped-text"].verdict == "supported"
    assert found["hears-silence-token"].verdict == "not tested"
    assert found["hears-silence-token"].reason.fix == "add silence to the study's controls"


def test_a_deaf_model_does_not_hear():
    deaf = {"silence": (sharp, knowing(0.9))}
    assert verdicts(make_paired(sharp, knowing(0.9), others=deaf.items()))["hears-silence-token"].verdict in (
        "undecided",
        "not tested",
    )


def test_two_speakers_settle_nothing_and_the_mend_is_told():
    for claim in verdicts(make_paired(sharp, knowing(0.9), n_speakers=2)).values():
        assert claim.verdict in ("not tested", "contradicted")
    claim = verdicts(make_paired(sharp, knowing(0.9), n_speakers=2))["token-beats-text"]
    assert claim.reason.text == "2 speakers: an interval needs at least 12"
    assert "--cluster clip" in claim.reason.fix


def test_one_vote_per_clip_says_nothing_of_ambiguity():
    found = verdicts(make_paired(sharp, knowing(0.9), raters=1))
    for name in ("ambiguous-by-skill", "follows-ambiguity"):
        assert found[name].verdict == "not tested"
        assert found[name].reason.code == "one-vote"
    assert found["beats-prior"].verdict == "supported"


def test_text_that_always_failed_is_told():
    claim = verdicts(with_failures(make_paired(sharp, knowing(0.9)), 1.1))["failures-explain"]
    assert "all text readings failed" in claim.reason.text


def test_p_values_are_corrected_for_all_parts():
    found = verdicts(make_paired(sharp, knowing(0.9)))
    parts = [part for claim in found.values() for part in claim.parts if not np.isnan(part.p)]
    assert all(part.p_holm >= part.p for part in parts)
    assert max(part.p_holm / part.p for part in parts) == pytest.approx(len(parts))


@pytest.mark.parametrize(("low", "high", "p", "sign"), [(0.1, 0.3, 0.01, 1), (-0.3, -0.1, 0.01, -1)])
def test_a_sign_needs_both_interval_and_test(low, high, p, sign):
    assert Part("x", "bit", Interval(0.2, low, high, 20), p, p).sign == sign
    assert Part("x", "bit", Interval(0.2, low, high, 20), p, 0.06).sign == 0
    assert Part("x", "bit", Interval(0.2, -0.1, 0.5, 20), p, p).sign == 0
