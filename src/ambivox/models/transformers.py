"""The default engine: any audio-text chat model that transformers loads, by one generic adapter."""

from __future__ import annotations

import inspect
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray
from torch import Tensor

from ambivox.audio import SAMPLE_RATE_HZ
from ambivox.errors import AudioError, UsageError
from ambivox.models.chat_input import ChatInput, Inputs, batch_key, collate, with_answer
from ambivox.models.checkpoint import load_checkpoint, quiet
from ambivox.models.protocol import FloatArray, Reply, Request, Watch
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


@dataclass(frozen=True)
class _Row:
    inputs: Inputs
    token_ids: tuple[int, ...]
    max_new_tokens: int


@dataclass(frozen=True)
class _Answer:
    token_ids: tuple[int, ...]
    watched: FloatArray
    logsumexp: FloatArray
    ended: bool
    time_s: float


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
        # VibeVoice adds noise to what it heard unless told not to; answers must not change from run to run
        takes = inspect.signature(model.forward).parameters
        self._fixed: dict[str, Any] = {"sample": False} if "sample" in takes else {}
        # Generation settings of the checkpoint (sampling, penalties, suppressed tokens) would fill what ours
        # leave open, and change the logits before they are read.
        model.generation_config = self._decoding

    @cached_property
    def max_audio_s(self) -> float | None:
        """The longest clip that is heard whole, in seconds; None where two minutes meet no limit."""
        with quiet():
            return self.chat.longest_heard_s()

    def watch(self, answers: Sequence[Sequence[str]]) -> Watch:
        """The tokens to watch, for the written forms of each label."""
        return make_watch(answers, self._tokenise, self._piece)

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer greedily, at most ``request.prompt.max_new_tokens`` tokens each.

        Raises:
            AudioError: a clip is longer than `max_audio_s`, or too short.
            AmbivoxError: a clip did not reach the model.
        """
        replies: list[Reply] = []
        for window in self._windows(requests):
            begun = time.perf_counter()
            rows = [_Row(self._inputs(r), r.watch.token_ids, r.prompt.max_new_tokens) for r in window]
            preparing_s = (time.perf_counter() - begun) / len(window)
            for row, answer in zip(rows, self._answer(rows), strict=True):
                said = answer.token_ids[:-1] if answer.ended else answer.token_ids
                replies.append(
                    Reply(
                        text=self.chat.tokenizer.decode(list(said), skip_special_tokens=True) if said else "",
                        token_ids=answer.token_ids,
                        watched=answer.watched,
                        logsumexp=answer.logsumexp,
                        finish="stop" if answer.ended else "length",
                        audio_tokens=self.chat.count_audio_tokens(row.inputs),
                        time_s=preparing_s + answer.time_s,
                    )
                )
        return replies

    def score(self, requests: Sequence[Request]) -> list[NDArray[np.float64]]:
        """For each request, shape ``(S,)``: log p(watched sequence | clip, prompt) in nats."""
        scores: list[NDArray[np.float64]] = []
        for window in self._windows(requests):
            rows: list[_Row] = []
            places: dict[tuple[int, Tokens], int] = {}
            for i, request in enumerate(window):
                inputs, used = self._inputs(request), _used(request.watch)
                for prefix in dict.fromkeys(s[:n] for s in request.watch.sequences for n in range(len(s))):
                    places[i, prefix] = len(rows)
                    rows.append(_Row(with_answer(inputs, prefix), used, 1))
            answers = self._answer(rows)
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
        if request.samples is None or request.n_draws or request.lens:
            raise UsageError("the transformers engine cannot yet ask without audio, sample, or read layers")
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

    def _answer(self, rows: Sequence[_Row]) -> list[_Answer]:
        groups: dict[object, list[int]] = {}
        for i, row in enumerate(rows):
            groups.setdefault(batch_key(row.inputs), []).append(i)
        answers: dict[int, _Answer] = {}
        for members in groups.values():
            # rows of like length together, the longest first: little padding, and the peak of memory early
            members.sort(key=lambda i: -rows[i].inputs["input_ids"].shape[1])
            for start in range(0, len(members), self.batch_size):
                batch = members[start : start + self.batch_size]
                answers.update(zip(batch, self._answer_batch([rows[i] for i in batch]), strict=True))
        return [answers[i] for i in range(len(rows))]

    def _answer_batch(self, rows: Sequence[_Row]) -> list[_Answer]:
        begun = time.perf_counter()
        inputs = collate([row.inputs for row in rows], self._decoding.pad_token_id)
        prompt_length = inputs["input_ids"].shape[1]
        tap = _Tap([row.token_ids for row in rows], self.model.device)
        with quiet(), torch.inference_mode():
            sequences = self.model.generate(
                **{key: self._place(value) for key, value in inputs.items()},
                **self._fixed,
                generation_config=self._decoding,
                max_new_tokens=max(row.max_new_tokens for row in rows),
                logits_processor=transformers.LogitsProcessorList([tap]),
            )
        generated = sequences[:, prompt_length:].tolist()
        watched, logsumexp = tap.read()
        time_s = (time.perf_counter() - begun) / len(rows)
        answers = []
        for b, row in enumerate(rows):
            tokens = generated[b][: row.max_new_tokens]
            ends = [t for t, token in enumerate(tokens) if token in self._decoding.eos_token_id]
            steps = ends[0] + 1 if ends else len(tokens)
            answers.append(
                _Answer(
                    token_ids=tuple(tokens[:steps]),
                    watched=watched[:steps, b, : len(row.token_ids)],
                    logsumexp=logsumexp[:steps, b],
                    ended=bool(ends),
                    time_s=time_s,
                )
            )
        return answers

    def _place(self, value: Tensor) -> Tensor:
        return value.to(self.model.device, self.model.dtype if value.is_floating_point() else None)

    def _tokenise(self, text: str) -> list[int]:
        return [int(token) for token in self.chat.tokenizer.encode(text, add_special_tokens=False)]

    def _piece(self, token: int) -> str:
        text = str(self.chat.tokenizer.decode([token]))
        # sentencepiece decodes the first word of a text without the space before it
        raw = self.chat.tokenizer.convert_ids_to_tokens(token)
        return f" {text}" if str(raw).startswith("▁") and not text.startswith(" ") else text


class _Tap(transformers.LogitsProcessor):  # type: ignore[misc]
    """Keeps, at every step, each row's watched raw logits and its log-sum-exp; changes nothing."""

    def __init__(self, token_ids: Sequence[tuple[int, ...]], device: torch.device) -> None:
        width = max(len(ids) for ids in token_ids)
        padded = [[*ids, *[0] * (width - len(ids))] for ids in token_ids]
        self.token_ids = torch.tensor(padded, dtype=torch.long, device=device)
        self.watched: list[Tensor] = []
        self.logsumexp: list[Tensor] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        logits = scores.float()
        ids = self.token_ids.to(logits.device)
        self.watched.append(logits.gather(1, ids))
        self.logsumexp.append(logits.logsumexp(dim=1))
        return scores

    def read(self) -> tuple[FloatArray, FloatArray]:
        """Watched logits ``(steps, B, K)`` and log-sum-exp ``(steps, B)``."""
        return torch.stack(self.watched).cpu().numpy(), torch.stack(self.logsumexp).cpu().numpy()


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
