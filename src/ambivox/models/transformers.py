"""The default engine: any audio-text chat model that transformers loads, by one generic adapter."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from ambivox.audio import SAMPLE_RATE_HZ
from ambivox.errors import AudioError, UsageError
from ambivox.models.chat_input import ChatInput, Inputs, with_answer
from ambivox.models.checkpoint import load_checkpoint, quiet
from ambivox.models.lens import Lens
from ambivox.models.plain import Answer, PlainPath, Row
from ambivox.models.protocol import FloatArray, Reply, Request, Watch
from ambivox.models.sampling import samplers
from ambivox.models.watch import Tokens, make_watch, score_by_trie

WINDOW_BATCHES = 8
"""Requests are prepared this many batches at a time: rows that fit together are found, memory is bounded."""


def load_transformers(
    name_or_path: str,
    *,
    device: str | None = None,
    dtype: str | None = None,
    batch_size: int = 8,
    trust_remote_code: bool = False,
    revision: str | None = None,
) -> TransformersModel:
    """Load a speech model from a folder or the hub.

    Args:
        name_or_path: a folder, or a hub name such as ``Qwen/Qwen2-Audio-7B-Instruct``.
        device: ``cpu``, ``cuda``, ``cuda:1``, ``mps`` or ``auto`` (spread over several accelerators); None
            takes the accelerator if there is one.
        dtype: for example ``float32`` or ``bfloat16``; None takes float32 on a CPU, else the checkpoint's.
        batch_size: rows per forward pass, at least 1.
        trust_remote_code: run model code that comes with the checkpoint.
        revision: branch, tag or commit on the hub.

    Raises:
        UsageError: an unknown name, an option out of range, or a model without a chat template.
        AmbivoxError: the checkpoint cannot be loaded whole.
    """
    checkpoint = load_checkpoint(
        name_or_path, device=device, dtype=dtype, trust_remote_code=trust_remote_code, revision=revision
    )
    return TransformersModel(
        checkpoint.model,
        checkpoint.processor,
        name=name_or_path,
        fingerprint=checkpoint.fingerprint,
        batch_size=batch_size,
    )


class TransformersModel:
    """A `SpeechModel` on a loaded model and its processor; see `load_transformers`."""

    def __init__(
        self, model: Any, processor: Any, *, name: str, fingerprint: str, batch_size: int = 8
    ) -> None:
        if batch_size < 1:
            raise UsageError(f"batch_size {batch_size}: at least 1 is needed")
        if model.config.is_encoder_decoder or not model.can_generate():
            raise UsageError(f"{name}: {type(model).__name__} is no chat model, so it cannot be asked")
        self.model = model
        self.name = name
        self.fingerprint = fingerprint
        self.batch_size = batch_size
        self.chat = ChatInput(processor, model.config, name)
        self._decoding = _greedy(model, self.chat.tokenizer, self.chat.audio_token)
        self._plain = PlainPath(model, self._decoding, batch_size)
        # Generation settings of the checkpoint (sampling, penalties, suppressed tokens) would fill what ours
        # leave open, and change the logits before they are read.
        model.generation_config = self._decoding

    @cached_property
    def max_audio_s(self) -> float | None:
        """The longest clip that is heard whole, in seconds; None where two minutes meet no limit."""
        with quiet():
            return self.chat.longest_heard_s()

    def watch(self, answers: Sequence[Sequence[str]], *, numbers: bool = False) -> Watch:
        """The tokens to watch, for the written forms of each label, and for numbers if asked."""
        return make_watch(answers, self._tokenise, self._piece, numbers=numbers)

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer greedily, at most ``request.prompt.max_new_tokens`` tokens each.

        Raises:
            AudioError: a clip is longer than `max_audio_s`, or too short.
            AmbivoxError: a clip did not reach the model.
        """
        replies: list[Reply] = []
        for window in self._windows(requests):
            begun = time.perf_counter()
            inputs = [self._inputs(request) for request in window]
            preparing_s = (time.perf_counter() - begun) / len(window)
            rows: list[Row] = []
            for request, given in zip(window, inputs, strict=True):
                for sampler in (None, *samplers(request)):
                    rows.append(Row(given, request.watch.token_ids, request.prompt.max_new_tokens, sampler))
            answers = iter(self._plain.answer(rows))
            for request, given in zip(window, inputs, strict=True):
                answer, *draws = itertools.islice(answers, 1 + request.n_draws)
                replies.append(self._reply(request, given, answer, draws, preparing_s))
        return replies

    def _reply(
        self, request: Request, inputs: Inputs, answer: Answer, draws: Sequence[Answer], preparing_s: float
    ) -> Reply:
        lens, lens_logsumexp = self._read_layers(request, inputs, answer) if request.lens else (None, None)
        return Reply(
            text=self._text(answer),
            token_ids=answer.token_ids,
            watched=answer.watched,
            logsumexp=answer.logsumexp,
            finish="stop" if answer.ended else "length",
            audio_tokens=self.chat.count_audio_tokens(inputs),
            time_s=preparing_s + answer.time_s + sum(draw.time_s for draw in draws),
            draws=tuple(self._text(draw) for draw in draws),
            lens=lens,
            lens_logsumexp=lens_logsumexp,
        )

    def _text(self, answer: Answer) -> str:
        said = answer.token_ids[:-1] if answer.ended else answer.token_ids
        return self.chat.tokenizer.decode(list(said), skip_special_tokens=True) if said else ""

    def _read_layers(self, request: Request, inputs: Inputs, answer: Answer) -> tuple[FloatArray, FloatArray]:
        lens = Lens(self.model, self.name)
        answered = with_answer(inputs, answer.token_ids[:-1])
        with quiet(), torch.inference_mode(), lens.watching() as states:
            self.model(**{k: self._plain.place(v) for k, v in answered.items()}, **self._plain.fixed)
        return lens.read(states, request.watch.token_ids, answer.watched, answer.logsumexp)

    def score(self, requests: Sequence[Request]) -> list[NDArray[np.float64]]:
        """For each request, shape ``(S,)``: log p(watched sequence | clip, prompt) in nats."""
        scores: list[NDArray[np.float64]] = []
        for window in self._windows(requests):
            rows: list[Row] = []
            places: dict[tuple[int, Tokens], int] = {}
            for i, request in enumerate(window):
                inputs, used = self._inputs(request), _used(request.watch)
                for prefix in dict.fromkeys(s[:n] for s in request.watch.sequences for n in range(len(s))):
                    places[i, prefix] = len(rows)
                    rows.append(Row(with_answer(inputs, prefix), used, 1))
            answers = self._plain.answer(rows)
            for i, request in enumerate(window):
                logp = {
                    prefix: answers[n].watched[0].astype(np.float64) - answers[n].logsumexp[0]
                    for (owner, prefix), n in places.items()
                    if owner == i
                }
                scores.append(_score(request.watch, logp))
        return scores

    def _windows(self, requests: Sequence[Request]) -> list[Sequence[Request]]:
        size = WINDOW_BATCHES * self.batch_size
        return [requests[i : i + size] for i in range(0, len(requests), size)]

    def _inputs(self, request: Request) -> Inputs:
        if request.samples is None:
            with quiet():
                return self.chat.without_audio(request.prompt.text)
        seconds = len(request.samples) / SAMPLE_RATE_HZ
        with quiet():
            inputs = self.chat(request.samples, request.prompt.text, request.name)
            if self.chat.hears_whole(seconds):
                return inputs
        limit = f"at most {self.max_audio_s:g} s" if self.max_audio_s else "less than that"
        raise AudioError(
            f"{request.name}: {seconds:.1f} s of audio, the model hears {limit}: "
            "give --start and --end, or start and end in the manifest"
        )

    def _tokenise(self, text: str) -> list[int]:
        return [int(token) for token in self.chat.tokenizer.encode(text, add_special_tokens=False)]

    def _piece(self, token: int) -> str:
        text = str(self.chat.tokenizer.decode([token]))
        # sentencepiece decodes the first word of a text without the space before it
        raw = self.chat.tokenizer.convert_ids_to_tokens(token)
        return f" {text}" if str(raw).startswith("▁") and not text.startswith(" ") else text


