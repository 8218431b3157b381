"""Ask a checkpoint as its user would, through the auto classes alone, and read its answers strictly."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModelForMultimodalLM, AutoProcessor

from ambivox.emotions import EmotionSet
from ambivox.models import Request
from ambivox.models.bundled.engine import load_bundled
from ambivox.prompts.prompt import RenderedPrompt
from ambivox.readouts.answers.shares import SUM_TOLERANCE

Array = NDArray[np.float64]
Wave = NDArray[np.float32]
BATCH = 16


@dataclass(frozen=True)
class Asked:
    """One prompt on one recording, what was answered, and the first step's log-probabilities ``(V,)``."""

    prompt: RenderedPrompt
    emotions: EmotionSet
    text: str
    first: NDArray[np.float32]


class Mini:
    """A checkpoint loaded by the auto classes, in float32 on the CPU."""

    def __init__(self, folder: Path) -> None:
        start = time.perf_counter()
        self.processor = AutoProcessor.from_pretrained(folder)
        self.model = AutoModelForMultimodalLM.from_pretrained(folder, dtype=torch.float32).eval()
        self.load_s = time.perf_counter() - start

    def inputs(self, prompts: Sequence[RenderedPrompt], waves: Sequence[Wave]) -> dict[str, torch.Tensor]:
        """The model's inputs, through chat template and processor."""
        texts = [
            self.processor.apply_chat_template(
                [{"role": "user", "content": [{"type": "audio"}, {"type": "text", "text": prompt.text}]}],
                add_generation_prompt=True,
                tokenize=False,
            )
            for prompt in prompts
        ]
        made = self.processor(
            text=texts, audio=list(waves), sampling_rate=16_000, return_tensors="pt", padding=True
        )
        return dict(made)

    @torch.no_grad()
    def ask(
        self, prompts: Sequence[RenderedPrompt], emotions: Sequence[EmotionSet], waves: Sequence[Wave]
    ) -> list[Asked]:
        """Greedy answers, in batches of clips of like length."""
        answers: dict[int, Asked] = {}
        order = np.argsort([len(wave) for wave in waves], kind="stable")
        for i in range(0, len(order), BATCH):
            rows = [int(k) for k in order[i : i + BATCH]]
            inputs = self.inputs([prompts[k] for k in rows], [waves[k] for k in rows])
            out = self.model.generate(
                **inputs,
                max_new_tokens=max(prompts[k].max_new_tokens for k in rows),
                do_sample=False,
                return_dict_in_generate=True,
                output_logits=True,
            )
            first = out.logits[0].log_softmax(-1).numpy()
            written = out.sequences[:, inputs["input_ids"].shape[1] :]
            texts = self.processor.tokenizer.batch_decode(written, skip_special_tokens=True)
            for row, k in enumerate(rows):
                answers[k] = Asked(prompts[k], emotions[k], texts[row], first[row])
        return [answers[k] for k in range(len(waves))]

    def shares(self, asked: Asked) -> Array:
        """First-step probabilities of the options' first tokens, made to sum to one, shape ``(N,)``."""
        exact = np.exp(asked.first[self._ids(asked)].astype(np.float64))
        return np.asarray(exact / exact.sum())

    def mass(self, asked: Asked) -> float:
        """How much of the first step's probability lies on the options at all, in [0, 1].

        A token with which several options begin counts once.
        """
        return float(np.exp(asked.first[sorted(set(self._ids(asked)))].astype(np.float64)).sum())

    def _ids(self, asked: Asked) -> list[int]:
        words = [answers[0] for answers in asked.prompt.answers]
        return [self.processor.tokenizer.encode(word, add_special_tokens=False)[0] for word in words]


class Bundled(Mini):
    """The same checkpoint, asked through the engine that comes with ambivox, as `load_model` does."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        start = time.perf_counter()
        self.engine = load_bundled(folder, "mini")
        self.load_s = time.perf_counter() - start

    def ask(
        self, prompts: Sequence[RenderedPrompt], emotions: Sequence[EmotionSet], waves: Sequence[Wave]
    ) -> list[Asked]:
        """Greedy answers; of the first step, only label tokens have log-probabilities."""
        tokens = [self.engine.label_tokens(prompt.answers) for prompt in prompts]
        replies = self.engine.generate(list(map(Request, waves, prompts, tokens)))
        answers = []
        for prompt, labels, kept, reply in zip(prompts, emotions, tokens, replies, strict=True):
            first = np.full(len(self.processor.tokenizer), -np.inf, dtype=np.float32)
            first[list(kept.token_ids)] = reply.token_logits[0] - reply.logsumexp[0]
            answers.append(Asked(prompt, labels, reply.text, first))
        return answers


def named(asked: Asked) -> int | None:
    """The label that a word or a letter names exactly, as the set's index."""
    written = asked.text.strip()
    for n, answers in enumerate(asked.prompt.answers):
        if written == answers[0]:
            return n
    return None


def numbers(asked: Asked) -> Array | None:
    """The shares of a dictionary or of percentage lines with exactly the given options, else None."""
    try:
        if asked.prompt.format == "dictionary":
            pairs = json.loads(asked.text, object_pairs_hook=list)
        else:
            lines = [line.rsplit(": ", 1) for line in asked.text.strip().split("\n")]
            pairs = [(word, float(number.removesuffix("%"))) for word, number in lines]
        given = [asked.emotions.labels[n] for n in asked.prompt.order]
        if sorted(word for word, _ in pairs) != sorted(given):
            return None
        shares = np.array([float(dict(pairs)[label]) for label in asked.emotions.labels])
    except (ValueError, TypeError):
        return None
    return np.asarray(shares / shares.sum()) if shares.sum() > 0 and (shares >= 0).all() else None


def sums_to_one(asked: Asked) -> bool:
    """Whether numbers in the form asked for also sum to 1, or to 100%, within `SUM_TOLERANCE`."""
    if numbers(asked) is None:
        return False
    written = re.findall(r": *([0-9.]+)", asked.text)
    total = sum(float(n) for n in written) / (100 if asked.prompt.format == "percentages" else 1)
    return abs(total - 1) <= SUM_TOLERANCE


def in_format(asked: Asked) -> bool:
    """Whether an answer has the form that its prompt asks for, with exactly the given options."""
    given = sorted(asked.emotions.labels)
    kind = asked.prompt.format
    if kind in ("word", "letter"):
        return named(asked) is not None
    if kind in ("dictionary", "percentages"):
        return numbers(asked) is not None
    if kind == "ranked":
        return sorted(asked.text.strip().split(" > ")) == given
    return asked.text.startswith("The speaker sounds ") and asked.text.endswith(".")
