"""From rated clips and prompts to tensors: the prompt as it is asked, the answer as it should be written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import Dataset

from ambivox.audio import SAMPLE_RATE_HZ, load_audio
from ambivox.emotions import EmotionSet
from ambivox.errors import AudioError, UsageError
from ambivox.finetuning.answers import LABEL_FORMATS, write_answer
from ambivox.finetuning.augment import augment
from ambivox.finetuning.config import AugmentSpec, Numbers
from ambivox.finetuning.splits import Rated
from ambivox.models import select_forms
from ambivox.models.hf.adapter import TransformersModel
from ambivox.models.hf.chat_input import Inputs, batch_key, collate, with_answer
from ambivox.models.hf.checkpoint import quiet
from ambivox.models.hf.step_limit import step_limit
from ambivox.prompts import Prompt
from ambivox.readouts.label_logits import owned_shares

Orders = Literal["random", "rotating"]
"""How options are offered: in a random order of every visit's own, or in the one that its place decides."""


@dataclass(frozen=True)
class Example:
    """One prompt on one clip and its answer, as tensors. L tokens, K label tokens, N labels.

    Args:
        inputs: of the model, prompt and answer together; text of shape ``(1, L)``.
        labels: shape ``(1, L)``, the answer's tokens with the one that ends it, -100 elsewhere.
        token_ids: shape ``(K,)``, tokens that begin a label.
        shares: shape ``(K, N)``, which label each of them begins.
        q: shape ``(N,)``, shares of votes.
        labelled: whether the answer begins with a label.
    """

    inputs: Inputs
    labels: Tensor
    token_ids: Tensor
    shares: Tensor
    q: Tensor
    labelled: bool


