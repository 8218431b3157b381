"""Token-level readouts: distributions from the logits on the labels' tokens.

Each of them takes ``forms``: ``offered``, where a label is what the prompt calls it (capitalised or not,
after a space or not), or ``all``, which adds up what is on any of its listed forms. With ``all``, the more
forms are listed for a label the more it has; `Reading.forms_shift` says how much hangs on that.

Shapes: T generated steps, K label tokens, N labels, S written forms.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any, Literal, TypeVar, cast, get_args

import numpy as np

from ambivox.errors import UsageError
from ambivox.models import Forms, LabelTokens, select_forms
from ambivox.models.protocol import FloatArray
from ambivox.raters.distribution import Array
from ambivox.readouts.bounds import read_between
from ambivox.readouts.label_logits import (
    Join,
    label_logits,
    label_logp,
    lse,
    owned_shares,
    softmax,
    split_by_sequence,
)
from ambivox.readouts.reading import Reading
from ambivox.record import Record

Value = Literal["logit", "probability", "log-probability"]
Over = Literal["steps", "answer", "label-tokens"]
Normalise = Literal["sum", "softmax"]
FinalStep = Literal["label", "last"]

SHARED_MASS = 0.01
"""The part of the labels' probability that may lie on tokens of several labels before it is a collision."""


_TokenReadout = TypeVar("_TokenReadout", bound=Callable[..., Reading])


def _with_forms_shift(readout: _TokenReadout) -> _TokenReadout:
    """Let a readout say how far its distribution would move with the other choice of forms."""

    @wraps(readout)
    def read(record: Record, *, forms: Forms = "offered", **options: Any) -> Reading:
        reading = read_between(readout, record, forms=_choice("forms", forms, Forms), **options)
        if reading.distribution is None:
            return reading
        if all(record.asked.label_tokens.offered):
            return replace(reading, forms_shift=0.0)
        other = read_between(readout, record, forms="all" if forms == "offered" else "offered", **options)
        if other.distribution is None:
            return reading
        return replace(
            reading, forms_shift=0.5 * float(np.abs(reading.distribution - other.distribution).sum())
        )

    return cast(_TokenReadout, read)


@_with_forms_shift
def first(record: Record, *, join: Join = "logsumexp", forms: Forms = "offered") -> Reading:
    """p_1 restricted to the labels, renormalised: what the model was about to say first.

    A token that begins several labels is divided among them by the probabilities of their whole sequences
    where the record holds those; otherwise the status is ``collided``.
    """
    fault = _fault(record)
    if fault:
        return Reading(None, "undefined", fault)
    return _first(record, record.replied.token_logits[:1], record.replied.logsumexp[:1], join, forms)


@_with_forms_shift
def lens(
    record: Record, *, layer: int | None = None, join: Join = "logsumexp", forms: Forms = "offered"
) -> Reading:
    """`first` read from the states after a decoder layer, through the final norm and the output layer.

    Layers count from 1; the last one is `first`. In a study, ``lens`` without a layer is read at every layer
    (see `unfold`). Source: nostalgebraist (2020), "interpreting GPT: the logit lens".
    """
    reply = record.replied
    if reply.lens is None or reply.lens_logsumexp is None:
        return Reading(
            None, "undefined", "the record holds no layers: name 'lens' among the study's readouts"
        )
    n_layers = len(reply.lens)
    if layer is None or not 1 <= layer <= n_layers:
        return Reading(None, "undefined", f"name a layer: lens(layer=1) to lens(layer={n_layers})")
    token_logits, normaliser = reply.lens[layer - 1], reply.lens_logsumexp[layer - 1]
    fault = _unusable(token_logits, normaliser)
    if fault:
        return Reading(None, "undefined", fault)
    return _first(record, token_logits[:1], normaliser[:1], join, forms)


def _first(
    record: Record, token_logits: FloatArray, normaliser: FloatArray, join: Join, forms: Forms
) -> Reading:
    labels = record.asked.emotions.labels
    label_tokens, sequence_logp = _of_forms(record, forms)
    shares = owned_shares(label_tokens, len(labels))
    note = ""
    if sequence_logp is not None and np.isfinite(sequence_logp).all():
        for k in _shared(label_tokens):
            shares[k] = split_by_sequence(label_tokens, sequence_logp, label_tokens.token_ids[k], len(labels))
            note = "shared first tokens divided by whole-label probabilities"
    elif _collides(label_tokens, shares, token_logits, normaliser):
        return Reading(None, "collided", _collision(label_tokens, labels))
    logits = label_logits(token_logits, shares, _choice("join", join, Join))
    mass = _mass(logits, normaliser) if join == "logsumexp" else None
    return Reading(softmax(logits[0]), "ok", note, mass)


def label_steps(record: Record, *, forms: Forms = "offered") -> Array | None:
    """The probability of beginning each label at each step of the answer, shape ``(T, N)``.

    Its rows sum to the mass of their step. It is what `first` and `mean` are made of; a token that begins
    several labels counts for none here. None where there are no logits, or none that are finite. Where a
    server did not list all tokens they are upper bounds.
    """
    if record.reply is None or _fault(record):
        return None
    label_tokens, _ = _of_forms(record, forms)
    shares = owned_shares(label_tokens, len(record.asked.emotions.labels))
    logits = label_logits(record.reply.token_logits, shares)
    return np.asarray(np.exp(np.minimum(logits - record.reply.logsumexp[:, None], 0.0)))


