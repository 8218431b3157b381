"""Chat examples: the project's prompts with random options, and the answers that a distribution implies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ambivox.emotions import EmotionSet, emotion_sets, load_emotions
from ambivox.prompts.prompt import LETTERS, RenderedPrompt, load_prompt
from recipes.mini.checkpoint import EXTRA_WORDS
from recipes.mini.targets import CANONICAL, HEARD, leaning, option_matrix, restrict

Array = NDArray[np.float64]

PROMPT_WEIGHTS = {
    "word": 0.16, "letter": 0.18, "dictionary": 0.32, "percentages": 0.18, "ranked": 0.12, "free": 0.04,
}  # fmt: skip

FEELINGS = ("angry", "disgusted", "fearful", "happy", "neutral", "sad", "calm", "surprised", "bored")
"""How the free answer words each of `HEARD`."""

_TRANSCRIPTS = (
    "Kids are talking by the door.", "Dogs are sitting by the door.", "Don't forget a jacket.",
    "It's eleven o'clock.",
    "I'm on my way to the meeting.", "The airplane is almost full.", "I think I have a doctor's appointment.",
    "Das will sie am Mittwoch abgeben.", "Der Lappen liegt auf dem Eisschrank.",
    "Maybe tomorrow it will be cold.",
    "Excuse me, where did you put it?", "I would like a new alarm clock.", "That is exactly what happened.",
)  # fmt: skip


@dataclass
class Slot:
    """One place of an answer where the words are drawn from a distribution instead of being given.

    Args:
        words: what may be written here.
        shares: as many, what is taught.
        look: shape ``(N,)``, shares of the options in the order of the prompt, on which the answer rests
            here; None where it rests on none.
        sum_before: of a number, the sum of those written before it.
    """

    words: tuple[str, ...]
    shares: Array
    look: Array | None = None
    sum_before: int = 0


@dataclass
class Example:
    """A prompt, and its answer as a run of fixed texts and of slots with the number of the word written."""

    prompt: RenderedPrompt
    labels: tuple[str, ...]
    parts: list[str | tuple[Slot, int]] = field(default_factory=list)

    @property
    def answer(self) -> str:
        """The answer as text."""
        return "".join(part if isinstance(part, str) else part[0].words[part[1]] for part in self.parts)


def random_emotions(rng: np.random.Generator) -> EmotionSet:
    """A built-in set (half of the time), or two to nine emotions in random surface forms."""
    if rng.random() < 0.5:
        name = str(rng.choice(emotion_sets()))
        return load_emotions(f"{name}+other" if rng.random() < 0.15 else name)
    forms: dict[str, list[str]] = {}
    for name in emotion_sets():
        for group in load_emotions(name).forms:
            forms.setdefault(CANONICAL.get(group[0], group[0]), []).extend(group)
    forms["boredom"] = ["boredom", "bored"]
    heard = [str(label) for label in rng.permutation(list(forms))[: rng.integers(2, 10)]]
    labels = [str(rng.choice(forms[label])) for label in heard]
    if rng.random() < 0.3:
        extra = [str(word) for word in rng.permutation(EXTRA_WORDS)[: rng.integers(1, 3)]]
        labels += [word for word in extra if word not in labels and CANONICAL.get(word, word) not in heard]
    if rng.random() < 0.1:
        labels = [label.capitalize() for label in labels]
    return EmotionSet("random", tuple(labels), tuple((label,) for label in labels))


def random_prompt(rng: np.random.Generator, emotions: EmotionSet, name: str | None = None) -> RenderedPrompt:
    """One of the built-in prompts with the options in random order, now and then with words or context."""
    name = name or str(rng.choice(list(PROMPT_WEIGHTS), p=list(PROMPT_WEIGHTS.values())))
    transcript = str(rng.choice(_TRANSCRIPTS)) if rng.random() < 0.1 else None
    turns = [f"{rng.choice(['A', 'B'])}: {text}" for text in rng.choice(_TRANSCRIPTS, rng.integers(1, 3))]
    order = [int(n) for n in rng.permutation(len(emotions))] if rng.random() < 0.8 else None
    return load_prompt(name).render(
        emotions, order=order, transcript=transcript, context=turns if rng.random() < 0.05 else ()
    )


def example(
    heard: Array,
    prompt: RenderedPrompt,
    emotions: EmotionSet,
    rng: np.random.Generator,
    lean: bool = False,
) -> Example:
    """The answer that a distribution over `HEARD`, shape ``(9,)``, implies for a prompt.

    Args:
        lean: whether the answer is `leaning` to neutral, as raters do.
    """
    options = [emotions.labels[n] for n in prompt.order]
    shares = restrict(heard[None], option_matrix(options))[0]
    if lean:
        shares, heard = leaning(shares, options), leaning(heard, HEARD)
    made = Example(prompt, emotions.labels)
    if prompt.format in ("word", "letter"):
        words = tuple(options if prompt.format == "word" else LETTERS[: len(options)])
        made.parts = [(Slot(words, shares, shares), int(rng.choice(len(words), p=shares)))]
    elif prompt.format == "dictionary":
        made.parts = ['{"']
        for word, number in zip(options, written_numbers(shares, 10, rng), strict=True):
            whole = ["0.", number] if number[1] < 10 else ["1.0"]
            made.parts += [_given(word), '": ', *whole, ', "']
        made.parts[-1] = "}"
    elif prompt.format == "percentages":
        for word, number in zip(options, written_numbers(shares, 10, rng), strict=True):
            made.parts += [_given(word), ": ", number, "0%\n" if number[1] else "%\n"]
        made.parts[-1] = str(made.parts[-1]).rstrip()
    elif prompt.format == "ranked":
        made.parts = _ranked(options, shares, rng)
    else:
        made.parts = _free(heard, rng)
    return made


def _given(word: str) -> tuple[Slot, int]:
    return Slot((word,), np.ones(1)), 0


_NUMBERS = tuple(str(n) for n in range(11))


def written_numbers(shares: Array, total: int, rng: np.random.Generator) -> list[tuple[Slot, int]]:
    """Whole numbers for shares, written one by one, that sum to ``total`` (at most 10).

    Each is what the shares up to here come to, less the numbers written so far, rounded up or down at random
    so that its expectation is that difference: rounding errors are made up for at once, and the last number
    is what is left.

    >>> [n for _, n in written_numbers(np.array([0.2, 0.8]), 10, np.random.default_rng(0))]
    [2, 8]
    """
    numbers: list[tuple[Slot, int]] = []
    due = total * np.cumsum(shares) / shares.sum()
    written = 0
    for place in range(len(shares)):
        exact = max(0.0, float(due[place]) - written)
        low = int(exact + 1e-9)
        up = max(exact - low, 0.0)
        n = low + int(rng.random() < up)
        weights = np.zeros(len(_NUMBERS))
        weights[low] += 1 - up
        weights[min(low + 1, 10)] += up
        numbers.append((Slot(_NUMBERS, weights, shares, written), n))
        written += n
    return numbers


def _ranked(options: Sequence[str], shares: Array, rng: np.random.Generator) -> list[str | tuple[Slot, int]]:
    # The order written is drawn (Plackett-Luce, sharpened); at every place the model is taught what remains.
    left = list(range(len(options)))
    parts: list[str | tuple[Slot, int]] = []
    while left:
        here = shares[left] / shares[left].sum()
        drawn = here**3 / (here**3).sum()
        chosen = int(rng.choice(len(left), p=drawn))
        look = np.zeros(len(options))
        look[left] = here
        parts.append((Slot(tuple(options[n] for n in left), here, look), chosen))
        left.pop(chosen)
        if left:
            parts.append(" > ")
    return parts


def _free(heard: Array, rng: np.random.Generator) -> list[str | tuple[Slot, int]]:
    first = int(rng.choice(len(HEARD), p=heard / heard.sum()))
    rest = heard.copy()
    rest[first] = 0
    parts: list[str | tuple[Slot, int]] = ["The speaker sounds ", (Slot(FEELINGS, heard), first)]
    if rest.max() > 0.2:
        parts += [", perhaps also ", (Slot(FEELINGS, rest / rest.sum()), int(rest.argmax()))]
    return [*parts, "."]
