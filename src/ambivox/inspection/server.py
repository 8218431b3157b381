"""What a server can and cannot give, found out before anything is paid for.

Servers drop the clip and answer from the text, take fields and ignore them, list some tokens only, refuse,
and answer a batch otherwise than a single request. Each of these is tried, on a few clips.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import soundfile

from ambivox.audio import SAMPLE_RATE_HZ
from ambivox.emotions import EmotionSet, load_emotions
from ambivox.errors import AmbivoxError
from ambivox.models import Reply, Request
from ambivox.models.check import Check, speech_like
from ambivox.models.openai.adapter import ServerModel
from ambivox.models.openai.chat import audio_part, user_turn
from ambivox.models.openai.logprobs import read_steps
from ambivox.models.openai.server import question
from ambivox.models.openai.tokens import stand_in
from ambivox.models.protocol import FloatArray, PartlyAnsweredError
from ambivox.prompts import PROMPTS
from ambivox.raters.distribution import Array
from ambivox.readouts import READOUTS
from ambivox.readouts.answers.said import is_refusal

MP3_LEVEL = 0.63
"""libsndfile's level of compression at which 16 kHz mono takes 64 kbit/s."""

SAME = 1e-3
"""In probability: what answers to the same question may differ by."""

WHOLE = 1e-3
"""How far the listed probabilities may be from those of a whole vocabulary."""


_Found = Callable[[], tuple[bool, str] | tuple[bool, str, bool]]


HEARD = "the clip is heard"


@dataclass(frozen=True)
class Gift:
    """Whether a readout can be had: ``exact``, ``bounds``, ``yes`` (text level) or ``no``, and why."""

    gives: str
    why: str = ""


@dataclass(frozen=True)
class ServerCheck:
    """What was found: the checks, what can be had by readout, and what finding out took."""

    checks: tuple[Check, ...]
    readouts: dict[str, Gift]
    requests: int
    prompt_tokens: int
    completion_tokens: int


def check_server(
    model: ServerModel,
    clips: Sequence[FloatArray] | None = None,
    *,
    emotions: EmotionSet | None = None,
    price: tuple[float, float] | None = None,
) -> ServerCheck:
    """Try a server for what goes wrong silently.

    Args:
        model: on a server.
        clips: at least two clips of 16 kHz mono float32, real speech if refusals are to be seen; None makes
            speech-like signals.
        emotions: the labels to ask for.
        price: of a million tokens of prompts and of answers, in any currency.
    """
    if clips is None:
        clips = [speech_like(seconds, seed) for seed, seconds in enumerate((1.0, 1.6, 2.2, 1.3))]
    trial = _Trial(model, clips, emotions or load_emotions("cremad6"), price)
    before = replace(model.client.counts)
    checks = tuple(trial.checks())
    spent = model.client.counts
    return ServerCheck(
        checks,
        trial.readouts(),
        spent.sent - before.sent,
        spent.prompt_tokens - before.prompt_tokens,
        spent.completion_tokens - before.completion_tokens,
    )


