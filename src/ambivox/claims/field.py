"""The claims of the field, one function each: what would have to be above 0, and what it takes to test it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ambivox.claims.claim import Claim, Part, part
from ambivox.claims.frame import Frame, Level
from ambivox.distribution import Array
from ambivox.metrics import FailedAs, entropy_bits, vote_prior
from ambivox.metrics.linearised import linearised, spearman_influence
from ambivox.statistics import rarefied_entropy_bits, spread

HEARING_CONTROLS = {
    "silence": "silence",
    "swapped": "another clip",
    "transcript-only": "nothing but the words to read",
}
"""What a model that hears the voice has to do better than."""

READ_AT_LEAST = 0.5
"""A prompt counts for steadiness if so many of its clips can be read at both levels."""

ONE_VOTE = "each clip has one vote: a label, in which no ambiguity can be seen"
ONE_VOTE_MEND = "use a corpus with several raters per clip"


def all_claims(frame: Frame) -> list[Claim]:
    """Every claim, tested or with the reason why not; verdicts come later, see `judge`."""
    return [
        token_beats_text(frame),
        token_beats_text_on_ambiguous_clips(frame),
        token_is_steadier(frame),
        failures_explain(frame),
        beats_the_prior(frame),
        follows_the_ambiguity(frame),
        *(hears(frame, control, level) for control in HEARING_CONTROLS for level in ("token", "text")),
    ]


def token_beats_text(frame: Frame) -> Claim:
    """The mean over prompts and orders of the text-level score less the token-level one."""
    found = _part(frame, f"{frame.metric.name} is better at the token level by", _gain(frame))
    return Claim("token-beats-text", "The token level is nearer to the votes than the text level", (found,))


def token_beats_text_on_ambiguous_clips(frame: Frame) -> Claim:
    """On the most ambiguous third: better than the text, and better than that third's own vote prior.

    Flat predictions are near to spread votes whatever they know, so beating sharp text says little there; the
    prior of the third is as flat as its votes and knows nothing of the clip.
    """
    claim = Claim(
        "ambiguous-by-skill",
        "On the most ambiguous third the token level is nearer to the votes by skill, not only by flatness",
    )
    if frame.tertiles.reason:
        single = frame.clips.votes.sum(axis=1).max() < 2
        reason, mend = (ONE_VOTE, ONE_VOTE_MEND) if single else (frame.tertiles.reason.text, "use more clips")
        return _untested(claim, reason, mend)
    most = np.flatnonzero(frame.tertiles.codes == 2)
    if len(most) < 2:
        return _untested(claim, f"{len(most)} clip(s) in the most ambiguous third", "use more clips")
    groups = [frame.clips.speakers[u] or frame.clips.names[u] for u in most]
    prior = np.full(frame.clips.q.shape, np.nan)
    prior[most] = vote_prior(frame.clips.q[most], groups).p
    inside = np.isin(np.arange(len(frame.clips.names)), most)
    gain = np.where(inside, _gain(frame), np.nan)
    skill = _skill(_mean(frame, "token"), *frame.prior(prior))
    return Claim(
        claim.name,
        claim.sentence,
        (
            _part(frame, f"{frame.metric.name} is better than at the text level by", gain),
            _part(frame, "skill against the vote prior of that third is", skill, unit="1"),
        ),
        f"{len(most)} clips",
    )


def token_is_steadier(frame: Frame) -> Claim:
    """Less variance over prompts, and a larger share of all variance between clips.

    The second part is asked because what always says nearly the same is steady without any merit.
    """
    claim = Claim(
        "steadier", "Across prompts the token level is steadier, and not only because it is flatter"
    )
    if len(frame.prompts) < 2:
        return _untested(claim, "one prompt with both levels", "give the study several prompts")
    text, token = (_by_prompt(frame, level) for level in ("text", "token"))
    readable = ~np.isnan(text[..., 0] + token[..., 0])
    kept = readable.mean(axis=1) >= READ_AT_LEAST
    if kept.sum() < 2:
        return _untested(claim, "fewer than two prompts whose answers can mostly be read", "see the failures")
    text, token = text[kept], token[kept]
    left_out = ", ".join(p for p, keep in zip(frame.prompts, kept, strict=True) if not keep)
    whole = ~np.isnan(np.concatenate([text, token], axis=-1).sum(axis=(0, 2)))
    if whole.sum() < 2:
        return _untested(claim, "fewer than two clips can be read under every prompt", "see the failures")
    spreads = [spread(p[:, whole]) for p in (text, token)]
    if any(np.isnan(found.reliability) for found in spreads):
        return _untested(claim, "no variance: a level says the same of every clip under every prompt", "")
    variance = np.full(len(whole), np.nan)
    variance[whole] = spreads[0].per_clip - spreads[1].per_clip
    values = []
    for found in spreads:
        total = found.between_clips + found.per_clip
        between = float(found.between_clips.mean() / total.mean())
        values.append(linearised(between, (found.between_clips - between * total) / total.mean()))
    share = np.full(len(whole), np.nan)
    share[whole] = values[1] - values[0]
    return Claim(
        claim.name,
        claim.sentence,
        (
            _part(frame, "the variance of a prediction over prompts is smaller by", variance, unit="1"),
            _part(frame, "the share of variance that lies between clips is larger by", share, unit="1"),
        ),
        f"{len(text)} prompts{f' (without {left_out}, mostly unread)' if left_out else ''}, "
        f"{int(whole.sum())} clips read under all of them; share between clips: "
        f"text {spreads[0].reliability:.2f}, token {spreads[1].reliability:.2f}",
    )


def failures_explain(frame: Frame) -> Claim:
    """``1 - d_read / d``: the part of the difference that is gone among answers whose text could be read."""
    claim = Claim("failures-explain", "Failed text readings explain a part of what the token level gains")
    failed = np.isnan(frame.scores("text", failed_as="excluded"))
    asked = failed.size
    if not failed.any():
        return Claim(
            claim.name, claim.sentence, refuted=f"none of {asked} text readings failed: 0% explained"
        )
    gain = frame.scores("text") - frame.scores("token")
    choices: tuple[FailedAs, ...] = ("uniform",) if frame.neutral is None else ("uniform", "neutral")
    told = []
    for choice in choices:
        values = frame.scores("text", failed_as=choice) - frame.scores("token", failed_as=choice)
        told.append(f"{choice} {np.nanmean(values):+.3f}")
    read = np.where(failed, np.nan, gain)
    if failed.all():
        return _untested(
            claim, "all text readings failed: the whole difference is theirs", "see the failures"
        )
    told.append(f"excluded {np.nanmean(read):+.3f}")
    note = f"{int(failed.sum())} of {asked} failed; gain with failures counted as {', '.join(told)}"
    whole, counts = float(np.nanmean(gain)), (~failed).sum(axis=0)
    difference = _part(frame, "", _gain(frame)).interval
    if not difference.low > 0:
        reason = "the token level does not gain beyond chance, so the gain has no parts"
        if difference.reason:
            reason = difference.reason.text
        return Claim(claim.name, claim.sentence, note=note, reason=reason)
    sums = np.where(counts > 0, np.nansum(read, axis=0), 0.0)
    of_read = float(sums.sum() / counts.sum())
    own = (sums - of_read * counts) / counts.mean()
    influence = -own / whole + of_read * (np.nanmean(gain, axis=0) - whole) / whole**2
    share = linearised(1 - of_read / whole, influence)
    return Claim(claim.name, claim.sentence, (_part(frame, "the explained share is", share, unit="1"),), note)


def beats_the_prior(frame: Frame) -> Claim:
    """Skill of the token level against the leave-one-speaker-out vote prior."""
    claim = Claim("beats-prior", "The token level knows more than how people vote in this corpus")
    prior, scatter = frame.prior()
    if np.isnan(prior).all():
        return _untested(claim, "one clip: there is no prior", "use more clips")
    skill = _skill(_mean(frame, "token"), prior, scatter)
    return Claim(
        claim.name,
        claim.sentence,
        (_part(frame, "skill against the leave-one-speaker-out vote prior is", skill, unit="1"),),
    )


def follows_the_ambiguity(frame: Frame) -> Claim:
    """Rank correlation of the entropy of predictions and votes, the number of raters held equal."""
    claim = Claim("follows-ambiguity", "The token level is less sure where people disagree")
    if frame.tertiles.reason:
        single = frame.clips.votes.sum(axis=1).max() < 2
        return _untested(claim, ONE_VOTE if single else frame.tertiles.reason.text, ONE_VOTE_MEND)
    votes = rarefied_entropy_bits(frame.clips.votes, frame.tertiles.n_raters)
    prompts = _by_prompt(frame, "token")
    counts = (~np.isnan(prompts)).sum(axis=0)
    centre = np.where(counts > 0, np.nansum(prompts, axis=0) / np.maximum(counts, 1), np.nan)
    usable = ~(np.isnan(votes) | np.isnan(centre[:, 0]))
    values = np.full(len(votes), np.nan)
    if usable.sum() >= 3:
        values[usable] = _spearman(entropy_bits(centre[usable]), votes[usable])
    if np.isnan(values).all():
        return _untested(claim, "all predictions are equally ambiguous", "")
    found = _part(frame, "the rank correlation of predicted and vote entropy is", values, unit="1")
    ends = np.tanh([found.interval.estimate, found.interval.low, found.interval.high]).tolist()
    interval = replace(found.interval, estimate=ends[0], low=ends[1], high=ends[2])
    return Claim(claim.name, claim.sentence, (replace(found, interval=interval),))


def hears(frame: Frame, control: str, level: Level) -> Claim:
    """How much worse the same level scores when the model hears something else."""
    instead = HEARING_CONTROLS[control]
    claim = Claim(
        f"hears-{control}-{level}", f"The {level} level is nearer to the votes than given {instead}"
    )
    if (level, control) not in frame.p:
        return _untested(
            claim, f"the run has no control {control!r}", f"add {control} to the study's controls"
        )
    lost = _mean(frame, level, control) - _mean(frame, level)
    if np.isnan(frame.scores(level, control, failed_as="excluded")).all():
        return _untested(claim, f"no reading under {control!r} succeeded", _TRANSCRIPTS.get(control, ""))
    return Claim(
        claim.name,
        claim.sentence,
        (_part(frame, f"{frame.metric.name} is better with the clip by", lost),),
    )


_TRANSCRIPTS = {"transcript-only": "give the corpus transcripts"}


def _untested(claim: Claim, reason: str, mend: str) -> Claim:
    return Claim(claim.name, claim.sentence, reason=reason, mend=mend)


def _part(frame: Frame, what: str, values: Array, *, unit: str = "bit") -> Part:
    return part(what, values, frame.clips.codes.tolist(), unit_of=frame.clips.unit, unit=unit)


def _mean(frame: Frame, level: Level, heard: str = "none") -> Array:
    """The score of each clip, the mean over prompts and orders, shape ``(U,)``."""
    scores = frame.scores(level, heard)
    counts = (~np.isnan(scores)).sum(axis=0)
    return np.where(counts > 0, np.nansum(scores, axis=0) / np.maximum(counts, 1), np.nan)


def _gain(frame: Frame) -> Array:
    return _mean(frame, "text") - _mean(frame, "token")


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


def _by_prompt(frame: Frame, level: Level) -> Array:
    """Mean predictions over orders, shape ``(C, U, N)``; ``nan`` where one failed."""
    return np.stack([p.mean(axis=0) for p in frame.p[level, "none"]])


def _spearman(x: Array, y: Array) -> Array:
    """Values per clip whose mean is Fisher's z of the rank correlation; ``nan`` without variance."""
    rho, influence = spearman_influence(x, y)
    rho = float(np.clip(rho, -0.999, 0.999))
    return linearised(float(np.arctanh(rho)), influence / (1 - rho**2))