def _score(watch: Watch, logp: Mapping[Tokens, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Walk the trie on the positions of its own tokens: a row holds those, not the whole vocabulary."""
    used = _used(watch)

    def next_logp(prefixes: Sequence[Tokens]) -> NDArray[np.float64]:
        return np.stack([logp[tuple(used[n] for n in prefix)] for prefix in prefixes])

    return score_by_trie([tuple(used.index(token) for token in s) for s in watch.sequences], next_logp)


def _used(watch: Watch) -> Tokens:
    return tuple(sorted({token for sequence in watch.sequences for token in sequence}))


def _greedy(model: Any, tokenizer: Any, audio_token: int) -> Any:
    """Plain greedy decoding; of the checkpoint's own settings only the special tokens are kept."""
    given = model.generation_config
    text_config = model.config.get_text_config()
    end = given.eos_token_id
    for fallback in (getattr(text_config, "eos_token_id", None), getattr(tokenizer, "eos_token_id", None)):
        end = fallback if end is None else end
    if end is None:
        raise UsageError("the model names no token that ends an answer (eos_token_id)")
    ends = [int(token) for token in (end if isinstance(end, (list, tuple)) else [end])]
    pad = given.pad_token_id
    pad = getattr(tokenizer, "pad_token_id", None) if pad is None else pad
    return transformers.GenerationConfig(
        do_sample=False,
        num_beams=1,
        bos_token_id=given.bos_token_id,
        eos_token_id=ends,
        # GLM-ASR calls its audio placeholder <|pad|>: padding with it would announce audio that is not there
        pad_token_id=ends[0] if pad in (None, audio_token) else pad,
    )