@dataclass
class _Trial:
    model: ServerModel
    clips: Sequence[FloatArray]
    emotions: EmotionSet
    price: tuple[float, float] | None
    hears: bool = False
    tells: bool = False

    def checks(self) -> Iterator[Check]:
        tried: tuple[tuple[str, _Found], ...] = (
            ("the server is what it says", self.says),
            ("the clip takes part of the prompt", self.counted),
            (HEARD, self.heard),
            ("log-probabilities are real", self.real),
            ("a batch answers like single clips", self.batch),
            ("the same request answers the same", self.repeats),
            ("what was read is kept (prefix cache)", self.cache),
            ("the model does not refuse", self.refuses),
            ("one bit of dither moves nothing", self.dither),
            ("an mp3 of 64 kbit/s moves little", self.mp3),
            ("the order of the options moves little", self.order),
            ("time and price of a clip", self.cost),
        )
        for name, check in tried:
            try:
                yield Check(name, *check())
            except AmbivoxError as error:
                yield Check(name, False, str(error))
            if name == HEARD and not self.hears:
                return  # nothing else that it says is about the clip

    def ask(
        self, clip: FloatArray | None, prompt: str = "word", order: Sequence[int] | None = None
    ) -> Request:
        rendered = PROMPTS[prompt].render(self.emotions, order=order)
        return Request(clip, rendered, self.model.label_tokens(rendered.answers))

    def says(self) -> tuple[bool, str]:
        server = self.model.server
        served = server.card.get("root") or server.model
        told = f"{server.model} ({served}), {server.card.get('owned_by') or 'an unnamed owner'}"
        return True, f"{told}, backend {server.backend or 'not told'}"

    def counted(self) -> tuple[bool, str]:
        tokens = self.model.generate([self.ask(self.clips[0])])[0].audio_tokens
        if not tokens:
            return True, "the server does not say how long its prompts are"
        return True, f"{tokens} tokens for {len(self.clips[0]) / SAMPLE_RATE_HZ:.1f} s"

    def heard(self) -> tuple[bool, str, bool]:
        first, other = self.clips[:2]
        noise = np.random.default_rng(0).normal(0, 0.1, first.size).astype(np.float32)
        instead = {"another clip": other, "silence": np.zeros_like(first), "noise": noise, "no clip": None}
        said, *others = self.model.generate([self.ask(first), *(self.ask(c) for c in instead.values())])
        moved = {name: self.distance(said, reply) for name, reply in zip(instead, others, strict=True)}
        still = [name for name, by in moved.items() if not by and name != "no clip"]
        if self.model.server.logprobs == "none":
            self.hears = True  # one word for all of these may be all that it has to say
            detail = f"the same text for {', '.join(still)}" if still else "another text for another sound"
            return True, detail, bool(still)
        self.hears = not still
        detail = ", ".join(f"{name} {by:.2g}" for name, by in moved.items())
        return self.hears, f"in place of the clip, in probability: {detail}", False

    def real(self) -> tuple[bool, str, bool]:
        server = self.model.server
        if server.logprobs == "none":
            return False, "none are given, though they are asked for: text level only", False
        [reply] = self.model.generate([self.ask(self.clips[0])])
        listed = np.exp(
            reply.token_logits[0][~reply.bounded[0]] if reply.bounded is not None else reply.token_logits[0]
        )
        if listed.sum() > 1 + WHOLE:
            return False, f"those of the labels add up to {listed.sum():.3f}", False
        self.tells = True
        raw = self.model.client.run(_first_steps(self.model, self.ask(self.clips[0]), 2.0))
        cold = self.model.client.run(_first_steps(self.model, self.ask(self.clips[0]), 0.0))
        shared = [token for token in cold if token in raw]
        apart = max((abs(np.exp(cold[t]) - np.exp(raw[t])) for t in shared), default=0.0)
        scaled = "before temperature" if apart < 0.02 else f"after temperature (moved by {apart:.2g} at 2)"
        scaled = scaled if shared else "not seen whether before temperature"
        if server.logprobs == "ids":
            how = "named tokens, at most 128 at a time and all in parts; exact, over the whole vocabulary"
        else:
            how = f"the {server.listed} most probable tokens"
            left = 0.0 if reply.unlisted_logp is None else float(np.exp(reply.unlisted_logp[0]))
            how += f"; the rest has {left:.2%} of the probability"
        names = ", ".join(map(repr, reply.left_out[:3]))
        how += f"; tokens of control left out: {names}" if reply.left_out else ""
        return True, f"{how}; {scaled}", apart >= 0.02

    def batch(self) -> tuple[bool, str]:
        asked = [self.ask(clip, prompt) for clip in self.clips[:4] for prompt in ("word", "letter")]
        together = self.model.generate(asked)
        alone = [self.model.generate([request])[0] for request in asked]
        by = max(self.distance(a, b) for a, b in zip(together, alone, strict=True))
        return by <= SAME, f"{len(asked)} requests, largest difference {self.shown(by)}"

    def repeats(self) -> tuple[bool, str]:
        replies = self.model.generate([self.ask(self.clips[0])] * 3)
        by = max(self.distance(replies[0], reply) for reply in replies[1:])
        return by <= SAME, f"three times, largest difference {self.shown(by)}"

    def cache(self) -> tuple[bool, str]:
        clip = (self.clips[0] * np.float32(0.9)).astype(np.float32)  # one that it has not met yet
        times = []
        for _ in range(3):
            begun = time.perf_counter()
            self.model.generate([self.ask(clip)])
            times.append(time.perf_counter() - begun)
        kept = self.model.client.counts.cached_tokens
        told = f"{kept} tokens of all prompts so far were found there" if kept else "the server tells of none"
        return True, f"{told}; a new clip {times[0]:.2f} s, again {min(times[1:]):.2f} s"

    def refuses(self) -> tuple[bool, str, bool]:
        asked = [self.ask(clip, prompt) for prompt in PROMPTS for clip in self.clips[:2]]
        try:
            replies: Sequence[Reply | AmbivoxError] = self.model.generate(asked)
        except PartlyAnsweredError as error:
            replies = error.answers
        texts = [reply.text for reply in replies if isinstance(reply, Reply)]
        refused = [text for text in texts if is_refusal(text.casefold())]
        failed = len(replies) - len(texts)
        detail = f"{len(refused)} of {len(texts)} answers" + (f", {failed} failed" if failed else "")
        detail += f", as in {refused[0]!r:.60}" if refused else ""
        return len(refused) < len(texts) / 2, detail, bool(refused or failed)

    def dither(self) -> tuple[bool, str, bool]:
        bit = np.random.default_rng(0).integers(-1, 2, self.clips[0].size).astype(np.float32) / 2**15
        return self.moved_by(lambda clip: (clip + bit[: clip.size]).astype(np.float32), 1)

    def mp3(self) -> tuple[bool, str, bool]:
        return self.moved_by(as_mp3, 2)

    def moved_by(self, change: Callable[[FloatArray], FloatArray], n: int) -> tuple[bool, str, bool]:
        clips = self.clips[:n]
        replies = self.model.generate([self.ask(c) for clip in clips for c in (clip, change(clip))])
        by = max(self.distance(a, b) for a, b in zip(replies[::2], replies[1::2], strict=True))
        return True, f"by {self.shown(by)}", by > 0.05

    def order(self) -> tuple[bool, str, bool]:
        n = len(self.emotions)
        turned = [
            self.ask(clip, order=order) for clip in self.clips[:2] for order in (range(n), range(n)[::-1])
        ]
        replies = self.model.generate(turned)
        by = max(self.distance(a, b) for a, b in zip(replies[::2], replies[1::2], strict=True))
        return True, f"reversed, by {self.shown(by)}: ask several orders and average", by > 0.05

    def cost(self) -> tuple[bool, str]:
        before = replace(self.model.client.counts)
        begun = time.perf_counter()
        self.model.generate([self.ask((clip * np.float32(0.8)).astype(np.float32)) for clip in self.clips])
        seconds, spent, n = time.perf_counter() - begun, self.model.client.counts, len(self.clips)
        prompt = (spent.prompt_tokens - before.prompt_tokens) / n
        answer = (spent.completion_tokens - before.completion_tokens) / n
        told = f"{seconds / n:.2f} s with {n} at a time, {prompt:.0f} + {answer:.0f} tokens"
        if self.price:
            told += f", {(prompt * self.price[0] + answer * self.price[1]) / 1e6:.2g} per question"
        return True, told

    def shown(self, by: float) -> str:
        if self.model.server.logprobs == "none":
            return "another text" if by else "none"
        return f"{by:.2g} in probability"

    def distance(self, a: Reply, b: Reply) -> float:
        """Largest difference in probability of a label token at the first step; of texts 0 or 1."""
        if not len(a.token_logits) or not len(b.token_logits):
            return float(a.text != b.text)
        return float(np.abs(_told(a) - _told(b)).max())

    def readouts(self) -> dict[str, Gift]:
        """What can be had, by the readout's name."""
        server = self.model.server
        if not self.hears:
            return dict.fromkeys(READOUTS, Gift("no", "the clip is not heard"))
        found = {}
        for name, readout in ((name, READOUTS[name]) for name in READOUTS):
            if readout.level == "text":
                found[name] = Gift("yes")
            elif name == "lens":
                found[name] = Gift("no", "servers do not show their layers")
            elif not self.tells:
                found[name] = Gift("no", "there are no log-probabilities")
            elif server.logprobs == "ids":
                found[name] = Gift(
                    "exact", "of probabilities; raw logits have no zero here" if name == "mean" else ""
                )
            elif name == "expected":
                found[name] = Gift("no", "not all digits are listed")
            elif name == "sequence":
                found[name] = Gift("bounds", "labels of several tokens have the bound of their first")
            else:
                found[name] = Gift("bounds", f"{server.listed} tokens are listed at a step")
        return found


