"""Sampled answers, counted: what a model would say, and how often."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np

from ambivox.readouts.answers.read import read_as_asked
from ambivox.readouts.reading import Reading
from ambivox.readouts.text import answer_of
from ambivox.record import Record


def frequency(record: Record) -> Reading:
    """The mean of what the sampled answers say, each read as a text of its format; of words: their shares.

    Answers that cannot be read are left out and counted in the note, with status ``partial``; if none can,
    the status is that of most of them. The standard error of a share from D draws is ``sqrt(p (1 - p) / D)``.
    """
    reply = record.replied
    if not reply.draws:
        return Reading(None, "undefined", "nothing was sampled: name 'frequency' among the study's readouts")
    answer = answer_of(record)
    # How a draw ended is not known, so an incomplete dictionary is not read as a whole one.
    readings = [read_as_asked(replace(answer, written=draw, finish=None)) for draw in reply.draws]
    kept = [reading.distribution for reading in readings if reading.distribution is not None]
    if not kept:
        status = Counter(reading.status for reading in readings).most_common(1)[0][0]
        return Reading(None, status, f"none of {len(readings)} sampled answers can be read")
    lost = len(readings) - len(kept)
    distribution = np.mean(kept, axis=0)
    if lost:
        return Reading(distribution, "partial", f"{lost} of {len(readings)} sampled answers cannot be read")
    return Reading(distribution, "ok")
