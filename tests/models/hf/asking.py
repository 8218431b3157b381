"""Requests for tests: seeded clips and real prompts."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ambivox.emotions import load_emotions
from ambivox.models import Request, SpeechModel
from ambivox.prompts import load_prompt

# Some of one length, so that models which hear no fixed window have something to batch.
LENGTHS_S = (1.0, 0.3, 2.5, 1.0, 4.0, 1.0, 0.15, 2.5)
PROMPTS = ("word", "letter", "dictionary")


def clip(seconds: float, seed: int = 0) -> NDArray[np.float32]:
    """Shape ``(n_samples,)``: noise that swells and fades four times a second."""
    time_s = np.arange(int(seconds * 16_000)) / 16_000
    noise = np.random.default_rng(seed).normal(0, 0.1, time_s.size)
    return (noise * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time_s))).astype(np.float32)


def ask(
    model: SpeechModel, samples: NDArray[np.float32], prompt: str = "word", name: str = "clip"
) -> Request:
    rendered = load_prompt(prompt).render(load_emotions("iemocap4"))
    return Request(samples, rendered, model.label_tokens(rendered.answers), name)


def eight(model: SpeechModel, lengths: Sequence[float] = LENGTHS_S) -> list[Request]:
    """Eight clips of different lengths, prompts in turn, and answers of at most 8, 4 and 24 tokens."""
    asked = [ask(model, clip(s, i), PROMPTS[i % len(PROMPTS)]) for i, s in enumerate(lengths)]
    return [
        replace(one, prompt=replace(one.prompt, max_new_tokens=min(24, one.prompt.max_new_tokens)))
        for one in asked
    ]
