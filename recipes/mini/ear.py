"""What emotion a clip speaks for: a linear map of what the tower hears, fitted to what actors meant.

Every clip is heard as it is and in copies from elsewhere, so that what rooms, microphones and codecs move is
trusted less. Choices are made by leaving one corpus out at a time: other people, another language, another
studio are what `mini` will meet.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import Qwen2AudioEncoder

from ambivox.audio import load_audio
from ambivox.calibration import fit_temperature
from ambivox.models.bundled.features import Features
from recipes.mini.checkpoint import build_extractor
from recipes.mini.data import Clip
from recipes.mini.recordings import Wave, elsewhere, voiceless
from recipes.mini.targets import HEARD, VOTED, option_matrix, restrict
from recipes.mini.tower import Heard, Room, listen, make_room, statistics, whispering

Array = NDArray[np.float64]
Statistics = NDArray[np.float32]

FLAT = np.array([0.96 / 7 if label in (*VOTED, "surprise") else 0.02 for label in HEARD])
"""What is taught of recordings without a voice. Calm and boredom, which fall to neutral and sad where
they are no options, get little, so that most sets of options are answered with nearly equal shares."""


@dataclass(frozen=True)
class EarPlan:
    """How the head is fitted.

    Args:
        copies: from elsewhere of every clip.
        voiceless: how many recordings without a voice.
        ridge: half of this times the squared weights, for statistics of variance 1, is added to the loss.
        empty: share that recordings without a voice have in the loss.
        neurons: what statistics of neurons are multiplied by once their variance is 1. There are twice as
            many of them as of others, and the smaller they are, the less is believed of them.

    Every corpus has the same share in the loss, and every emotion the same share in a corpus.
    """

    copies: int = 1
    voiceless: int = 200
    ridge: float = 0.1
    empty: float = 0.06
    neurons: float = 0.7


class Listener:
    """Hears recordings as the tower does."""

    def __init__(self, encoder: Qwen2AudioEncoder) -> None:
        self._encoder = encoder
        self._features = Features.configured(build_extractor().to_dict())

    def __call__(self, wave: Wave) -> Heard:
        """Of what fits into the window."""
        wave = wave[: self._features.n_samples]
        count = (self._features.frames_of(wave) + 1) // 2
        return listen(self._encoder, self._features.log_mel(wave, 2 * count + 1))


@dataclass(frozen=True)
class Hearing:
    """What was heard of every clip, and of recordings without a voice.

    Args:
        room: where the tower has room.
        clips: `statistics` of every clip and of its copies, ``(n, 1 + copies, m)``.
        empty: of recordings without a voice, ``(voiceless, m)``.
    """

    room: Room
    clips: Statistics
    empty: Statistics


def hear(clips: Sequence[Clip], whisper: Path, plan: EarPlan, seed: int) -> Hearing:
    """Hear clips, their copies and recordings without a voice; a minute per thousand of them."""
    waves, encoder = [load_audio(clip.path) for clip in clips], whispering(whisper)
    listener = Listener(encoder)
    silent = [voiceless(np.random.default_rng([seed, n])) for n in range(plan.voiceless)]
    some = waves[:: len(waves) // 100 + 1]
    some += [elsewhere(wave, np.random.default_rng([seed, n])) for n, wave in enumerate(some)] + silent[:50]
    room = Room.of(torch.cat([listener(wave).state for wave in some]), len(HEARD))
    make_room(encoder, room)
    heard = [hear_once(waves, listener, room, copy, seed) for copy in range(1 + plan.copies)]
    empty = [statistics(listener(wave), room) for wave in silent]
    return Hearing(room, np.stack(heard, axis=1), np.array(empty))


def hear_once(waves: Sequence[Wave], listener: Listener, room: Room, copy: int, seed: int) -> Statistics:
    """`statistics` of recordings as they are (copy 0) or in one of their copies, ``(n, m)``."""
    begun, rows = time.monotonic(), []
    for n, wave in enumerate(waves):
        made = elsewhere(wave, np.random.default_rng([seed, n, copy])) if copy else wave
        rows.append(statistics(listener(made), room))
        if n % 500 == 499:
            print(f"copy {copy}: {n + 1} clips heard, {time.monotonic() - begun:.0f} s", flush=True)
    return np.array(rows)


@dataclass(frozen=True)
class Head:
    """Emotion logits ``weight @ statistics + bias``: ``(9, m)`` and ``(9,)``, whose columns sum to zero."""

    weight: Array
    bias: Array

    def logits(self, heard: Statistics) -> Array:
        """``(n, m)`` -> ``(n, 9)``."""
        return np.asarray(heard @ self.weight.T + self.bias)

    def cooler(self, temperature: float) -> Head:
        """The same with logits divided by a temperature."""
        return Head(self.weight / temperature, self.bias / temperature)


def fit_head(hearing: Hearing, clips: Sequence[Clip], chosen: NDArray[np.int64], plan: EarPlan) -> Head:
    """Multinomial logistic regression of what was meant on what was heard of the chosen clips.

    All nine emotions compete everywhere, also those that a clip's corpus does not have.
    """
    meant = np.array([HEARD.index(clips[n].emotion) for n in chosen])
    copies, empty = hearing.clips.shape[1], len(hearing.empty)
    x = np.concatenate([hearing.clips[chosen].reshape(len(chosen) * copies, -1), hearing.empty])
    target = np.concatenate([np.eye(len(HEARD))[np.repeat(meant, copies)], np.tile(FLAT, (empty, 1))])
    each = (1 - plan.empty) * shares_of([clips[n] for n in chosen]) / copies
    share = np.concatenate([np.repeat(each, copies), np.full(empty, plan.empty / max(empty, 1))])
    mean, scale = x.mean(0), x.std(0)
    scale[2 * len(hearing.room.kept) :] /= plan.neurons
    weight, bias = fit_softmax((x - mean) / scale, target, share, plan.ridge)
    weight = (weight - weight.mean(0)) / scale
    return Head(weight, bias - bias.mean() - weight @ mean)


def shares_of(clips: Sequence[Clip]) -> Array:
    """What each clip counts: every corpus the same, and within it every emotion; they sum to one."""
    pairs = Counter((clip.corpus, clip.emotion) for clip in clips)
    emotions = Counter(corpus for corpus, _ in pairs)
    each = [1 / (pairs[clip.corpus, clip.emotion] * emotions[clip.corpus]) for clip in clips]
    return np.array(each) / len(emotions)


def fit_softmax(x: NDArray[np.floating], target: Array, share: Array, ridge: float) -> tuple[Array, Array]:
    """Multinomial logistic regression towards shares, by L-BFGS in float32.

    Args:
        x: ``(n, d)``.
        target: ``(n, c)``, rows that sum to one.
        share: ``(n,)``, what each row counts in the loss.
        ridge: half of this times the sum of the squared weights is added to the loss.

    Returns:
        Weights ``(c, d)`` and biases ``(c,)``.
    """
    given, wanted, counts = (torch.tensor(some, dtype=torch.float32) for some in (x, target, share))
    weight = torch.zeros(wanted.shape[1], given.shape[1], requires_grad=True)
    bias = torch.zeros(wanted.shape[1], requires_grad=True)
    descent = torch.optim.LBFGS(
        [weight, bias], max_iter=200, tolerance_grad=1e-5, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        descent.zero_grad()
        errors = -(wanted * (given @ weight.T + bias).log_softmax(-1)).sum(-1)
        value = counts @ errors + ridge / 2 * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    descent.step(loss)  # type: ignore[no-untyped-call]
    return weight.detach().double().numpy(), bias.detach().double().numpy()


@dataclass(frozen=True)
class Unseen:
    """What a head that was fitted to other corpora makes of one.

    Args:
        logits: of its clips as they are, ``(n, 9)``.
        meant: what was meant, ``(n,)``, places in `HEARD`.
    """

    logits: Array
    meant: NDArray[np.int64]

    def over_six(self, temperature: float = 1.0) -> tuple[Array, NDArray[np.int64]]:
        """What a user sees: shares of CREMA-D's six emotions, for the clips that were meant as one."""
        six = self.meant < len(VOTED)
        logits = self.logits[six] / temperature
        grown = np.exp(logits - logits.max(-1, keepdims=True))
        return restrict(grown / grown.sum(-1, keepdims=True), option_matrix(VOTED)), self.meant[six]


def left_out(hearing: Hearing, clips: Sequence[Clip], plan: EarPlan) -> dict[str, Unseen]:
    """Every corpus, heard by a head that was fitted to the others."""
    found, corpora = {}, np.array([clip.corpus for clip in clips])
    for corpus in sorted(set(corpora)):
        head = fit_head(hearing, clips, np.flatnonzero(corpora != corpus), plan)
        here = np.flatnonzero(corpora == corpus)
        meant = np.array([HEARD.index(clips[n].emotion) for n in here])
        found[corpus] = Unseen(head.logits(hearing.clips[here, 0]), meant)
    return found


def temperature_of(unseen: dict[str, Unseen]) -> float:
    """How much too sure heads are of corpora that they were not fitted to, every corpus counting alike."""
    rng, drawn = np.random.default_rng(0), []
    for corpus in unseen.values():
        p, meant = corpus.over_six()
        some = rng.integers(len(p), size=1000)
        drawn.append((p[some], np.eye(len(VOTED))[meant[some]]))
    return float(fit_temperature(*(np.concatenate(part) for part in zip(*drawn, strict=True))).temperature)
