"""Claims on levels of known quality: true ones are supported, false ones contradicted, the rest left open."""

from dataclasses import replace

import numpy as np
import pytest

from ambivox.field_claims.catalogue import all_claims
from ambivox.field_claims.claim import Claim, Part, judge
from ambivox.metrics import METRICS, jsd_bits
from ambivox.statistics import Interval, sharpened_prior
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


def elsewhere(level):
    """The level with the clip, and given another clip."""
    return {"swapped": (sharp, lambda p: level(p[::-1]))}.items()


def with_swapped(text, token, **kwargs):
    return make_paired(text, token, others=elsewhere(token), **kwargs)


def deaf(prediction):
    """Says the same whatever it is given."""
    return lambda p: np.tile(prediction, (len(p), 1))


def test_skill_on_ambiguous_clips_is_supported_and_mere_flatness_is_not():
    skilled = verdicts(with_swapped(sharp, knowing(0.9)))["ambiguous-by-skill"]
    nearly_flat = verdicts(with_swapped(sharp, lambda p: mix(p[::-1], 0.05)))["ambiguous-by-skill"]
    assert skilled.verdict == "supported"
    assert nearly_flat.parts[0].interval.low > 0, "a flat guess beats sharp text on spread votes"
    assert nearly_flat.verdict != "supported"


def test_steadiness_needs_clips_to_be_told_apart():
    steady = verdicts(make_paired(scattered(0.3), scattered(0.05, 4)))["steadier"]
    assert steady.verdict == "supported"
    unsteady = scattered(0.3, 4)
    flat_only = verdicts(make_paired(scattered(0.2), lambda p: mix(unsteady(p), 0.02)))["steadier"]
    assert flat_only.parts[0].interval.low > 0, "what hardly moves at all moves less over prompts"
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


def test_without_failures_there_is_nothing_to_test():
    claim = verdicts(make_paired(sharp, knowing(0.9)))["failures-explain"]
    assert (claim.verdict, claim.reason.code) == ("not tested", "none-failed")


def test_a_level_that_hears_beats_the_prior_and_one_that_hears_wrongly_does_not():
    assert verdicts(with_swapped(sharp, knowing(0.9)))["beats-prior"].verdict == "supported"
    wrong = verdicts(with_swapped(sharp, lambda p: mix(p[::-1], 0.9)))["beats-prior"]
    assert wrong.verdict == "contradicted"


@pytest.mark.parametrize("name", ["beats-prior", "ambiguous-by-skill"])
@pytest.mark.parametrize("knows", ["all clips", "the most ambiguous third"])
def test_a_model_that_says_the_best_constant_of_this_very_corpus_is_not_called_knowing(name, knows):
    """No prior made of the votes can be sure to beat it, and it says the same given another clip."""
    q = make_paired(sharp, sharp).clips.q
    entropies = -(np.where(q > 0, q, 1) * np.log(np.where(q > 0, q, 1))).sum(axis=1)
    own = q if knows == "all clips" else q[entropies >= np.quantile(entropies, 2 / 3)]
    constants = (own.mean(axis=0) ** e for e in (1.0, 1.25, 1.5, 2.0))
    best = min(constants, key=lambda c: jsd_bits(np.tile(c / c.sum(), (len(own), 1)), own).mean())
    level = deaf(best / best.sum())
    found = verdicts(make_paired(sharp, level, others={"swapped": (sharp, level)}.items()))[name]
    assert (found.verdict, found.refuted.code) == ("contradicted", "same-answers")


def test_without_answers_to_another_clip_nothing_is_said_of_knowing():
    found = verdicts(make_paired(sharp, knowing(0.9)))
    for name in ("beats-prior", "ambiguous-by-skill"):
        assert found[name].verdict == "not tested"
        assert found[name].reason.fix == "add swapped to the study's controls"


def test_a_third_with_one_speaker_has_no_prior_of_others():
    paired = with_swapped(sharp, knowing(0.9), n_speakers=20, clips_each=6)
    most = paired.tertiles.codes == 2
    speakers = tuple("ann" if inside else f"s{u}" for u, inside in enumerate(most))
    alone = replace(paired, clips=replace(paired.clips, speakers=speakers))
    claim = verdicts(alone)["ambiguous-by-skill"]
    assert (claim.verdict, claim.reason.code) == ("not tested", "one-speaker")


def test_the_skill_is_that_against_the_sharpened_prior():
    paired = with_swapped(sharp, knowing(0.5))
    found = verdicts(paired)["beats-prior"].parts[0].interval.estimate
    prior = sharpened_prior(paired.clips.q, paired.clips.speakers, jsd_bits).scores
    assert found == pytest.approx(1 - paired.scores("token").mean() / prior.mean())


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


def test_a_deaf_model_that_answers_the_same_is_contradicted_and_one_that_scatters_left_open():
    same = make_paired(sharp, knowing(0.9), others={"silence": (sharp, knowing(0.9))}.items())
    claim = verdicts(same)["hears-silence-token"]
    assert (claim.verdict, claim.refuted.code) == ("contradicted", "same-answers")
    other = {"silence": (sharp, scattered(0.2, 5))}.items()
    assert (
        verdicts(make_paired(sharp, scattered(0.2), others=other))["hears-silence-token"].verdict
        == "undecided"
    )


