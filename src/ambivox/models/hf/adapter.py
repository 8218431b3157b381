"""The default engine: any audio-text chat model that transformers loads, by one generic adapter."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import transformers
from numpy.typing import NDArray

from ambivox.audio import SAMPLE_RATE_HZ
from ambivox.errors import UsageError
from ambivox.models.hf.chat_input import ChatInput, Inputs
from ambivox.models.hf.checkpoint import quiet
from ambivox.models.hf.job import Answer, Job, Outcome
from ambivox.models.hf.load import BATCH_SIZE, BATCH_TOKENS
from ambivox.models.hf.memory import Budget
from ambivox.models.hf.prefix_sharing import PrefixSharing
from ambivox.models.hf.reference import ReferencePath
from ambivox.models.label_tokens import find_label_tokens
from ambivox.models.limits import check_positions, too_long
from ambivox.models.protocol import FloatArray, LabelTokens, Reply, Request
from ambivox.models.sampling import samplers

WINDOW = 256
"""Requests are prepared this many at a time: rows that fit together are found, and memory is bounded."""

WINDOW_CLIPS = 64
"""And this many clips, whose features in a full window take a megabyte or two each."""

REFERENCE_ROWS = 8
"""Answers at a time on the reference path, where each of them encodes its audio again."""


class TransformersModel:
    """A `SpeechModel` on a loaded model and its processor; see `load_transformers`."""

    def __init__(
        self,
        model: Any,
        processor: Any,
        *,
        name: str,
        fingerprint: str,
        batch_size: int = BATCH_SIZE,
        batch_tokens: int = BATCH_TOKENS,
        share: bool = True,
    ) -> None:
        for option, value in (("batch_size", batch_size), ("batch_tokens", batch_tokens)):
            if value < 1:
                raise UsageError(f"{option} {value}: at least 1 is needed")
        if model.config.is_encoder_decoder or not model.can_generate():
            raise UsageError(f"{name}: {type(model).__name__} is no chat model, so it cannot be asked")
        self.model = model
        self.name = name
        self.fingerprint = fingerprint
        self.batch_size = batch_size
        self.chat = ChatInput(processor, model.config, name)
        decoding = _greedy(model, self.chat.tokenizer, self.chat.audio_token)
        self.reference = ReferencePath(
            model, decoding, name, Budget(min(batch_size, REFERENCE_ROWS), batch_tokens)
        )
        self.sharing = PrefixSharing(
            self.reference, self.chat.audio_token, Budget(batch_size, batch_tokens), share
        )
        # Generation settings of the checkpoint (sampling, penalties, suppressed tokens) would fill what ours
        # leave open, and change the logits before they are read.
        model.generation_config = decoding

    @cached_property
    def max_audio_s(self) -> float | None:
        """The longest clip that is heard whole, in seconds; None where two minutes meet no limit."""
        with quiet():
            return self.chat.longest_heard_s()

    def label_tokens(self, answers: Sequence[Sequence[str]], *, numbers: bool = False) -> LabelTokens:
        """The label tokens, for the written forms of each label, and for numbers if asked."""
        return find_label_tokens(answers, self.chat.tokenise, self._piece, numbers=numbers)

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer greedily, at most ``request.prompt.max_new_tokens`` tokens each.

        Raises:
            AudioError: a clip is longer than `max_audio_s`, or too short.
            AmbivoxError: a clip did not reach the model.
        """
        replies: list[Reply] = []
        for window in self._windows(requests):
            begun = time.perf_counter()
            jobs = self.jobs(window)
            preparing_s = (time.perf_counter() - begun) / len(window)
            for job, outcome in zip(jobs, self.sharing.run(jobs), strict=True):
                replies.append(self._reply(job, outcome, preparing_s))
        return replies

    def score(self, requests: Sequence[Request]) -> list[NDArray[np.float64]]:
        """For each request, shape ``(S,)``: log p(label sequence | clip, prompt) in nats."""
        scores: list[NDArray[np.float64]] = []
        for window in self._windows(requests):
            jobs = [
                replace(job, sequences=request.label_tokens.sequences)
                for job, request in zip(self._jobs(window), window, strict=True)
            ]
            for outcome in self.sharing.run(jobs):
                assert outcome.sequence_logp is not None
                scores.append(outcome.sequence_logp)
        return scores

    def jobs(self, requests: Sequence[Request]) -> list[Job]:
        """The requests as jobs that answer all they ask for."""
        return [
            replace(
                job,
                samplers=(None, *samplers(request)),
                sequences=request.label_tokens.sequences if request.score else (),
                lens=request.lens,
            )
            for job, request in zip(self._jobs(requests), requests, strict=True)
        ]

    def forget(self) -> None:
        """Drop the clips that were encoded and kept."""
        self.sharing.forget()

    @property
    def audio_tower(self) -> Any:
        """The audio encoder where it is of Whisper's kind, else None."""
        return self.sharing.audio_tower

    def _reply(self, job: Job, outcome: Outcome, preparing_s: float) -> Reply:
        answer, *draws = outcome.answers
        lens, lens_logsumexp = outcome.layers or (None, None)
        return Reply(
            text=self._text(answer),
            token_ids=answer.token_ids,
            token_logits=answer.token_logits,
            logsumexp=answer.logsumexp,
            finish="stop" if answer.ended else "length",
            audio_tokens=self.chat.count_audio_tokens(job.inputs),
            time_s=preparing_s + outcome.time_s,
            draws=tuple(self._text(draw) for draw in draws),
            lens=lens,
            lens_logsumexp=lens_logsumexp,
            sequence_logp=outcome.sequence_logp,
        )

    def _text(self, answer: Answer) -> str:
        said = answer.token_ids[:-1] if answer.ended else answer.token_ids
        return self.chat.tokenizer.decode(list(said), skip_special_tokens=True) if said else ""

    def _windows(self, requests: Sequence[Request]) -> Iterator[Sequence[Request]]:
        """Cut the requests, but not between those on one clip that stand together."""
        start = 0
        while start < len(requests):
            end, clips = start, 0
            while end < len(requests) and end - start < WINDOW and clips < WINDOW_CLIPS:
                clips += end == start or requests[end].samples is not requests[end - 1].samples
                end += 1
            while end < len(requests) and requests[end].samples is requests[end - 1].samples:
                end += 1
            yield requests[start:end]
            start = end

    def _jobs(self, window: Sequence[Request]) -> list[Job]:
        """One job per request, with nothing to answer or score yet; each clip is processed once."""
        clips: dict[bytes, list[int]] = {}
        for n, request in enumerate(window):
            clips.setdefault(_digest(request.samples), []).append(n)
        jobs: dict[int, Job] = {}
        positions = getattr(self.model.config.get_text_config(), "max_position_embeddings", None)
        with quiet():
            for clip, members in clips.items():
                texts = [window[n].prompt.text for n in members]
                for n, inputs in zip(members, self._inputs(window[members[0]], texts), strict=True):
                    tokens = window[n].label_tokens.token_ids
                    check_positions(window[n], inputs["input_ids"].shape[1], positions)
                    jobs[n] = Job(clip, inputs, tokens, window[n].prompt.max_new_tokens, ())
        return [jobs[n] for n in range(len(window))]

    def _inputs(self, request: Request, texts: Sequence[str]) -> list[Inputs]:
        if request.samples is None:
            return [self.chat.without_audio(text) for text in texts]
        inputs = self.chat.on_clip(request.samples, texts, request.name)
        seconds = len(request.samples) / SAMPLE_RATE_HZ
        if self.chat.hears_whole(seconds):
            return inputs
        raise too_long(request.name, len(request.samples), self.max_audio_s)

    def _piece(self, token: int) -> str:
        text = str(self.chat.tokenizer.decode([token]))
        # sentencepiece decodes the first word of a text without the space before it
        raw = self.chat.tokenizer.convert_ids_to_tokens(token)
        return f" {text}" if str(raw).startswith("▁") and not text.startswith(" ") else text


def _digest(samples: FloatArray | None) -> bytes:
    return b"" if samples is None else hashlib.sha256(samples.tobytes()).digest()


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
