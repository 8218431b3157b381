"""The numbers that a model nearly printed: their expectation under its own probabilities."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ambivox.models import LabelTokens
from ambivox.raters.distribution import Array
from ambivox.readouts.answers.numbers import Number
from ambivox.readouts.answers.plain import lower, plain
from ambivox.readouts.answers.shares import SUM_TOLERANCE, find_shares, share_rest
from ambivox.readouts.reading import Reading
from ambivox.readouts.text import answer_of, dictionary
from ambivox.record import Record

_DIGITS = re.compile(r" ?([0-9]+|\.)")
_PERCENT = re.compile(r" ?(?:%|percent)$")


class Slot(NamedTuple):
    """A number in the answer: the steps that wrote it, and what each of them wrote."""

    start: int
    pieces: tuple[str, ...]


def expected(record: Record) -> Reading:
    """The expectation of each label's number, in place of the one that happened to be printed; normalised.

    At every step of a printed number the model had other digits in mind. An answer that parts from the
    printed one at a step ends as the printed one ended: with "40" printed, "3" in place of "4" is 30, and a
    percent sign in place of "0" is 4. This is an expectation over all answers that differ in one token of the
    number, exact in their probabilities up to that token. A number past 1 (100 for percentages) counts as
    that. What is not a number at the first step is left out; `mass` is what is kept there.

    Statuses are those of `dictionary`, whose parse it needs, but zeros throughout are read where what was
    nearly printed sums to `SUM_TOLERANCE` at least. ``undefined`` where it does not, where the digits of the
    text are not those of the label tokens, where a number is more than digits and a dot ("0,4", "1e-3"), or
    number tokens were not asked for.
    """
    printed = dictionary(record)
    answer = answer_of(record)
    shares = find_shares(answer)
    if printed.distribution is None and not shares.all_zero:
        return printed
    asked, reply = record.asked, record.replied
    texts = number_texts(asked.label_tokens)
    if not any(texts):
        return Reading(
            None, "undefined", "numbers were not token_logits: name 'expected' among the study's readouts"
        )
    runs, places = find_places(reply.text, shares.numbers)
    run_of = {label: run for label, run in places.items() if run is not None}
    if len(run_of) < len(places):
        return Reading(None, "undefined", "a number that is not written in digits and a dot")
    slots = find_number_slots(asked.label_tokens, reply.token_ids)
    if ["".join(slot.pieces) for slot in slots] != runs:
        return Reading(None, "undefined", "the digits of the text are not those of the label tokens")
    if reply.bounded is not None:
        return Reading(None, "undefined", "the server listed other tokens: digits have upper bounds only")
    if not all(np.isfinite(array).all() for array in (reply.token_logits, reply.logsumexp)):
        return Reading(None, "undefined", "logits that are not finite")
    written = [k for k, text in enumerate(texts) if text]
    texts = tuple(texts[k] for k in written)
    p = np.exp(reply.token_logits[:, written].astype(np.float64) - reply.logsumexp[:, None])
    largest = max(float(runs[run]) for run in run_of.values())
    limit = max(largest, 1.0 if largest <= 1 and asked.prompt.format != "percentages" else 100.0)
    numbers, mass = np.zeros(len(asked.emotions.labels)), []
    for label, run in run_of.items():
        value, kept = expected_number(slots[run], p, texts, limit)
        hundredths = asked.prompt.format == "percentages" or shares.numbers[label].percent
        numbers[label] = value / 100 if hundredths else value
        mass.append(kept)
    total = numbers.sum()
    if not total > 0 or (printed.distribution is None and total < SUM_TOLERANCE):
        return Reading(None, "undefined", f"zeros throughout; nearly printed were {total:.1g} in all")
    status, note = printed.status, printed.note
    missing = [n for n in range(len(numbers)) if n not in places]
    if printed.distribution is None:
        names = ", ".join(asked.emotions.labels[n] for n in missing)
        status, note = ("partial", f"missing {names}") if missing else ("renormalised", "")
    if status in ("ok", "renormalised"):
        exact = abs(total - 1) <= SUM_TOLERANCE
        status, note = ("ok", "") if exact else ("renormalised", f"summed to {total:.3g}")
    distribution = share_rest(numbers, missing) if status == "partial" else numbers / total
    return Reading(distribution, status, note, float(np.mean(mass)))


def find_places(text: str, numbers: Mapping[int, Number]) -> tuple[list[str], dict[int, int | None]]:
    """The runs of digits and dots in a text, and which of them is the number of each label.

    A number that is more than one run ("0,4", "1e-3", "+1") is None.

    >>> from ambivox.readouts.answers.numbers import find_numbers
    >>> text = "2 moods: sad 0.7, angry: 0.25."
    >>> numbers = list(find_numbers(text))
    >>> find_places(text, {3: numbers[1], 2: numbers[2]})
    (['2', '0.7', '0.25'], {3: 1, 2: 2})
    """
    low = lower(plain(text))
    matches = [match for match in re.finditer(r"[0-9.]+", low) if match[0].strip(".")]
    runs = [match[0].rstrip(".") for match in matches]
    starts = {match.start(): run for run, match in enumerate(matches)}
    places: dict[int, int | None] = {}
    for label, number in numbers.items():
        run = starts.get(number.start)
        written = _PERCENT.sub("", low[number.start : number.end])
        places[label] = run if run is not None and runs[run] == written else None
    return runs, places


@functools.lru_cache(maxsize=64)
def number_texts(label_tokens: LabelTokens) -> tuple[str, ...]:
    """Shape ``(K,)``: the digits or the dot that a token writes, with a space before; "" for the others."""
    return tuple(token if _DIGITS.fullmatch(token) else "" for token in label_tokens.tokens)


def find_number_slots(label_tokens: LabelTokens, token_ids: Sequence[int]) -> list[Slot]:
    """The numbers that generated tokens wrote, in their order; a space begins another number.

    Dots after the last digit end a sentence and are no part of the number.
    """
    written = dict(zip(label_tokens.token_ids, number_texts(label_tokens), strict=True))
    slots: list[Slot] = []
    last = None
    for t, token in enumerate(token_ids):
        text = written.get(token, "")
        if not text:
            continue
        if last == t - 1 and not text.startswith(" "):
            slots[-1] = Slot(slots[-1].start, (*slots[-1].pieces, text))
        else:
            slots.append(Slot(t, (text.strip(),)))
        last = t
    kept = [Slot(slot.start, _without_last_dots(slot.pieces)) for slot in slots]
    return [slot for slot in kept if slot.pieces]


def _without_last_dots(pieces: tuple[str, ...]) -> tuple[str, ...]:
    last = max((k for k, piece in enumerate(pieces) if piece != "."), default=-1)
    return pieces[: last + 1]


def expected_number(slot: Slot, p: Array, texts: tuple[str, ...], limit: float) -> tuple[float, float]:
    """The expectation of the number in a slot, and the probability of numbers at its first step.

    Args:
        p: shape ``(T, K)``, probabilities of the label tokens.
        texts: shape ``(K,)``, what each writes, "" where it is no part of a number.
        limit: larger numbers count as this.

    >>> p = np.array([[0.25, 0.25], [0.0, 0.0]])
    >>> expected_number(Slot(0, ("2",)), p, ("2", "4"), 100.0)
    (3.0, 0.5)
    """
    whole = "".join(slot.pieces)
    value, reached, mass, begun = 0.0, 1.0, 1.0, ""
    for step, piece in enumerate((*slot.pieces, "")):
        if slot.start + step == len(p):
            break
        here = p[slot.start + step]
        rest = whole[len(begun) + len(piece) :]
        digits, same, other, numbers = _branches(texts, begun, piece, rest, limit)
        printed, parted, of_parted = float(here @ same), float(here @ other), float(here @ numbers)
        if step:
            # A dot too many is not a number inside of one, and ends the sentence after one.
            stopped = max(1.0 - float(here @ (digits if piece else other)), 0.0)
            ended = number(begun, limit)
            if not piece:
                printed = stopped
            elif ended is not None:
                parted, of_parted = parted + stopped, of_parted + stopped * ended
        total = printed + parted
        mass = min(total, 1.0) if step == 0 else mass
        if total <= 0:
            break
        value += reached * of_parted / total
        reached *= printed / total
        begun += piece
    return value + reached * (number(whole, limit) or 0.0), mass


@functools.lru_cache(maxsize=2**14)
def _branches(
    texts: tuple[str, ...], begun: str, piece: str, rest: str, limit: float
) -> tuple[Array, Array, Array, Array]:
    """At one step, each of shape ``(K,)``: 1 for tokens that go on with the number, for those that write what
    was printed, and for the others that make a number; and these numbers, 0 elsewhere.
    """
    # The first digit may come with a space before it; later a space begins something else.
    digits = np.array([bool(text) and not (begun and text.startswith(" ")) for text in texts])
    same = digits & np.array([text.strip() == piece for text in texts])
    made = [number(begun + text.strip() + rest, limit) for text in texts]
    other = digits & ~same & np.array([value is not None for value in made])
    numbers = np.where(other, np.array([value or 0.0 for value in made]), 0.0)
    return digits.astype(float), same.astype(float), other.astype(float), numbers


@functools.lru_cache(maxsize=2**16)
def number(written: str, limit: float) -> float | None:
    """A number as written, at most the limit; None where it is none ("0..4")."""
    try:
        return min(float(written), limit)
    except ValueError:
        return None
