"""The contract between studies and engines: requests in, replies out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from ambivox.errors import AmbivoxError, UsageError
from ambivox.prompts import PROMPTS, AnswerFormat, Prompt, RenderedPrompt

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class LabelTokens:
    """The tokens by which a model would name each label, and number tokens if asked for.

    Made by `find_label_tokens`.
    """

    sequences: tuple[tuple[int, ...], ...]
    """Shape ``(S,)``: token sequences that write a label in one of its forms."""
    sequence_labels: tuple[int, ...]
    """Shape ``(S,)``: the label that each sequence names."""
    offered: tuple[bool, ...]
    """Shape ``(S,)``: whether it writes the label as the prompt offers it, or in another of its forms."""
    token_ids: tuple[int, ...]
    """Shape ``(K,)``: the distinct first tokens of the sequences, then the number tokens."""
    tokens: tuple[str, ...]
    """Shape ``(K,)``: the same as text; a number token is digits or a dot, with a space or without."""

    @cached_property
    def token_labels(self) -> tuple[tuple[int, ...], ...]:
        """Shape ``(K,)``: the labels that begin with each label token; more than one is a collision.

        None for a token that is kept for the numbers.
        """
        return tuple(
            tuple(
                sorted(
                    {
                        label
                        for sequence, label in zip(self.sequences, self.sequence_labels, strict=True)
                        if sequence[0] == token
                    }
                )
            )
            for token in self.token_ids
        )

    @cached_property
    def continuations(self) -> tuple[tuple[int, ...], ...]:
        """Shape ``(S,)``: for each sequence the places of the shortest ones that go on from it.

        What continues a continuation is already inside it.
        """
        place = {sequence: i for i, sequence in enumerate(self.sequences)}
        found: list[list[int]] = [[] for _ in self.sequences]
        for i, sequence in enumerate(self.sequences):
            begun = (sequence[:n] for n in range(len(sequence) - 1, 0, -1))
            shorter = next((place[prefix] for prefix in begun if prefix in place), None)
            if shorter is not None:
                found[shorter].append(i)
        return tuple(map(tuple, found))

    @cached_property
    def by_first_token(self) -> Mapping[int, tuple[tuple[int, ...], ...]]:
        """The sequences that begin with each token, the longest first."""
        found: dict[int, list[tuple[int, ...]]] = {}
        for sequence in sorted(self.sequences, key=len, reverse=True):
            found.setdefault(sequence[0], []).append(sequence)
        return {token: tuple(sequences) for token, sequences in found.items()}

    @cached_property
    def owned(self) -> NDArray[np.bool_]:
        """Shape ``(K, N)``: whether a token begins forms of this label and of no other."""
        owned = np.zeros((len(self.token_ids), 1 + max(self.sequence_labels, default=-1)), dtype=bool)
        for k, labels in enumerate(self.token_labels):
            if len(labels) == 1:
                owned[k, labels[0]] = True
        return owned


@dataclass(frozen=True)
class Request:
    """One rendered prompt on one clip.

    Args:
        samples: shape ``(n_samples,)``, 16 kHz mono float32; None asks without any audio (the model sees
            the text of the prompt only).
        prompt: what is asked.
        label_tokens: the tokens whose logits are kept.
        name: what to call the clip in an error.
        n_draws: how many answers to sample besides the greedy one.
        temperature: of the sampled answers, above 0.
        seed: of the sampled answers; the same request draws the same answers.
        lens: whether to read the label-token logits at every decoder layer too.
        score: whether the log-probabilities of whole labels are wanted, too.
    """

    samples: FloatArray | None
    prompt: RenderedPrompt
    label_tokens: LabelTokens
    name: str = "clip"
    n_draws: int = 0
    temperature: float = 1.0
    seed: int = 0
    lens: bool = False
    score: bool = False


@dataclass(frozen=True)
class Reply:
    """What the model said, and the logits underneath: T generated steps, K label tokens, S label sequences, L
    decoder layers.
    """

    text: str
    """The generated answer without special tokens."""
    token_ids: tuple[int, ...]
    """Shape ``(T,)``: the generated tokens, the end token included if it came."""
    token_logits: Annotated[FloatArray, ("T", "K")] = field(compare=False)
    """Raw logits of the label tokens at every step."""
    logsumexp: Annotated[FloatArray, ("T",)] = field(compare=False)
    """Over the whole vocabulary: ``token_logits - logsumexp[:, None]`` are log-probabilities in nats."""
    finish: Literal["stop", "length"]
    """``stop`` where the model ended its answer, ``length`` where it was cut off."""
    audio_tokens: int
    """How many positions of the prompt stood for the audio (more than 0: it was heard)."""
    time_s: float
    """The request's share of the batch's wall time, in seconds."""
    draws: tuple[str, ...] = ()
    """Sampled answers; empty where none were asked for."""
    lens: Annotated[FloatArray, ("L", "T", "K")] | None = field(default=None, compare=False)
    """The logits that final norm and output layer make of the states after each decoder layer (the last
    layer's are `token_logits`); null where they were not asked for."""
    lens_logsumexp: Annotated[FloatArray, ("L", "T")] | None = field(default=None, compare=False)
    """Over the whole vocabulary, for `lens`."""
    sequence_logp: Annotated[NDArray[np.float64], ("S",)] | None = field(default=None, compare=False)
    """Log-probability of each label sequence after the prompt, in nats; null where it was not asked for, or,
    from an engine, where `SpeechModel.score` has to be asked for it."""
    bounded: Annotated[NDArray[np.bool_], ("T", "K")] | None = field(default=None, compare=False)
    """Where `token_logits` are upper bounds and not values, since the server listed other tokens only; null
    where all are values."""
    unlisted_logp: Annotated[FloatArray, ("T",)] | None = field(default=None, compare=False)
    """Log-probability of all tokens together that the server did not list, in nats; null as for `bounded`."""
    sequence_bounded: Annotated[NDArray[np.bool_], ("S",)] | None = field(default=None, compare=False)
    """Where `sequence_logp` are upper bounds; null where all are values."""
    left_out: tuple[str, ...] = ()
    """Tokens of control that the server listed though no answer can hold them (null bytes, markers), as text;
    `token_logits` are of the vocabulary without them."""
    says: Literal["answer", "transcript"] = "answer"
    """What `text` is: an ``answer`` to the prompt, or a ``transcript`` of the clip by a model that reads no
    prompt."""


class PartlyAnsweredError(AmbivoxError):
    """Some requests of a batch failed; the others were answered, and need not be asked again.

    Args:
        answers: for each request its reply, or the error of it.
    """

    def __init__(self, answers: Sequence[Reply | AmbivoxError]) -> None:
        super().__init__(str(next(answer for answer in answers if isinstance(answer, AmbivoxError))))
        self.answers = tuple(answers)


class SpeechModel(Protocol):
    """Answers requests. Every engine is one class with these members, and nothing else is asked of it.

    `generate` and `score` keep the order of the requests, batch inside, and give the same answer to a request
    whether it comes alone or among others (to 1e-4 in probability).

    An engine that takes some answer formats only may name them in an attribute `formats`, see `takes`. One
    whose fingerprint cannot hold the weights, since a server does not show them, sets
    `fingerprint_holds_weights` to False.
    """

    @property
    def name(self) -> str:
        """How the user named the model."""
        ...

    @property
    def fingerprint(self) -> str:
        """A hash that changes when weights, tokenizer, template or precision change; part of every key."""
        ...

    @property
    def max_audio_s(self) -> float | None:
        """The longest clip that is heard whole, in seconds; None where there is no limit."""
        ...

    def label_tokens(self, answers: Sequence[Sequence[str]], *, numbers: bool = False) -> LabelTokens:
        """The label tokens, for the written forms of each label (``RenderedPrompt.answers``).

        With ``numbers`` also those that write numbers, for readouts of the numbers that were nearly printed.
        """
        ...

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer greedily, at most ``request.prompt.max_new_tokens`` tokens each.

        Raises:
            PartlyAnsweredError: some failed, and asking the others again would cost something.
        """
        ...

    def score(self, requests: Sequence[Request]) -> list[NDArray[np.float64]]:
        """For each request, shape ``(S,)``: log p(label sequence | clip, prompt) in nats."""
        ...


def takes(model: SpeechModel, answers: AnswerFormat) -> bool:
    """Whether a model can be asked for answers in a format: in any, unless its engine names some."""
    return answers in getattr(model, "formats", get_args(AnswerFormat))


def check_taken(model: SpeechModel, prompts: Iterable[Prompt | RenderedPrompt]) -> None:
    """Refuse prompts whose answers are in a format that the model does not take.

    Raises:
        UsageError: there is such a prompt; the built-in ones that may take its place are named.
    """
    for prompt in prompts:
        if not takes(model, prompt.format):
            instead = ", ".join(name for name in PROMPTS if takes(model, PROMPTS[name].format))
            raise UsageError(
                f"{model.name} does not take answers in the format {prompt.format!r}, so prompt "
                f"{prompt.name!r} cannot be put to it: ask with {instead} or a prompt of its format"
            )
