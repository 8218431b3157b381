"""The claims of the field, one function each: what would have to be above 0, and what it takes to test it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ambivox.choices import FailedAs
from ambivox.field_claims.claim import Claim, Part, part
from ambivox.field_claims.paired import Level, Paired
from ambivox.metrics import entropy_bits, vote_prior
from ambivox.metrics.linearised import linearised, spearman_influence
from ambivox.raters.distribution import Array
from ambivox.reasons import Reason
from ambivox.scoring.keys import prompt_text
from ambivox.statistics import rarefied_entropy_bits, sensitivity

HEARING_CONTROLS = {
    "silence": "silence",
    "swapped": "another clip",
    "transcript-only": "nothing but the words to read",
}
"""What a model that hears the voice has to do better than."""

READ_AT_LEAST = 0.5
"""A prompt counts for steadiness if so many of its clips can be read at both levels."""

ONE_VOTE = Reason(
    "one-vote",
    "each clip has one vote: a label, in which no ambiguity can be seen",
    "use a corpus with several raters per clip",
)


def all_claims(paired: Paired) -> list[Claim]:
    """Every claim, tested or with the reason why not; verdicts come later, see `judge`."""
    return [
        token_beats_text(paired),
        token_beats_text_on_ambiguous_clips(paired),
        token_is_steadier(paired),
        failures_explain(paired),
        beats_the_prior(paired),
        follows_the_ambiguity(paired),
        *(hears(paired, control, level) for control in HEARING_CONTROLS for level in ("token", "text")),
    ]


def token_beats_text(paired: Paired) -> Claim:
    """The mean over prompts and orders of the text-level score less the token-level one."""
    found = _part(paired, f"{paired.metric.name} is better at the token level by", _gain(paired))
    return Claim("token-beats-text", "The token level is nearer to the votes than the text level", (found,))


def token_beats_text_on_ambiguous_clips(paired: Paired) -> Claim:
    """On the most ambiguous third: better than the text, and better than that third's own vote prior.

    Flat predictions are near to spread votes whatever they know, so beating sharp text says little there; the
    prior of the third is as flat as its votes and knows nothing of the clip.
    """
    claim = Claim(
        "ambiguous-by-skill",
        "On the most ambiguous third the token level is nearer to the votes by skill, not only by flatness",
    )
    if paired.tertiles.reason:
        return _untested(claim, _no_thirds(paired.tertiles.reason))
    most = np.flatnonzero(paired.tertiles.codes == 2)
    if len(most) < 2:
        text = f"{len(most)} clip(s) in the most ambiguous third"
        return _untested(claim, Reason("too-few-clips", text, "use more clips"))
    groups = [paired.clips.speakers[u] or paired.clips.names[u] for u in most]
    prior = np.full(paired.clips.q.shape, np.nan)
    prior[most] = vote_prior(paired.clips.q[most], groups).p
    inside = np.isin(np.arange(len(paired.clips.names)), most)
    gain = np.where(inside, _gain(paired), np.nan)
    skill = _skill(_mean(paired, "token"), *paired.prior(prior))
    return Claim(
        claim.name,
        claim.sentence,
        (
            _part(paired, f"{paired.metric.name} is better than at the text level by", gain),
            _part(paired, "skill against the vote prior of that third is", skill, unit="1"),
        ),
        f"{len(most)} clips",
    )


def token_is_steadier(paired: Paired) -> Claim:
    """Less variance over prompts, and a larger share of all variance between clips.

    The second part is asked because what always says nearly the same is steady without any merit.
    """
    claim = Claim(
        "steadier", "Across prompts the token level is steadier, and not only because it is flatter"
    )
    keys = paired.keys["token"]
    if len(keys) < 2:
        reason = Reason("one-prompt", "one prompt with both levels", "give the study several prompts")
        return _untested(claim, reason)
    text, token = (_by_prompt(paired, level) for level in ("text", "token"))
    readable = ~np.isnan(text[..., 0] + token[..., 0])
    kept = readable.mean(axis=1) >= READ_AT_LEAST
    if kept.sum() < 2:
        return _untested(claim, _unread("prompts whose answers can mostly be read"))
    text, token = text[kept], token[kept]
    left_out = ", ".join(prompt_text(key) for key, keep in zip(keys, kept, strict=True) if not keep)
    whole = ~np.isnan(np.concatenate([text, token], axis=-1).sum(axis=(0, 2)))
    if whole.sum() < 2:
        return _untested(claim, _unread("clips that can be read under every prompt"))
    sensitivities = [sensitivity(p[:, whole]) for p in (text, token)]
    if any(np.isnan(found.reliability) for found in sensitivities):
        reason = Reason("no-variance", "no variance: a level says the same of every clip under every prompt")
        return _untested(claim, reason)
    variance = np.full(len(whole), np.nan)
    variance[whole] = sensitivities[0].per_clip - sensitivities[1].per_clip
    values = []
    for found in sensitivities:
        total = found.between_clips + found.per_clip
        between = float(found.between_clips.mean() / total.mean())
        values.append(linearised(between, (found.between_clips - between * total) / total.mean()))
    share = np.full(len(whole), np.nan)
    share[whole] = values[1] - values[0]
    return Claim(
        claim.name,
        claim.sentence,
        (
            _part(paired, "the variance of a prediction over prompts is smaller by", variance, unit="1"),
            _part(paired, "the share of variance that lies between clips is larger by", share, unit="1"),
        ),
        f"{len(text)} prompts{f' (without {left_out}, mostly unread)' if left_out else ''}, "
        f"{int(whole.sum())} clips read under all of them; share between clips: "
        f"text {sensitivities[0].reliability:.2f}, token {sensitivities[1].reliability:.2f}",
    )


def failures_explain(paired: Paired) -> Claim:
    """``1 - d_read / d``: the part of the difference that is gone among answers whose text could be read."""
    claim = Claim("failures-explain", "Failed text readings explain a part of what the token level gains")
    failed = np.isnan(paired.scores("text", failed_as="excluded"))
    asked = failed.size
    if not failed.any():
        none = Reason("none-failed", f"none of {asked} text readings failed: 0% explained")
        return Claim(claim.name, claim.sentence, refuted=none)
    gain = paired.scores("text") - paired.scores("token")
    choices: tuple[FailedAs, ...] = ("uniform",) if paired.neutral is None else ("uniform", "neutral")
    told = []
    for choice in choices:
        values = paired.scores("text", failed_as=choice) - paired.scores("token", failed_as=choice)
        told.append(f"{choice} {np.nanmean(values):+.3f}")
    read = np.where(failed, np.nan, gain)
    if failed.all():
        text = "all text readings failed: the whole difference is theirs"
        return _untested(claim, Reason("all-failed", text, "see the failures"))
    told.append(f"excluded {np.nanmean(read):+.3f}")
    note = f"{int(failed.sum())} of {asked} failed; gain with failures counted as {', '.join(told)}"
    whole, counts = float(np.nanmean(gain)), (~failed).sum(axis=0)
    difference = _part(paired, "", _gain(paired)).interval
    if not difference.low > 0:
        no_gain = Reason("no-gain", "the token level does not gain beyond chance, so the gain has no parts")
        return Claim(claim.name, claim.sentence, note=note, reason=difference.reason or no_gain)
    sums = np.where(counts > 0, np.nansum(read, axis=0), 0.0)
    of_read = float(sums.sum() / counts.sum())
    own = (sums - of_read * counts) / counts.mean()
    influence = -own / whole + of_read * (np.nanmean(gain, axis=0) - whole) / whole**2
    share = linearised(1 - of_read / whole, influence)
    return Claim(
        claim.name, claim.sentence, (_part(paired, "the explained share is", share, unit="1"),), note
    )


def beats_the_prior(paired: Paired) -> Claim:
    """Skill of the token level against the leave-one-speaker-out vote prior."""
    claim = Claim("beats-prior", "The token level knows more than how people vote in this corpus")
    prior, scatter = paired.prior()
    if np.isnan(prior).all():
        return _untested(claim, Reason("no-prior", "one clip: there is no prior", "use more clips"))
    skill = _skill(_mean(paired, "token"), prior, scatter)
    return Claim(
        claim.name,
        claim.sentence,
        (_part(paired, "skill against the leave-one-speaker-out vote prior is", skill, unit="1"),),
    )


def follows_the_ambiguity(paired: Paired) -> Claim:
    """Rank correlation of the entropy of predictions and votes, the number of raters held equal."""
    claim = Claim("follows-ambiguity", "The token level is less sure where people disagree")
    if paired.tertiles.reason:
        return _untested(claim, _no_thirds(paired.tertiles.reason))
    votes = rarefied_entropy_bits(paired.clips.votes, paired.tertiles.n_raters)
    prompts = _by_prompt(paired, "token")
    counts = (~np.isnan(prompts)).sum(axis=0)
    centre = np.where(counts > 0, np.nansum(prompts, axis=0) / np.maximum(counts, 1), np.nan)
    usable = ~(np.isnan(votes) | np.isnan(centre[:, 0]))
    values = np.full(len(votes), np.nan)
    if usable.sum() >= 3:
        values[usable] = _spearman(entropy_bits(centre[usable]), votes[usable])
    if np.isnan(values).all():
        return _untested(claim, Reason("equally-ambiguous", "all predictions are equally ambiguous"))
    found = _part(paired, "the rank correlation of predicted and vote entropy is", values, unit="1")
    ends = np.tanh([found.interval.estimate, found.interval.low, found.interval.high]).tolist()
    interval = replace(found.interval, estimate=ends[0], low=ends[1], high=ends[2])
    return Claim(claim.name, claim.sentence, (replace(found, interval=interval),))


def hears(paired: Paired, control: str, level: Level) -> Claim:
    """How much worse the same level scores when the model hears something else."""
    instead = HEARING_CONTROLS[control]
    claim = Claim(
        f"hears-{control}-{level}", f"The {level} level is nearer to the votes than given {instead}"
    )
    if (level, control) not in paired.p:
        fix = f"add {control} to the study's controls"
        return _untested(claim, Reason("no-control", f"the run has no control {control!r}", fix))
    lost = _mean(paired, level, control) - _mean(paired, level)
    if np.isnan(paired.scores(level, control, failed_as="excluded")).all():
        text, fix = f"no reading under {control!r} succeeded", _TRANSCRIPTS.get(control, "")
        return _untested(claim, Reason("all-failed", text, fix))
    return Claim(
        claim.name,
        claim.sentence,
        (_part(paired, f"{paired.metric.name} is better with the clip by", lost),),
    )


_TRANSCRIPTS = {"transcript-only": "give the corpus transcripts"}


def _unread(what: str) -> Reason:
    return Reason("unread", f"fewer than two {what}", "see the failures")


def _no_thirds(reason: Reason) -> Reason:
    """Why clips cannot be told apart by their ambiguity, as far as claims are concerned."""
    return ONE_VOTE if reason.code == ONE_VOTE.code else reason


def _untested(claim: Claim, reason: Reason) -> Claim:
    return Claim(claim.name, claim.sentence, reason=reason)


def _part(paired: Paired, what: str, values: Array, *, unit: str = "bit") -> Part:
    return part(what, values, paired.clips.codes.tolist(), unit_of=paired.clips.unit, unit=unit)


def _mean(paired: Paired, level: Level, control: str = "clip") -> Array:
    """The score of each clip, the mean over prompts and orders, shape ``(U,)``."""
    scores = paired.scores(level, control)
    counts = (~np.isnan(scores)).sum(axis=0)
    return np.where(counts > 0, np.nansum(scores, axis=0) / np.maximum(counts, 1), np.nan)


def _gain(paired: Paired) -> Array:
    return _mean(paired, "text") - _mean(paired, "token")


def _skill(scores: Array, prior: Array, scatter: Array) -> Array:
    """Values per clip whose mean is ``1 - mean(scores) / mean(prior)`` over clips that have both."""
    both = ~(np.isnan(scores) | np.isnan(prior))
    values = np.full(len(scores), np.nan)
    room = prior[both].mean() if both.any() else 0.0
    if room > 0:
        skill = 1 - scores[both].mean() / room
        moved = prior[both] + scatter[both]
        values[both] = linearised(skill, ((1 - skill) * moved - scores[both]) / room)
    return values


def _by_prompt(paired: Paired, level: Level) -> Array:
    """Mean predictions over orders, shape ``(C, U, N)``; ``nan`` where one failed."""
    return np.stack([p.mean(axis=0) for p in paired.p[level, "clip"]])


def _spearman(x: Array, y: Array) -> Array:
    """Values per clip whose mean is Fisher's z of the rank correlation; ``nan`` without variance."""
    rho, influence = spearman_influence(x, y)
    rho = float(np.clip(rho, -0.999, 0.999))
    return linearised(float(np.arctanh(rho)), influence / (1 - rho**2))
