"""The claims of the field, one function each: what would have to be above 0, and what it takes to test it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ambivox.choices import FailedAs
from ambivox.field_claims.claim import Claim, untested
from ambivox.field_claims.hearing import (
    HEARING_CONTROLS,
    audio_carries,
    beats_the_prior,
    hears,
    no_thirds,
    skilled_on_ambiguous_clips,
)
from ambivox.field_claims.paired import LEVELS, Paired
from ambivox.field_claims.per_clip import by_prompt, gain, part_of, spearman_values
from ambivox.metrics import entropy_bits
from ambivox.metrics.linearised import linearised
from ambivox.reasons import Reason
from ambivox.scoring.keys import prompt_text
from ambivox.statistics import rarefied_entropy_bits, sensitivity

READ_AT_LEAST = 0.5
"""A prompt counts for steadiness if so many of its clips can be read at both levels."""


def all_claims(paired: Paired) -> list[Claim]:
    """Every claim, tested or with the reason why not; verdicts come later, see `judge`."""
    return [
        token_beats_text(paired),
        skilled_on_ambiguous_clips(paired),
        token_is_steadier(paired),
        failures_explain(paired),
        beats_the_prior(paired),
        follows_the_ambiguity(paired),
        *(hears(paired, control, level) for control in HEARING_CONTROLS for level in LEVELS),
        *(audio_carries(paired, level) for level in LEVELS),
    ]


def token_beats_text(paired: Paired) -> Claim:
    """The mean over prompts and orders of the text-level score less the token-level one."""
    found = part_of(paired, f"{paired.metric.name} is better at the token level by", gain(paired))
    return Claim("token-beats-text", "The token level is nearer to the votes than the text level", (found,))


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
        return untested(claim, reason)
    text, token = (by_prompt(paired, level) for level in ("text", "token"))
    readable = ~np.isnan(text[..., 0] + token[..., 0])
    kept = readable.mean(axis=1) >= READ_AT_LEAST
    if kept.sum() < 2:
        return untested(claim, _unread("prompts whose answers can mostly be read"))
    text, token = text[kept], token[kept]
    left_out = ", ".join(prompt_text(key) for key, keep in zip(keys, kept, strict=True) if not keep)
    whole = ~np.isnan(np.concatenate([text, token], axis=-1).sum(axis=(0, 2)))
    if whole.sum() < 2:
        return untested(claim, _unread("clips that can be read under every prompt"))
    sensitivities = [sensitivity(p[:, whole]) for p in (text, token)]
    if any(np.isnan(found.reliability) for found in sensitivities):
        reason = Reason("no-variance", "no variance: a level says the same of every clip under every prompt")
        return untested(claim, reason)
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
            part_of(paired, "the variance of a prediction over prompts is smaller by", variance, unit="1"),
            part_of(paired, "the share of variance that lies between clips is larger by", share, unit="1"),
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
        text = f"none of {asked} text readings failed: there is nothing to explain with"
        return untested(claim, Reason("none-failed", text))
    gained = paired.scores("text") - paired.scores("token")
    choices: tuple[FailedAs, ...] = ("uniform",) if paired.neutral is None else ("uniform", "neutral")
    told = []
    for choice in choices:
        values = paired.scores("text", failed_as=choice) - paired.scores("token", failed_as=choice)
        told.append(f"{choice} {np.nanmean(values):+.3f}")
    read = np.where(failed, np.nan, gained)
    if failed.all():
        text = "all text readings failed: the whole difference is theirs"
        return untested(claim, Reason("all-failed", text, "see the failures"))
    told.append(f"excluded {np.nanmean(read):+.3f}")
    note = f"{int(failed.sum())} of {asked} failed; gain with failures counted as {', '.join(told)}"
    whole, counts = float(np.nanmean(gained)), (~failed).sum(axis=0)
    difference = part_of(paired, "", gain(paired)).interval
    if not difference.low > 0:
        no_gain = Reason("no-gain", "the token level does not gain beyond chance, so the gain has no parts")
        return untested(claim, difference.reason or no_gain, note)
    sums = np.where(counts > 0, np.nansum(read, axis=0), 0.0)
    of_read = float(sums.sum() / counts.sum())
    own = (sums - of_read * counts) / counts.mean()
    influence = -own / whole + of_read * (np.nanmean(gained, axis=0) - whole) / whole**2
    share = linearised(1 - of_read / whole, influence)
    return Claim(
        claim.name, claim.sentence, (part_of(paired, "the explained share is", share, unit="1"),), note
    )


def follows_the_ambiguity(paired: Paired) -> Claim:
    """Rank correlation of the entropy of predictions and votes, the number of raters held equal."""
    claim = Claim("follows-ambiguity", "The token level is less sure where people disagree")
    if paired.tertiles.reason:
        return untested(claim, no_thirds(paired.tertiles.reason))
    votes = rarefied_entropy_bits(paired.clips.votes, paired.tertiles.n_raters)
    prompts = by_prompt(paired, "token")
    counts = (~np.isnan(prompts)).sum(axis=0)
    centre = np.where(counts > 0, np.nansum(prompts, axis=0) / np.maximum(counts, 1), np.nan)
    usable = ~(np.isnan(votes) | np.isnan(centre[:, 0]))
    values = np.full(len(votes), np.nan)
    if usable.sum() >= 3:
        values[usable] = spearman_values(entropy_bits(centre[usable]), votes[usable])
    if np.isnan(values).all():
        return untested(claim, Reason("equally-ambiguous", "all predictions are equally ambiguous"))
    found = part_of(paired, "the rank correlation of predicted and vote entropy is", values, unit="1")
    ends = np.tanh([found.interval.estimate, found.interval.low, found.interval.high]).tolist()
    interval = replace(found.interval, estimate=ends[0], low=ends[1], high=ends[2])
    return Claim(claim.name, claim.sentence, (replace(found, interval=interval),))


def _unread(what: str) -> Reason:
    return Reason("unread", f"fewer than two {what}", "see the failures")
