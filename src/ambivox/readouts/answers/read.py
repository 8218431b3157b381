"""Written answers, from anywhere: the reader of the format that was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import get_args

from ambivox.emotions import EmotionSet, load_emotions
from ambivox.errors import UsageError, unknown_name
from ambivox.prompts import AnswerFormat
from ambivox.readouts.answers.answer import Answer
from ambivox.readouts.answers.label import read_label
from ambivox.readouts.answers.prose import read_prose
from ambivox.readouts.answers.ranked import Weights, read_ranking
from ambivox.readouts.answers.shares import read_shares
from ambivox.readouts.reading import Reading


def read_answer(
    text: str,
    *,
    format: AnswerFormat,  # noqa: A002
    emotions: str | EmotionSet | Mapping[str, Sequence[str] | None],
    finish: str | None = "stop",
    order: Sequence[int] | None = None,
) -> Reading:
    """Read what a model answered, from anywhere: a log, another tool, a paper's supplement.

    Args:
        text: the answer as it was written.
        format: what the prompt asked for, see ``ambivox prompts``.
        emotions: a set by name, or each label with the other forms in which it may be written.
        finish: "stop", or "length" where the answer was cut off; None where that is not known.
        order: ``order[k]`` is the label that was offered as option k, for letters; None is the set's order.

    Returns:
        A distribution or None, a status, and a note; see `ambivox.readouts.STATUSES` and docs/answers.md.

    Raises:
        UsageError: an unknown format or emotion set, or an order that is not a permutation.

    >>> said = "70% angry, 30% sad, I would say."
    >>> found = read_answer(said, format="dictionary", emotions={"angry": [], "sad": []})
    >>> found.distribution.tolist(), found.status
    ([0.7, 0.3], 'ok')
    """
    if format not in get_args(AnswerFormat):
        raise unknown_name("answer format", str(format), get_args(AnswerFormat))
    if isinstance(emotions, Mapping):
        forms = tuple(
            (label, *(form for form in own or () if form != label)) for label, own in emotions.items()
        )
        emotions = EmotionSet("given", tuple(emotions), forms)
    elif isinstance(emotions, str):
        emotions = load_emotions(emotions)
    order = tuple(range(len(emotions))) if order is None else tuple(order)
    if sorted(order) != list(range(len(emotions))):
        raise UsageError(f"order {list(order)} is not a permutation of the {len(emotions)} labels")
    return read_as_asked(Answer(text, format, emotions, order, finish))


def read_as_asked(answer: Answer, weights: Weights = "centroid") -> Reading:
    """Read an answer by the reader of its format; `weights` are those of a ranking."""
    if answer.fault:
        return Reading(None, "unparsed", answer.fault)
    match answer.format:
        case "word" | "letter" | "sentence":
            return read_label(answer)
        case "dictionary" | "percentages":
            return read_shares(answer)
        case "ranked":
            return read_ranking(answer, weights=weights)
        case "free":
            return read_prose(answer)
