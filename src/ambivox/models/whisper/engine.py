"""A `SpeechModel` on Whisper: what is likely to have been said stands for what is felt."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ambivox.audio import SAMPLE_RATE_HZ
from ambivox.errors import AmbivoxError, UsageError
from ambivox.models.hf.checkpoint import quiet
from ambivox.models.hf.memory import Budget
from ambivox.models.label_tokens import Tokens, find_label_tokens
from ambivox.models.limits import too_long
from ambivox.models.protocol import FloatArray, LabelTokens, Reply, Request, check_taken
from ambivox.models.whisper.decoder import Transcript, score_sequences, transcribe
from ambivox.models.whisper.load import BATCH_SIZE
from ambivox.prompts import AnswerFormat

MULTILINGUAL_VOCABULARY = 51_865
"""The English models have fewer entries; used where a checkpoint does not say which it is."""


@dataclass(frozen=True)
class _Asked:
    """All requests on one clip of a batch."""

    samples: FloatArray
    places: list[int]
    requests: list[Request]

    @property
    def watched(self) -> Tokens:
        """The label tokens of all requests."""
        return tuple(dict.fromkeys(token for r in self.requests for token in r.label_tokens.token_ids))

    @property
    def scored(self) -> tuple[Tokens, ...]:
        """The sequences of all requests that want them scored."""
        return tuple(dict.fromkeys(s for r in self.requests if r.score for s in r.label_tokens.sequences))

    @property
    def max_new_tokens(self) -> int:
        return max(request.prompt.max_new_tokens for request in self.requests)


class Whisper:
    """A `SpeechModel` on ``WhisperForConditionalGeneration``; see `load_whisper`.

    It takes prompts of the format ``sentence`` and reads nothing of them but the answers to choose from: the
    log-probability of such a sentence is that of its tokens after the start of a transcript without times,
    the end token included. The text of a reply is the transcript.
    """

    formats: tuple[AnswerFormat, ...] = ("sentence",)

    def __init__(
        self, model: Any, processor: Any, *, name: str, fingerprint: str, batch_size: int = BATCH_SIZE
    ) -> None:
        if model.config.model_type != "whisper":
            raise UsageError(f"{name}: {type(model).__name__} is not a Whisper model: leave 'whisper:' out")
        self.model = model
        self.name = name
        self.fingerprint = fingerprint
        self.tokenizer = processor.tokenizer
        self.features = processor.feature_extractor
        self.start = _start(model, self.tokenizer, name)
        self.end = _end(model, name)
        self.control_tokens = {
            token for token, added in self.tokenizer.added_tokens_decoder.items() if added.special
        }
        self.budget = Budget(batch_size, 1)

    @property
    def max_audio_s(self) -> float:
        """The longest clip that is heard whole, in seconds."""
        return float(self.features.n_samples / self.features.sampling_rate)

    def label_tokens(self, answers: Sequence[Sequence[str]], *, numbers: bool = False) -> LabelTokens:
        """The tokens of each sentence as it is written, with the end token; there are no others."""
        return find_label_tokens(answers, self._tokenise, self._piece, spellings=lambda form: (form,))

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        """The transcript of each clip, and with it the scores of label sentences where they are asked for.

        Raises:
            AudioError: a clip is longer than `max_audio_s`.
            AmbivoxError: a request without audio or of another format, or one that asks for layers.
        """
        replies: dict[int, Reply] = {}
        left = self._by_clip(requests)
        with quiet(), torch.inference_mode():
            while left:
                batch = left[: self.budget.rows]
                with self.budget.halved_on_overflow():
                    replies |= self._answer(batch)
                    left = left[len(batch) :]
        return [replies[n] for n in range(len(requests))]

    def score(self, requests: Sequence[Request]) -> list[NDArray[np.float64]]:
        """For each request, shape ``(S,)``: log p(label sentence | clip) in nats."""
        replies = self.generate([replace(request, score=True) for request in requests])
        return [reply.sequence_logp for reply in replies if reply.sequence_logp is not None]

    def _by_clip(self, requests: Sequence[Request]) -> list[_Asked]:
        found: dict[bytes, _Asked] = {}
        for place, request in enumerate(requests):
            samples = self._heard(request)
            # The window is filled up with zeros, so those at the end of a clip change nothing: silence of any
            # length is one clip.
            sound = np.trim_zeros(samples, "b").tobytes()
            asked = found.setdefault(sound, _Asked(samples, [], []))
            asked.places.append(place)
            asked.requests.append(request)
        return list(found.values())

    def _heard(self, request: Request) -> FloatArray:
        check_taken(self, [request.prompt])
        if request.samples is None:
            raise AmbivoxError(
                f"{self.name} writes down what it hears and cannot be asked without audio: leave out the "
                "controls 'no-audio' and 'transcript-only'"
            )
        if request.lens:
            raise AmbivoxError(f"{self.name}: its layers cannot be read: leave out the readout 'lens'")
        if len(request.samples) > self.features.n_samples:
            raise too_long(request.name, len(request.samples), self.max_audio_s)
        limit = self.model.config.max_target_positions - len(self.start)
        if max(map(len, request.label_tokens.sequences), default=0) > limit:
            raise UsageError(f"{request.prompt.name}: {self.name} takes sentences of {limit} tokens at most")
        return request.samples

    def _answer(self, batch: Sequence[_Asked]) -> dict[int, Reply]:
        begun = time.perf_counter()
        encoded = self._encode([asked.samples for asked in batch])
        limit = self.model.config.max_target_positions - len(self.start)
        longest = min(max(asked.max_new_tokens for asked in batch), limit)
        watched = [asked.watched for asked in batch]
        transcripts = transcribe(self.model, encoded, self.start, self.end, watched, longest)
        replies: dict[int, Reply] = {}
        for asked, states, transcript in zip(batch, encoded, transcripts, strict=True):
            logp = {}
            if asked.scored:
                scores = score_sequences(self.model, states, self.start, asked.scored)
                logp = dict(zip(asked.scored, scores.tolist(), strict=True))
            column = {token: k for k, token in enumerate(asked.watched)}
            for place, request in zip(asked.places, asked.requests, strict=True):
                columns = [column[token] for token in request.label_tokens.token_ids]
                replies[place] = self._reply(request, transcript, columns, logp)
        time_s = (time.perf_counter() - begun) / len(replies)
        return {place: replace(reply, time_s=time_s) for place, reply in replies.items()}

    def _encode(self, clips: Sequence[FloatArray]) -> Tensor:
        """Shape ``(B, P, d)``; each clip is filled up with silence to the window, which is heard too."""
        features = [
            self.features(samples, sampling_rate=SAMPLE_RATE_HZ, return_tensors="pt").input_features
            for samples in clips
        ]
        stacked = torch.cat(features).to(self.model.device, self.model.dtype)
        encoded: Tensor = self.model.model.encoder(stacked).last_hidden_state
        return encoded

    def _reply(
        self, request: Request, transcript: Transcript, columns: list[int], logp: dict[Tokens, float]
    ) -> Reply:
        assert request.samples is not None
        n = min(len(transcript.token_ids), request.prompt.max_new_tokens)
        ended = transcript.ended and n == len(transcript.token_ids)
        said = transcript.token_ids[: n - ended]
        per_position = 2 * self.features.hop_length  # the encoder's second convolution halves the frames
        sequence_logp = [logp[s] for s in request.label_tokens.sequences] if request.score else None
        return Reply(
            text=self.tokenizer.decode(list(said), skip_special_tokens=True).strip(),
            token_ids=transcript.token_ids[:n],
            token_logits=transcript.token_logits[:n, columns],
            logsumexp=transcript.logsumexp[:n],
            finish="stop" if ended else "length",
            audio_tokens=-(-len(request.samples) // per_position),
            time_s=0.0,
            sequence_logp=None if sequence_logp is None else np.array(sequence_logp, dtype=np.float64),
            says="transcript",
        )

    def _tokenise(self, sentence: str) -> Tokens:
        tokens = self.tokenizer(sentence, add_special_tokens=False).input_ids
        if not self.control_tokens.isdisjoint(tokens):
            raise UsageError(f"{sentence!r} holds a control token of {self.name}: write it otherwise")
        return (*tokens, self.end)

    def _piece(self, token: int) -> str:
        return str(self.tokenizer.decode([token]))


def _start(model: Any, tokenizer: Any, name: str) -> Tokens:
    """The tokens before the first word: no times, and of a multilingual model English, to be transcribed."""
    multilingual = getattr(model.generation_config, "is_multilingual", None)
    if multilingual is None:
        multilingual = model.config.vocab_size >= MULTILINGUAL_VOCABULARY
    language = ("<|en|>", "<|transcribe|>") if multilingual else ()
    written = ("<|startoftranscript|>", *language, "<|notimestamps|>")
    tokens = tokenizer.convert_tokens_to_ids(list(written))
    unknown = (None, tokenizer.unk_token_id)
    missing = [text for text, token in zip(written, tokens, strict=True) if token in unknown]
    if missing:
        raise UsageError(f"{name}: no transcript can be begun: its tokenizer has no {' or '.join(missing)}")
    return tuple(tokens)


def _end(model: Any, name: str) -> int:
    end = model.generation_config.eos_token_id
    end = model.config.eos_token_id if end is None else end
    ends = end if isinstance(end, list) else [end]
    if len(ends) != 1 or ends[0] is None:
        raise UsageError(f"{name}: one token has to end a transcript, its eos_token_id is {end}")
    return int(ends[0])
