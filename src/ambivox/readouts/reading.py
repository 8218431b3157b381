"""What a readout gives: a distribution or none, and a status that says how it came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from ambivox.raters.distribution import Array

Status = Literal[
    "ok",  # the answer as it was asked for
    "renormalised",  # numbers that did not sum to 1 (or 100%)
    "partial",  # a part is missing: labels of the set, the end of an answer, some of the sampled answers
    "bounded",  # token level: the server did not list some labels, see `BOUNDS_MATTER`
    "improbable",  # token level: the labels held next to no probability there, see `NEXT_TO_NONE`
    "foreign",  # labels outside the set were named; none or the rest could be read
    "refused",  # the model declined to answer
    "unparsed",  # no answer could be found in the text, or more than one
    "collided",  # two labels begin with the same token, so this readout cannot tell them apart
    "undefined",  # the formula has no value here
    "silent",  # the clip is digital silence, and nobody wanted it asked about
    "failed",  # the request itself failed, see the record's error
]
STATUSES: tuple[Status, ...] = get_args(Status)

NEXT_TO_NONE = 0.01
"""Labels with less probability than this were not about to be written: the reading is `improbable`."""

BOUNDS_MATTER = 0.01
"""Where a share may be off by more than this since a server listed other tokens, there is no distribution."""

FORMS_MATTER = 0.05
"""Where more of a distribution than this hangs on the list of forms, it is said."""


@dataclass(frozen=True)
class Reading:
    """A distribution over the emotion set of a record, or None, and why.

    Args:
        distribution: shape ``(N,)``, sums to 1; None is a failed reading, which stays in every denominator.
        status: see `Status`.
        note: what was odd, in a few words.
        mass: token level only, the probability that the model gave to the labels before it was renormalised
            (mean over the steps read), range 0 to 1; a tiny mass says that it was not about to name a label.
        forms_shift: token level only, how much of the distribution hangs on the list of forms: the total
            variation distance between the readings of the forms offered and of all forms, range 0 to 1.
        lower, upper: shape ``(N,)``, between which each share lies; None where it is exact. Given
            with the status ``bounded``, whose `mass` is that of the listed tokens.
        calibration: the name of what the distribution was calibrated with; None for one as it was read.
        uncalibrated: shape ``(N,)``, the distribution before that; None where nothing was calibrated.
    """

    distribution: Array | None
    status: Status
    note: str = ""
    mass: float | None = None
    forms_shift: float | None = None
    lower: Array | None = None
    upper: Array | None = None
    calibration: str | None = None
    uncalibrated: Array | None = None
