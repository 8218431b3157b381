"""Text-level readouts: what a model said, as `ambivox.readouts.answers` reads it."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, get_args

from ambivox.emotions import EmotionSet
from ambivox.errors import UsageError
from ambivox.prompts import AnswerFormat
from ambivox.readouts.answers.aer_llm import read_like_aer_llm
from ambivox.readouts.answers.answer import Answer
from ambivox.readouts.answers.ranked import Weights
from ambivox.readouts.answers.read import read_as_asked
from ambivox.readouts.reading import Reading
from ambivox.record import Record

Parser = Literal["ambivox", "aer-llm"]
"""Whose rules numbers per label are read by."""


def label(record: Record) -> Reading:
    """One label named in the answer, by a word or its letter; see `read_label`."""
    return _read(answer_of(record))


def dictionary(record: Record, *, parser: Parser = "ambivox") -> Reading:
    """Numbers per label in the answer; see `read_shares`, or `read_like_aer_llm` for the other parser."""
    if parser not in get_args(Parser):
        raise UsageError(f"option parser: {parser!r} is not one of {', '.join(get_args(Parser))}")
    return read_like_aer_llm(answer_of(record)) if parser == "aer-llm" else _read(answer_of(record))


def ranked(record: Record, *, weights: Weights = "centroid") -> Reading:
    """A ranked list of labels as the weights of their ranks; see `read_ranking`."""
    return _read(answer_of(record), weights)


def prose(record: Record) -> Reading:
    """The emotion words of a free description, counted; see `read_prose`."""
    return _read(answer_of(record))


def answer_of(record: Record) -> Answer:
    """The answer in a record: the one place that knows where a record keeps it."""
    asked, reply = record.asked, record.replied
    return _answer(reply.text, asked.prompt.format, asked.emotions, tuple(asked.prompt.order), reply.finish)


@lru_cache(maxsize=1024)  # many clips get the same answer, and several readouts read it
def _answer(
    text: str, asked_for: AnswerFormat, emotions: EmotionSet, order: tuple[int, ...], finish: str
) -> Answer:
    return Answer(text, asked_for, emotions, order, finish)


@lru_cache(maxsize=1024)
def _read(answer: Answer, weights: Weights = "centroid") -> Reading:
    reading = read_as_asked(answer, weights)
    if reading.distribution is not None:
        reading.distribution.flags.writeable = False  # it is shared by all who gave this answer
    return reading