def _of_forms(record: Record, forms: Forms) -> tuple[LabelTokens, Array | None]:
    """The label tokens of some forms, and the log-probabilities of their sequences where there are any."""
    selected, places = select_forms(record.asked.label_tokens, forms)
    sequence_logp = record.replied.sequence_logp
    return selected, None if sequence_logp is None else sequence_logp[list(places)]


@_with_forms_shift
def mean(
    record: Record,
    *,
    value: Value = "probability",
    over: Over = "steps",
    normalise: Normalise = "sum",
    join: Join = "logsumexp",
    forms: Forms = "offered",
) -> Reading:
    """The mean of each label's logit, probability or log-probability; then made a distribution.

    ``a_n = mean f(z_n)`` over all generated ``steps``, over those at which a label is written (``answer``),
    or at the first step over the label's own ``label-tokens`` (those that begin its forms; nothing is joined
    then). The distribution is ``a_n / sum(a)`` (``normalise=sum``) or ``softmax(a)``. With ``value=logit,
    normalise=sum`` this is the summary formula phi_n = z_n / sum(z) of Halim et al. (arXiv 2505.18484) as we
    reconstruct it: it is flat by construction and changes when a constant is added to all logits. A sum of
    mixed or negative signs has no such distribution: status ``undefined``.
    """
    fault = _fault(record)
    if fault:
        return Reading(None, "undefined", fault)
    labels = record.asked.emotions.labels
    label_tokens, _ = _of_forms(record, forms)
    token_logits, normaliser = record.replied.token_logits, record.replied.logsumexp
    bounded = record.replied.bounded
    if _choice("over", over, Over) != "steps":
        # A label is written in any of its forms, whichever of them are read there.
        written = record.asked.label_tokens
        read = [0] if over == "label-tokens" else answer_steps(written, record.replied.token_ids)
        if not read:
            return Reading(None, "undefined", "no label was written with the tokens that are token_logits")
        token_logits, normaliser = token_logits[read], normaliser[read]
        bounded = bounded if bounded is None else bounded[read]
    shares = owned_shares(label_tokens, len(labels))
    if bounded is not None and value != "probability" and bounded[:, shares.any(axis=1)].any():
        return Reading(None, "undefined", f"{value}: there is no least one for labels that were not listed")
    if _collides(label_tokens, shares, token_logits, normaliser):
        return Reading(None, "collided", _collision(label_tokens, labels))
    logits = label_logits(token_logits, shares, _choice("join", join, Join))
    mass = _mass(logits, normaliser) if join == "logsumexp" else None
    # Logits of single terms with their weights: joined they are one term per step and label.
    terms, weights = logits, np.full(logits.shape, 1 / len(logits))
    if over == "label-tokens":
        terms = np.repeat(token_logits[0].astype(np.float64)[:, None], shares.shape[1], axis=1)
        weights, normaliser = shares / shares.sum(axis=0), np.repeat(normaliser, len(terms))
    return _normalised(terms, terms - normaliser[:, None], weights, value, normalise, mass)


def _normalised(
    logits: Array, logp: Array, weights: Array, value: Value, normalise: Normalise, mass: float | None
) -> Reading:
    """From terms and their weights, both of shape ``(terms, N)``, to a distribution over N labels."""
    values = {"logit": logits, "probability": np.exp(logp), "log-probability": logp}
    a = (weights * values[_choice("value", value, Value)]).sum(axis=0)
    if _choice("normalise", normalise, Normalise) == "softmax":
        return Reading(softmax(a), "ok", mass=mass)
    if value == "probability":  # a / sum(a) in the log domain, where tiny probabilities do not vanish
        with np.errstate(divide="ignore"):
            log_weights = np.log(weights)
        return Reading(softmax(lse(logp + log_weights, axis=0)), "ok", mass=mass)
    if (a < 0).any():
        fault = "mixed signs" if (a > 0).any() else "negative values, whose shares would be upside down"
        return Reading(None, "undefined", f"{value}: {fault}", mass)
    if not a.sum() > 0:
        return Reading(None, "undefined", f"{value}: all values are 0", mass)
    return Reading(a / a.sum(), "ok", mass=mass)


def answer(
    record: Record,
    *,
    value: Value = "probability",
    normalise: Normalise = "sum",
    join: Join = "logsumexp",
    forms: Forms = "offered",
) -> Reading:
    """`mean` over the steps at which a label is written: after a bracket, a quote or a whole sentence too.

    A prompt whose answers list every option has one such step per option, so there this is flat by
    construction.
    """
    return mean(record, value=value, over="answer", normalise=normalise, join=join, forms=forms)