class Examples(Dataset[Example]):
    """Every rated clip under every prompt; options, answers and noise are drawn again in every epoch.

    The draws depend on seed, epoch and place alone, so a training that was killed and resumed sees the same.

    Args:
        speech: the model that will be trained, which writes prompts as it does when it is asked.
        rated: the clips.
        prompts: what is asked about each.
        emotions: the options.
        answer: what an answer of one label names, see `Objective`.
        numbers: how dictionaries and percentages are written, see `write_answer`.
        augmentation: None leaves clips as they are.
        orders: of the options.
        seed: of all draws.

    Raises:
        UsageError: a prompt without a fixed way to answer, or labels that begin with the same tokens.
    """

    def __init__(
        self,
        speech: TransformersModel,
        rated: Sequence[Rated],
        prompts: Sequence[Prompt],
        emotions: EmotionSet,
        *,
        answer: Literal["plurality", "vote"] = "plurality",
        numbers: Numbers = "tenths",
        augmentation: AugmentSpec | None = None,
        orders: Orders = "random",
        seed: int = 0,
    ) -> None:
        self.speech, self.rated, self.prompts, self.emotions = speech, rated, prompts, emotions
        self.numbers = numbers
        self.answer, self.augmentation, self.orders, self.seed = answer, augmentation, orders, seed
        self.epoch = 0
        self._end = end_token(speech)
        self._watch: Callable[..., tuple[Tensor, Tensor]] = cache(self._look_up)
        even = np.full(len(emotions), 1 / len(emotions))
        for prompt in prompts:
            self._watch(prompt.render(emotions).answers)
            write_answer(prompt.render(emotions), emotions.labels, even, 0, np.random.default_rng(seed))

    def __len__(self) -> int:
        return len(self.rated) * len(self.prompts)

    def set_epoch(self, epoch: int) -> None:
        """Draw again; called by the data loader before each epoch."""
        self.epoch = epoch

    def __getitem__(self, place: int) -> Example:
        one, prompt = self.rated[place // len(self.prompts)], self.prompts[place % len(self.prompts)]
        epoch = 0 if self.orders == "rotating" else self.epoch
        rng = np.random.default_rng((self.seed, epoch, place))
        rendered = prompt.render(self.emotions, order=rng.permutation(len(self.emotions)).tolist())
        named = self._named(one, place, rng)
        answer = write_answer(rendered, self.emotions.labels, one.q, named, rng, numbers=self.numbers)
        tokens = [*self.speech.chat.tokenizer.encode(answer, add_special_tokens=False), self._end]
        inputs = with_answer(self._hear(one, rendered.text, rng), tokens)
        labels = torch.full_like(inputs["input_ids"], -100)
        labels[0, -len(tokens) :] = torch.tensor(tokens)
        token_ids, shares = self._watch(rendered.answers)
        q = torch.tensor(one.q, dtype=torch.float32)
        return Example(inputs, labels, token_ids, shares, q, prompt.format in LABEL_FORMATS)

    def _named(self, one: Rated, place: int, rng: np.random.Generator) -> int:
        """The label that a one-label answer names: the most voted one, or the next rater's."""
        if self.answer == "plurality":
            return int(rng.choice(np.flatnonzero(one.counts == one.counts.max())))
        votes = np.repeat(np.arange(len(one.counts)), one.counts.astype(int))
        # every rater once before one comes again, in an order of the clip's and prompt's own
        turn, rater = divmod(self.epoch, len(votes))
        order = np.random.default_rng((self.seed, place, turn)).permutation(len(votes))
        return int(votes[order[rater]])

    def _hear(self, one: Rated, text: str, rng: np.random.Generator) -> Inputs:
        clip = one.utterance
        samples = load_audio(clip.audio, clip.start_s, clip.end_s, clip.channel)
        seconds = len(samples) / SAMPLE_RATE_HZ
        if self.augmentation:
            samples = augment(samples, self.augmentation, rng)
        with quiet():
            inputs = self.speech.chat(samples, text, clip.audio.name)
            if self.speech.chat.hears_whole(seconds):
                return inputs
        raise AudioError(
            f"{clip.audio.name}: {seconds:.1f} s of audio, more than {self.speech.name} hears: "
            "leave it out or give start and end in the manifest"
        )

    def _look_up(self, answers: Sequence[Sequence[str]]) -> tuple[Tensor, Tensor]:
        label_tokens, _ = select_forms(self.speech.label_tokens(answers), "offered")
        shares = owned_shares(label_tokens, len(answers))
        for n, label in enumerate(answers):
            if not shares[:, n].any():
                raise UsageError(
                    f"label {label[0]!r} begins with the same tokens as another one in the tokenizer of "
                    f"{self.speech.name}, so votes for it cannot be learnt: give it another form"
                )
        return torch.tensor(label_tokens.token_ids), torch.tensor(shares, dtype=torch.float32)


def end_token(speech: TransformersModel) -> int:
    """The token that ends an answer: what the chat template writes there, if generation stops at it."""
    chat = speech.chat
    ends = speech.model.generation_config.eos_token_id
    ends = list(ends) if isinstance(ends, (list, tuple)) else [ends]
    if not chat.whole_messages:
        marker = "the-answer"
        turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": marker}]
        try:
            with step_limit(speech.name):
                written = str(chat.processor.apply_chat_template(turns, tokenize=False, **chat.template))
        except Exception:  # templates are code of others; some take lists of parts only
            written = ""
        after = written.rpartition(marker)[2] if marker in written else ""
        for token in chat.tokenizer.encode(after, add_special_tokens=False) if after else ():
            if token in ends:
                return int(token)
    own = getattr(chat.tokenizer, "eos_token_id", None)
    return int(ends[ends.index(own)] if own in ends else ends[0])


def batch(examples: Sequence[Example], pad_token: int) -> dict[str, Any]:
    """Examples as one batch: features are never padded, so those of another shape are a part of their own.

    Returns:
        ``q`` of shape ``(B, N)`` (first, since it tells accelerate the size of the batch), ``labelled``
        ``(B,)``, ``token_ids`` ``(B, K)``, ``shares`` ``(B, K, N)``, and ``parts``: model inputs with
        ``labels``, whose rows one after the other are the examples.
    """
    groups: dict[object, list[Example]] = {}
    for example in examples:
        groups.setdefault(batch_key(example.inputs), []).append(example)
    ordered = [example for group in groups.values() for example in group]
    width = max(len(example.token_ids) for example in ordered)
    return {
        "q": torch.stack([e.q for e in ordered]),
        "labelled": torch.tensor([e.labelled for e in ordered]),
        "token_ids": torch.stack([pad(e.token_ids, (0, width - len(e.token_ids))) for e in ordered]),
        "shares": torch.stack([pad(e.shares, (0, 0, 0, width - len(e.shares))) for e in ordered]),
        "parts": [_part(group, pad_token) for group in groups.values()],
    }


def _part(examples: Sequence[Example], pad_token: int) -> Inputs:
    part = collate([example.inputs for example in examples], pad_token)
    width = part["input_ids"].shape[1]
    part["labels"] = torch.cat([pad(e.labels, (width - e.labels.shape[1], 0), value=-100) for e in examples])
    return part