async def _first_steps(model: ServerModel, request: Request, temperature: float) -> Mapping[int, float]:
    """What is told of the first step at a temperature."""
    audio = None if request.samples is None else audio_part(request.samples)
    ids = list(request.label_tokens.token_ids[:64])
    body = question(model.server.model, model.server.logprobs, model.server.listed, ids)
    body |= {"messages": [user_turn(audio, request.prompt.text)], "max_tokens": 1, "temperature": temperature}
    steps = read_steps((await model.client.chat(body))["choices"][0], stand_in)
    return steps[0].listed if steps else {}


def _told(reply: Reply) -> Array:
    """Probabilities of the label tokens at the first step, 0 where they were not listed."""
    p = np.exp(reply.token_logits[0].astype(np.float64) - reply.logsumexp[0])
    return p if reply.bounded is None else np.where(reply.bounded[0], 0.0, p)


def as_mp3(samples: FloatArray) -> FloatArray:
    """What is left of a clip after an mp3 of 64 kbit/s, of the same length.

    >>> as_mp3(speech_like(0.5, seed=1)).shape
    (8000,)
    """
    buffer = io.BytesIO()
    options = {"format": "MP3", "bitrate_mode": "CONSTANT", "compression_level": MP3_LEVEL}
    soundfile.write(buffer, samples, SAMPLE_RATE_HZ, **options)
    buffer.seek(0)
    heard = soundfile.read(buffer, dtype="float32")[0]
    cut: FloatArray = np.pad(heard, (0, max(samples.size - heard.size, 0)))[: samples.size]
    return cut