def refusing(share, level, seed=0):
    """Refuses so many requests, and answers the others as the level does."""
    rng = np.random.default_rng(seed)

    def function(p):
        said = level(p)
        said[rng.random(len(p)) < share] = np.nan
        return said

    return function


@pytest.mark.parametrize(("share", "verdict"), [(0.99, "not tested"), (0.5, "undecided")])
def test_a_deaf_model_that_refuses_silence_is_not_called_hearing(share, verdict):
    other = {"silence": (sharp, refusing(share, scattered(0.2, 6)))}.items()
    claim = verdicts(make_paired(sharp, scattered(0.2), others=other))["hears-silence-token"]
    assert claim.verdict == verdict
    assert "failed and left out: 0 of 480 readings with the clip" in claim.note


def test_what_is_left_of_the_accuracy_without_audio_is_told_with_its_interval():
    other = {"no-audio": (sharp, lambda p: mix(np.roll(p, 1, axis=0), 0.9))}.items()
    paired = make_paired(sharp, knowing(0.9), others=other)
    claim = verdicts(paired)["audio-carries-token"]
    accuracies = [
        1 - paired.scores("token", c, metric=METRICS["accuracy"]).mean() for c in ("clip", "no-audio")
    ]
    lost = claim.parts[0].interval
    assert claim.verdict == "supported"
    assert lost.estimate == pytest.approx(1 - accuracies[1] / accuracies[0])
    assert lost.low < lost.estimate < lost.high
    assert claim.note.startswith(f"without audio it keeps {1 - lost.estimate:.0%} [")


def test_two_speakers_settle_nothing_and_the_fix_is_told():
    for claim in verdicts(make_paired(sharp, knowing(0.9), n_speakers=2)).values():
        assert claim.verdict in ("not tested", "contradicted")
    claim = verdicts(make_paired(sharp, knowing(0.9), n_speakers=2))["token-beats-text"]
    assert claim.reason.text == "2 speakers: an interval needs at least 12"
    assert "--cluster clip" in claim.reason.fix


def test_one_vote_per_clip_says_nothing_of_ambiguity():
    found = verdicts(with_swapped(sharp, knowing(0.9), raters=1))
    for name in ("ambiguous-by-skill", "follows-ambiguity"):
        assert found[name].verdict == "not tested"
        assert found[name].reason.code == "one-vote"
    assert found["beats-prior"].verdict == "supported"


def test_text_that_always_failed_is_told():
    claim = verdicts(with_failures(make_paired(sharp, knowing(0.9)), 1.1))["failures-explain"]
    assert "all text readings failed" in claim.reason.text


def test_p_values_are_corrected_for_all_claims():
    found = verdicts(with_swapped(sharp, knowing(0.9)))
    tested = [claim for claim in found.values() if not np.isnan(claim.p)]
    assert all(claim.p_holm >= claim.p for claim in tested)
    assert max(claim.p_holm / claim.p for claim in tested) == pytest.approx(len(tested))


def claim_of(*parts, p_holm=None, margin=None):
    """A claim whose parts have these estimates and p-values, judged."""
    intervals = [Interval(x, x - 0.1, x + 0.1, 20, p=p) for x, p in parts]
    claim = Claim("c", "a claim", tuple(Part("x", "bit", interval) for interval in intervals))
    return claim.judged(claim.p if p_holm is None else p_holm, margin)


@pytest.mark.parametrize(
    ("parts", "p", "verdict"),
    [
        ([(0.2, 0.01)], 0.01, "supported"),
        ([(0.2, 0.01), (0.3, 0.04)], 0.04, "supported"),
        ([(0.2, 0.01), (0.3, 0.2)], 0.2, "undecided"),
        ([(0.2, 0.001), (-0.3, 0.01)], 0.02, "contradicted"),
        ([(0.2, 0.001), (-0.3, 0.04)], 0.08, "undecided"),
        ([(-0.2, 0.01)], 0.01, "contradicted"),
    ],
)
def test_all_parts_have_to_be_above_zero_and_one_below_is_enough_to_contradict(parts, p, verdict):
    claim = claim_of(*parts)
    assert claim.p == pytest.approx(p)
    assert claim.verdict == verdict


def test_a_difference_shown_to_be_smaller_than_the_margin_is_called_equivalent():
    assert claim_of((0.01, 0.8), margin=0.2).verdict == "equivalent"
    assert claim_of((0.01, 0.8), margin=0.05).verdict == "undecided"
    assert claim_of((0.01, 0.8)).verdict == "undecided"
    assert claim_of((0.05, 0.01), margin=0.2).verdict == "supported"


def test_a_share_is_not_measured_by_a_margin_of_scores():
    part = Part("x", "1", Interval(0.0, -0.01, 0.01, 20, p=0.9))
    assert Claim("c", "a claim", (part,)).judged(0.9, 0.2).verdict == "undecided"