@_with_forms_shift
def final(
    record: Record, *, step: FinalStep = "label", join: Join = "logsumexp", forms: Forms = "offered"
) -> Reading:
    """Softmax over the raw logits of the labels at the final step.

    As Yu et al. (arXiv 2603.08230) describe what they take over from Halim et al.; beside it stands ``mean(
    value=logit, normalise=sum)``, the formula of the latter's summary. Which step is the final one is not
    said there: here it is the last at which a label is written (``step=label``), or the last of all, which is
    mostly that of the end token (``step=last``). The last position of the prompt is what `first` reads.
    """
    fault = _fault(record)
    if fault:
        return Reading(None, "undefined", fault)
    reply, labels = record.replied, record.asked.emotions.labels
    written = answer_steps(record.asked.label_tokens, reply.token_ids)
    at = written[-1:] if _choice("step", step, FinalStep) == "label" else [len(reply.token_logits) - 1]
    if not at:
        return Reading(None, "undefined", "no label was written with the tokens that are token_logits")
    label_tokens, _ = _of_forms(record, forms)
    shares = owned_shares(label_tokens, len(labels))
    token_logits, normaliser = reply.token_logits[at], reply.logsumexp[at]
    if _collides(label_tokens, shares, token_logits, normaliser):
        return Reading(None, "collided", _collision(label_tokens, labels))
    logits = label_logits(token_logits, shares, _choice("join", join, Join))
    return Reading(softmax(logits[0]), "ok", mass=_mass(logits, normaliser) if join == "logsumexp" else None)


def answer_steps(label_tokens: LabelTokens, token_ids: Sequence[int]) -> list[int]:
    """The steps at which the generated tokens begin to write a label, each label's tokens read once.

    >>> label_tokens = LabelTokens(((7,), (8, 9)), (0, 1), (True, True), (7, 8), ("sad", "dis"))
    >>> answer_steps(label_tokens, [5, 8, 9, 5, 8, 7])
    [1, 5]
    """
    written, token_ids = label_tokens.by_first_token, tuple(token_ids)
    steps: list[int] = []
    t = 0
    while t < len(token_ids):
        begun = written.get(token_ids[t], ())
        here = next((s for s in begun if token_ids[t : t + len(s)] == s), ())
        if here:
            steps.append(t)
        t += len(here) or 1
    return steps


@_with_forms_shift
def sequence(record: Record, *, per_token: bool = False, forms: Forms = "offered") -> Reading:
    """The exact probability of each whole label after the prompt, by trie; softmax over the labels."""
    label_tokens, sequence_logp = _of_forms(record, forms)
    if sequence_logp is None:
        return Reading(
            None, "undefined", "whole labels were not scored: name 'sequence' among the study's readouts"
        )
    if not np.isfinite(sequence_logp).all():
        return Reading(None, "undefined", "log-probabilities that are not finite")
    logp = label_logp(label_tokens, sequence_logp, len(record.asked.emotions), per_token=per_token)
    mass = None if per_token else min(float(np.exp(lse(logp))), 1.0)
    return Reading(softmax(logp), "ok", mass=mass)


def _fault(record: Record) -> str:
    """Why there is nothing to read from the logits; empty if there is."""
    if record.replied.text and not len(record.replied.token_logits):
        return "there are no log-probabilities of what was said"
    return _unusable(record.replied.token_logits, record.replied.logsumexp)


def _unusable(token_logits: FloatArray, normaliser: FloatArray) -> str:
    if not len(token_logits):
        return "no step was generated"
    if not (np.isfinite(token_logits).all() and np.isfinite(normaliser).all()):
        return "logits that are not finite"
    return ""


def _mass(logits: Array, normaliser: FloatArray) -> float:
    # At most 1: the normaliser is rounded to float32.
    return float(np.exp(np.minimum(lse(logits, axis=1) - normaliser, 0.0)).mean())


def _shared(label_tokens: LabelTokens) -> list[int]:
    return [k for k, labels in enumerate(label_tokens.token_labels) if len(labels) > 1]


def _collides(
    label_tokens: LabelTokens, shares: Array, token_logits: FloatArray, normaliser: FloatArray
) -> bool:
    """Whether leaving shared tokens out would leave out a label, or a part of the answer worth the name."""
    shared = _shared(label_tokens)
    if not shared:
        return False
    if not shares.any(axis=0).all():
        return True
    logp = token_logits.astype(np.float64) - normaliser[:, None]
    naming = [k for k, labels in enumerate(label_tokens.token_labels) if labels]
    return bool(lse(logp[:, shared]) - lse(logp[:, naming]) > np.log(SHARED_MASS))


def _collision(label_tokens: LabelTokens, labels: tuple[str, ...]) -> str:
    groups = {
        (*(labels[n] for n in group), token)
        for token, group in zip(label_tokens.tokens, label_tokens.token_labels, strict=True)
        if len(group) > 1
    }
    named = "; ".join(f"{', '.join(group[:-1])} begin with {group[-1]!r}" for group in sorted(groups))
    return f"{named}: use the readout 'sequence'"


def _choice(name: str, given: str, kind: object) -> Any:
    if given not in get_args(kind):
        raise UsageError(f"option {name}: {given!r} is not one of {', '.join(get_args(kind))}")
    return given
