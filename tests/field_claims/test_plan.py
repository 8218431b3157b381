"""A plan says what will be tested, and what a run with it then tests."""

import numpy as np
import pytest

from ambivox.corpora import Corpus, Utterance
from ambivox.errors import UsageError
from ambivox.field_claims import plan_claims
from ambivox.run import Study

LABELS = ("angry", "happy", "neutral", "sad")


def made(n_speakers: int, clips: int, raters: int) -> Corpus:
    rng = np.random.default_rng(0)
    utterances = []
    for n in range(n_speakers):
        shares = rng.dirichlet([0.4, 0.4, 1.2, 0.5], size=clips)
        for k, votes in enumerate(rng.multinomial(raters, shares)):
            given = {label: int(v) for label, v in zip(LABELS, votes, strict=True) if v}
            utterances.append(Utterance(id=f"{n}-{k}", audio=None, speaker=f"s{n}", votes=given))
    return Corpus("made up", "none", tuple(utterances))


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch):
    def build(n_speakers: int = 16, clips: int = 10, raters: int = 6, **changes):
        monkeypatch.setattr("ambivox.run.plan.load_corpus", lambda *_, **__: made(n_speakers, clips, raters))
        stated = {
            "corpora": [{"name": "manifest", "path": "/nowhere"}],
            "models": ["mini"],
            "prompts": ["word", "letter"],
            "emotions": "iemocap4",
            "controls": ["clip", "swapped"],
        }
        return Study.model_validate(stated | changes)

    return build


def by_name(plan):
    return {claim.name: claim for claim in plan.corpora[0].claims}


def test_a_claim_without_its_control_is_said_to_be_untestable_before_the_run(study):
    claims = by_name(plan_claims(study()))
    assert claims["beats-prior"].reason is None
    assert claims["hears-silence-token"].reason.fix == "add silence to the study's controls"


def test_what_is_found_is_told_for_claims_on_differences_alone(study):
    claims = by_name(plan_claims(study()))
    assert claims["token-beats-text"].detectable > 0
    assert np.isnan(claims["follows-ambiguity"].detectable)


def test_more_speakers_show_smaller_differences(study):
    few = by_name(plan_claims(study(n_speakers=16)))["token-beats-text"].detectable
    assert by_name(plan_claims(study(n_speakers=60)))["token-beats-text"].detectable < 0.7 * few


def test_too_few_speakers_and_single_votes_are_told_before_the_run(study):
    assert by_name(plan_claims(study(n_speakers=3)))["token-beats-text"].reason.code == "too-few-clusters"
    assert by_name(plan_claims(study(raters=1)))["follows-ambiguity"].reason.code == "one-vote"


def test_the_readouts_that_will_stand_beside_each_other_are_named(study):
    assert plan_claims(study(readouts=["label", "first"])).corpora[0].readouts == (
        ("word", "label", "first"),
        ("letter", "label", "first"),
    )


def test_a_study_of_one_level_has_no_claims(study):
    assert plan_claims(study(readouts=["label"])).corpora[0].claims == ()


def test_a_metric_over_a_corpus_is_refused(study):
    with pytest.raises(UsageError, match="no value per utterance"):
        plan_claims(study(), metric="ece")
