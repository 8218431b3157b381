"""A readout: a function from a record (what was asked and answered) to a reading."""

import re

import numpy as np

from ambivox import Reading, Record


def last_named(record: Record, *, window: int = 0) -> Reading:
    """The label that an answer names last, one-hot: for answers that think aloud first.

    Args:
        record: what was asked and answered.
        window: look at this many characters at the end only; 0 looks at the whole answer.
    """
    text = record.replied.text[-window:].casefold()
    places = [max(_last(form, text) for form in forms) for forms in record.asked.emotions.forms]
    if max(places) < 0:
        return Reading(None, "unparsed", "no label is named")
    return Reading(np.eye(len(places))[np.argmax(places)], "ok")


def _last(form: str, text: str) -> int:
    """Where a word stands last; -1 if it does not."""
    found = list(re.finditer(rf"\b{re.escape(form.casefold())}\b", text))
    return found[-1].start() if found else -1
