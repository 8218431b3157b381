"""An answer to be read: the text as the readers of the formats see it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ambivox.emotions import EmotionSet
from ambivox.prompts import AnswerFormat
from ambivox.readouts.answers.final import Final, final
from ambivox.readouts.answers.markup import tidy
from ambivox.readouts.answers.mentions import Mention, find_mentions
from ambivox.readouts.answers.plain import lower
from ambivox.readouts.answers.said import is_refusal
from ambivox.readouts.reading import Reading


@dataclass(frozen=True)
class Answer:
    """What a model wrote in answer to a prompt.

    Args:
        written: the text as it came.
        format: what the prompt asked for.
        order: ``order[k]`` is the label that was offered as option k, which only letters depend on.
        finish: why the text ends: "stop", or "length" where it was cut off; None where it is not known.
    """

    written: str
    format: AnswerFormat
    emotions: EmotionSet
    order: tuple[int, ...]
    finish: str | None = "stop"

    @cached_property
    def text(self) -> str:
        """The answer proper in plain signs, spaces in place of reasoning, markup and remarks."""
        return tidy(self._final.text)

    @cached_property
    def low(self) -> str:
        """The text in lower case, as long as the text."""
        return lower(self.text)

    @property
    def fault(self) -> str:
        """Why there is no answer in the text; empty if there may be one."""
        return self._final.fault

    @cached_property
    def mentions(self) -> list[Mention]:
        """Where the text names labels, denied or not."""
        return find_mentions(self.low, self.emotions)

    @property
    def cut(self) -> bool:
        """Whether it is known to have been cut off."""
        return self.finish == "length"

    @cached_property
    def _final(self) -> Final:
        return final(self.written)

    def unread(self, reason: str = "") -> Reading:
        """The reading of an answer that cannot be read: a refusal, or `unparsed` with the reason."""
        if is_refusal(self.low):
            return Reading(None, "refused", quote(self.written))
        return Reading(
            None, "unparsed", reason or quote(self.written) if self.written.strip() else "empty answer"
        )


def quote(text: str, limit: int = 60) -> str:
    """A text in quotes on one line, cut to a length that fits a table."""
    flat = " ".join(text[: 20 * limit].split())
    return repr(flat if len(flat) <= limit else flat[: limit - 1] + "…")
