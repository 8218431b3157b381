"""What is asked in a benchmark: clips times prompts, with answers of a given length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ambivox.emotions import EmotionSet, load_emotions
from ambivox.models import Request, SpeechModel
from ambivox.models.check import speech_like
from ambivox.models.protocol import FloatArray
from ambivox.prompts import PROMPTS, RenderedPrompt, option_order
from ambivox.prompts.prompt import LETTERS

EMOTIONS = "cremad6"


def prompts(count: int, new_tokens: int, emotions: EmotionSet | None = None) -> list[RenderedPrompt]:
    """So many prompts: the built-in ones in turn, each time round with the options in another order.

    The prompt that letters the options is left out where they outnumber the letters.
    """
    emotions = emotions or load_emotions(EMOTIONS)
    names = [n for n in PROMPTS if PROMPTS[n].format != "letter" or len(emotions) <= len(LETTERS)]
    rendered = [
        PROMPTS[names[n % len(names)]].render(
            emotions, order=option_order(len(emotions), n // len(names) or None)
        )
        for n in range(count)
    ]
    return [replace(prompt, max_new_tokens=new_tokens) for prompt in rendered]


def requests(
    model: SpeechModel, clips: Sequence[FloatArray], asked: Sequence[RenderedPrompt]
) -> list[Request]:
    """Every prompt on every clip, clip by clip, with the probabilities of whole labels."""
    label_tokens_of_each = [model.label_tokens(prompt.answers) for prompt in asked]
    return [
        Request(clip, prompt, label_tokens, score=True)
        for clip in clips
        for prompt, label_tokens in zip(asked, label_tokens_of_each, strict=True)
    ]


def clips(count: int, seconds: tuple[float, float] = (1.0, 6.0)) -> list[FloatArray]:
    """Speech-like signals of lengths spread evenly between two bounds."""
    return [speech_like(float(s), seed) for seed, s in enumerate(np.linspace(*seconds, count))]


def labels(count: int) -> EmotionSet:
    """An emotion set of made-up labels, each a word of its own."""
    known = [label for name in ("ravdess8", "msp8") for label in load_emotions(name).labels]
    names = list(
        dict.fromkeys([*known, *(f"feeling{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(count))])
    )
    return EmotionSet(f"{count} labels", tuple(names[:count]), tuple((name,) for name in names[:count]))
