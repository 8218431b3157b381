"""The claims that a model hears: what it scores with the clip against what it scores with something else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ambivox.field_claims.claim import Claim, Part, untested
from ambivox.field_claims.paired import Paired
from ambivox.field_claims.per_clip import gain, mean_scores, over_rows, part_of, skill_values
from ambivox.metrics import METRICS
from ambivox.metrics.linearised import linearised
from ambivox.raters.distribution import Array
from ambivox.readouts import Level
from ambivox.reasons import Reason
from ambivox.statistics import sharpened_prior

HEARING_CONTROLS = {
    "silence": "silence",
    "no-audio": "no audio at all",
    "swapped": "another clip",
    "transcript-only": "nothing but the words to read",
}
"""What a model that hears the voice has to do better than."""

SAME = 1e-12
"""Scores that differ by less are those of the same answers."""

ONE_VOTE = Reason(
    "one-vote",
    "each clip has one vote: a label, in which no ambiguity can be seen",
    "use a corpus with several raters per clip",
)


def beats_the_prior(paired: Paired) -> Claim:
    """Skill against the best answer that is the same for all clips, and worse given another clip.

    The mean vote is not the constant answer that a metric likes best, and the votes of a few speakers are not
    those of all: a model that hears nothing can be nearer to the votes than any prior made of them. It cannot
    be worse given another clip.
    """
    claim = Claim("beats-prior", "The token level knows more than how people vote in this corpus")
    everywhere = np.ones(len(paired.clips.names), dtype=bool)
    parts = _knows_the_clip(paired, everywhere, "the sharpened vote prior")
    if isinstance(parts, Reason):
        return _refuted_or_untested(claim, parts)
    return Claim(claim.name, claim.sentence, parts)


def skilled_on_ambiguous_clips(paired: Paired) -> Claim:
    """On the most ambiguous third: better than the text, and as `beats_the_prior` asks, on that third alone.

    Flat predictions are near to spread votes whatever they know, so beating sharp text says little there; the
    prior of the third is as flat as its votes and knows nothing of the clip.
    """
    claim = Claim(
        "ambiguous-by-skill",
        "On the most ambiguous third the token level is nearer to the votes by skill, not only by flatness",
    )
    if paired.tertiles.reason:
        return untested(claim, no_thirds(paired.tertiles.reason))
    most = paired.tertiles.codes == 2
    if most.sum() < 2:
        text = f"{most.sum()} clip(s) in the most ambiguous third"
        return untested(claim, Reason("too-few-clips", text, "use more clips"))
    parts = _knows_the_clip(paired, most, "the sharpened vote prior of that third")
    if isinstance(parts, Reason):
        return _refuted_or_untested(claim, parts)
    better = np.where(most, gain(paired), np.nan)
    first = part_of(paired, f"{paired.metric.name} is better than at the text level by", better)
    return Claim(claim.name, claim.sentence, (first, *parts), f"{most.sum()} clips")


def hears(paired: Paired, control: str, level: Level) -> Claim:
    """How much worse the level scores when the model hears something else, on answers read both times."""
    claim = Claim(
        f"hears-{control}-{level}",
        f"The {level} level is nearer to the votes than given {HEARING_CONTROLS[control]}",
    )
    missing = _missing(paired, level, control)
    if missing:
        return untested(claim, missing)
    better, note = _better_with_the_clip(paired, level, control)
    if _same(better):
        return Claim(claim.name, claim.sentence, note=note, refuted=_same_answers(control))
    found = part_of(paired, f"{paired.metric.name} is better with the clip by", better)
    return Claim(claim.name, claim.sentence, (found,), note)


def audio_carries(paired: Paired, level: Level) -> Claim:
    """The share of the accuracy that is gone without audio; models often keep more than half of it."""
    claim = Claim(f"audio-carries-{level}", f"A part of the {level} level's accuracy comes from the audio")
    missing = _missing(paired, level, "no-audio")
    if missing:
        return untested(claim, missing)
    heard, unheard = (
        paired.scores(level, control, failed_as="excluded", metric=METRICS["accuracy"])
        for control in ("clip", "no-audio")
    )
    read = ~(np.isnan(heard) | np.isnan(unheard))
    right, without = (over_rows(np.where(read, 1 - scores, np.nan)) for scores in (heard, unheard))
    both = ~np.isnan(right)
    if not right[both].sum() > 0:
        return untested(claim, Reason("never-right", "no answer is right with the clip"))
    kept = without[both].mean() / right[both].mean()
    lost = np.full(len(right), np.nan)
    lost[both] = linearised(1 - kept, (kept * right[both] - without[both]) / right[both].mean())
    found = part_of(paired, "the share of its accuracy that is gone without audio is", lost, unit="1")
    ends = ""
    if not found.interval.reason:
        ends = f" [{1 - found.interval.high:.0%} to {1 - found.interval.low:.0%}]"
    note = f"without audio it keeps {kept:.0%}{ends} of its accuracy: {without[both].mean():.2f} of "
    return Claim(claim.name, claim.sentence, (found,), f"{note}{right[both].mean():.2f}")


def no_thirds(reason: Reason) -> Reason:
    """Why clips cannot be told apart by their ambiguity, as far as claims are concerned."""
    return ONE_VOTE if reason.code == ONE_VOTE.code else reason


def _knows_the_clip(paired: Paired, inside: NDArray[np.bool_], control: str) -> tuple[Part, Part] | Reason:
    """Two parts on some clips, skill against a constant answer and worse given another clip; or why not."""
    missing = _missing(paired, "token", "swapped")
    if missing:
        return missing
    clips = paired.clips
    groups = [clips.speakers[u] or clips.names[u] for u in np.flatnonzero(inside)]
    metric = paired.metric
    prior = sharpened_prior(clips.q[inside], groups, metric.function, lower_is_better=metric.lower_is_better)
    if prior.reason:
        return prior.reason
    better = np.where(inside, _better_with_the_clip(paired, "token", "swapped")[0], np.nan)
    if _same(better):
        return _same_answers("swapped")
    constant = np.full(len(inside), np.nan)
    constant[inside] = prior.scores if metric.lower_is_better else 1 - prior.scores
    skill = skill_values(mean_scores(paired, "token"), constant)
    return (
        part_of(paired, f"skill against {control} is", skill, unit="1"),
        part_of(paired, f"{metric.name} is better than given another clip by", better),
    )


def _missing(paired: Paired, level: Level, control: str) -> Reason | None:
    """Why there is nothing to compare with; None if there is."""
    if (level, control) not in paired.p:
        fix = f"add {control} to the study's controls"
        return Reason("no-control", f"the run has no control {control!r}", fix)
    if np.isnan(paired.scores(level, control, failed_as="excluded")).all():
        fix = "give the corpus transcripts" if control == "transcript-only" else ""
        return Reason("all-failed", f"no reading under {control!r} succeeded", fix)
    return None


def _better_with_the_clip(paired: Paired, level: Level, control: str) -> tuple[Array, str]:
    """By how much each clip scores better than under a control, shape ``(U,)``, and what to know of failures.

    Only answers that could be read both times count: a control that makes answers fail would else look like
    something that is heard.
    """
    heard, instead = (paired.scores(level, name, failed_as="excluded") for name in ("clip", control))
    read = ~(np.isnan(heard) | np.isnan(instead))
    note = ""
    if not read.all():
        failed = [f"{np.isnan(scores).sum()} of {scores.size}" for scores in (heard, instead)]
        note = f"failed and left out: {failed[0]} readings with the clip, {failed[1]} given {control}"
    return over_rows(np.where(read, instead - heard, np.nan)), note


def _same(values: Array) -> bool:
    """Whether the score of no clip differs; False where there are none."""
    there = values[~np.isnan(values)]
    return bool(len(there) and np.abs(there).max() < SAME)


def _same_answers(control: str) -> Reason:
    return Reason("same-answers", f"no score differs given {HEARING_CONTROLS[control]}")


def _refuted_or_untested(claim: Claim, reason: Reason) -> Claim:
    if reason.code == "same-answers":
        return Claim(claim.name, claim.sentence, refuted=reason)
    return untested(claim, reason)
