"""A `SpeechModel` on the bundled checkpoint, in numpy."""

from __future__ import annotations

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ambivox.errors import AmbivoxError
from ambivox.models.bundled.chat import Chat
from ambivox.models.bundled.features import Features
from ambivox.models.bundled.network import Cache, Network
from ambivox.models.hf.checkpoint_files import WEIGHTS, fingerprint
from ambivox.models.label_tokens import Tokens, score_by_trie
from ambivox.models.limits import check_positions, too_long, too_short
from ambivox.models.protocol import FloatArray, LabelTokens, Reply, Request
from ambivox.models.sampling import Sampler, samplers

KEPT_CLIPS = 64
"""What was read up to the end of a clip is kept for so many clips, half a megabyte or two each."""


@dataclass(frozen=True)
class _Answer:
    """T tokens, label-token logits ``(T, K)``, log-sum-exp ``(T,)``."""

    tokens: list[int]
    logits: FloatArray
    logsumexp: FloatArray
    ended: bool


class Mini:
    """Answers requests one after the other; those on one clip read it once.

    Args:
        folder: of a Qwen2-Audio checkpoint.
        name: the model's.
    """

    def __init__(self, folder: Path, name: str) -> None:
        config = _json(folder / "config.json")
        self.name = name
        self.fingerprint = fingerprint(folder, "float32")
        self.features = Features.configured(_json(folder / "processor_config.json")["feature_extractor"])
        self.chat = Chat(folder, name)
        self.network = Network.load(folder / WEIGHTS, config)
        self.end: int = _json(folder / "generation_config.json")["eos_token_id"]
        self.positions: int = config["text_config"]["max_position_embeddings"]
        self._read: OrderedDict[bytes, Cache] = OrderedDict()

    @property
    def max_audio_s(self) -> float:
        """The longest clip that is heard whole, in seconds."""
        return self.features.n_samples / self.features.rate_hz

    def label_tokens(self, answers: Sequence[Sequence[str]], *, numbers: bool = False) -> LabelTokens:
        """The label tokens, for the written forms of each label, and for numbers if asked."""
        return self.chat.label_tokens(answers, numbers=numbers)

    def generate(self, requests: Sequence[Request]) -> list[Reply]:
        """Answer greedily, at most ``request.prompt.max_new_tokens`` tokens each.

        Raises:
            AudioError: a clip is longer than `max_audio_s`, or too short.
            AmbivoxError: a prompt with its answer has no room.
        """
        prompts = [self._prompt(request) for request in requests]
        return [self._reply(*each) for each in zip(requests, prompts, strict=True)]

    def score(self, requests: Sequence[Request]) -> list[NDArray[np.float64]]:
        """For each request, shape ``(S,)``: log p(label sequence | clip, prompt) in nats."""
        prompts = [self._prompt(request) for request in requests]
        return [
            self._score(request, *self._next(request, prompt))
            for request, prompt in zip(requests, prompts, strict=True)
        ]

    def _prompt(self, request: Request) -> Tokens:
        """The tokens of a prompt, if there is room for them and for the whole clip."""
        audio_tokens = 0
        if request.samples is not None:
            n_samples = len(request.samples)
            if round(n_samples / self.features.rate_hz, 3) > self.max_audio_s:
                raise too_long(request.name, n_samples, self.max_audio_s)
            audio_tokens = self._states(request.samples) // 2
            if not audio_tokens:
                raise too_short(request.name, n_samples, self.name)
        prompt = self.chat.prompt(request.prompt.text, audio_tokens)
        check_positions(request, len(prompt), self.positions)
        return prompt

    def _states(self, samples: FloatArray) -> int:
        """How many states of the encoder are of the clip: the second convolution halves the frames."""
        return (min(self.features.frames_of(samples), self.features.n_frames) + 1) // 2

    def _reply(self, request: Request, prompt: Tokens) -> Reply:
        begun = time.perf_counter()
        logits, cache = self._next(request, prompt)
        said, *draws = self._answers(request, logits, cache)
        lens = self._layers(request, prompt, said, cache) if request.lens else (None, None)
        return Reply(
            text=self.chat.text(said.tokens),
            token_ids=tuple(said.tokens),
            token_logits=said.logits,
            logsumexp=said.logsumexp,
            finish="stop" if said.ended else "length",
            audio_tokens=prompt.count(self.chat.audio_token),
            time_s=time.perf_counter() - begun,
            draws=tuple(self.chat.text(draw.tokens) for draw in draws),
            lens=lens[0],
            lens_logsumexp=lens[1],
            sequence_logp=self._score(request, logits, cache) if request.score else None,
        )

    def _next(self, request: Request, prompt: Tokens) -> tuple[FloatArray, Cache]:
        """Read a prompt: logits of the answer's first token, shape ``(V,)``, and what was read."""
        heard = Cache() if request.samples is None else self._heard(request.samples, prompt)
        states, cache = self.network.decode(self.network.embed([prompt[len(heard) :]]), heard)
        return self.network.logits(states[-1][0, -1]), cache

    def _heard(self, samples: FloatArray, prompt: Tokens) -> Cache:
        """What every prompt on a clip begins with, read up to the last position of the audio."""
        clip = hashlib.sha256(samples.tobytes()).digest()
        if clip in self._read:
            self._read.move_to_end(clip)
            return self._read[clip]
        states = self._states(samples)
        # the last state of the clip reaches one frame over it
        frames = self.features.log_mel(samples[: self.features.n_samples], 2 * states + 1)
        is_audio = np.array(prompt) == self.chat.audio_token
        end = int(is_audio.nonzero()[0][-1]) + 1
        beginning = self.network.embed(prompt[:end])
        beginning[is_audio[:end]] = self.network.encode(frames, states)
        _, self._read[clip] = self.network.decode(beginning[None], Cache())
        if len(self._read) > KEPT_CLIPS:
            self._read.popitem(last=False)
        return self._read[clip]

    def _answers(self, request: Request, logits: FloatArray, cache: Cache) -> list[_Answer]:
        """The greedy answer and the sampled ones, token by token in one batch; those that ended leave it."""
        chosen: list[Sampler | None] = [None, *samplers(request)]
        ids = list(request.label_tokens.token_ids)
        steps: list[list[tuple[int, FloatArray, float]]] = [[] for _ in chosen]
        rows, cache = list(range(len(chosen))), cache.rows([0] * len(chosen))
        logits = np.broadcast_to(logits, (len(chosen), len(logits)))
        while True:
            heaps = _logsumexp(logits)
            for row, own, heap in zip(rows, logits, heaps, strict=True):
                sampler, step = chosen[row], len(steps[row])
                token = int(own.argmax()) if sampler is None else sampler.choose(own, step)
                steps[row].append((token, own[ids], heap))
            on = [
                n
                for n, row in enumerate(rows)
                if steps[row][-1][0] != self.end and len(steps[row]) < request.prompt.max_new_tokens
            ]
            if not on:
                return [self._answer(each) for each in steps]
            if len(on) < len(rows):
                rows, cache = [rows[n] for n in on], cache.rows(on)
            last = [[steps[row][-1][0]] for row in rows]
            states, cache = self.network.decode(self.network.embed(last), cache)
            logits = self.network.logits(states[-1][:, 0])

    def _answer(self, steps: Sequence[tuple[int, FloatArray, float]]) -> _Answer:
        tokens, logits, heaps = zip(*steps, strict=True)
        return _Answer(list(tokens), np.stack(logits), np.array(heaps, np.float32), tokens[-1] == self.end)

    def _score(self, request: Request, logits: FloatArray, cache: Cache) -> NDArray[np.float64]:
        """Shape ``(S,)``: every label sequence after the prompt, those of one length together."""

        def next_logp(prefixes: Sequence[Tokens]) -> NDArray[np.float64]:
            logp = np.empty((len(prefixes), len(logits)))
            for length in {len(prefix) for prefix in prefixes}:
                at = [n for n, prefix in enumerate(prefixes) if len(prefix) == length]
                after = logits[None]
                if length:
                    begun = self.network.embed([prefixes[n] for n in at])
                    states, _ = self.network.decode(begun, cache.rows([0] * len(at)))
                    after = self.network.logits(states[-1][:, -1])
                logp[at] = after.astype(np.float64) - _logsumexp(after)[:, None]
            return logp

        return score_by_trie(request.label_tokens.sequences, next_logp)

    def _layers(
        self, request: Request, prompt: Tokens, said: _Answer, cache: Cache
    ) -> tuple[FloatArray, FloatArray]:
        """Logits ``(L, T, K)`` and log-sum-exp ``(L, T)`` by layer; of the last, the answer's own."""
        answered = self.network.embed([[prompt[-1], *said.tokens[:-1]]])
        states, _ = self.network.decode(answered, cache.first(len(prompt) - 1))
        read = [self.network.logits(state[0]) for state in states]
        logits = np.stack([each[:, list(request.label_tokens.token_ids)] for each in read])
        heaps = np.stack([_logsumexp(each) for each in read])
        logits[-1], heaps[-1] = said.logits, said.logsumexp
        return logits, heaps


def load_bundled(folder: Path, name: str) -> Mini:
    """The bundled model.

    Raises:
        AmbivoxError: a file of it is not what it should be.
    """
    try:
        return Mini(folder, name)
    except (OSError, ValueError, KeyError) as error:
        raise AmbivoxError(f"{folder}: cannot be loaded: {error}") from None


def _json(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _logsumexp(logits: FloatArray) -> FloatArray:
    """Over the last axis."""
    most = logits.max(axis=-1)
    heap: FloatArray = most + np.log(np.exp(logits - most[..., None]).sum(axis=-1))
    return heap
