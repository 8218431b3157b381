"""Everything the stages share: clips, their features and their targets, and how files are written safely."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from recipes.mini.checkpoint import build_extractor
from recipes.mini.data import Clip, load_clips
from recipes.mini.features import SPEEDS, Mel, MelBank, empty_wave, log_mel
from recipes.mini.targets import HEARD, VoteTable, heard_target

T = TypeVar("T")

EMPTY = 200
"""Stretches of silence and noise that are answered with equal shares."""


class Material:
    """Training and development clips with features and targets; test clips are never loaded here.

    Features are kept in ``work/mels.pkl`` (about 300 MB), since computing them takes two minutes.
    """

    def __init__(self, data: Path, work: Path) -> None:
        everything = load_clips(data)
        self.votes = VoteTable(data)
        self.clips: list[Clip] = [clip for clip in everything if clip.split in ("train", "development")]
        extractor = build_extractor()
        self.bank = kept(work / "mels.pkl", self.clips, lambda: MelBank(self.clips, extractor, SPEEDS))
        waves = (empty_wave(np.random.default_rng(n)) for n in range(EMPTY))
        self.empty: list[Mel] = [log_mel(extractor, wave) for wave in waves]
        self.soft = np.array([heard_target(clip, self.votes) for clip in self.clips])
        self.hard = np.array([HEARD.index(clip.emotion) for clip in self.clips])
        self.corpus = np.array([clip.corpus for clip in self.clips])
        self.train = self._of("train")
        self.development = self._of("development")

    def _of(self, split: str) -> NDArray[np.int64]:
        return np.flatnonzero([clip.split == split for clip in self.clips])


def kept(path: Path, clips: Sequence[Clip], make: Callable[[], T]) -> T:
    """What ``make`` gives for these clips: from the file, or made and left there (aside, then renamed).

    The file is one that this function wrote: pickle, for the work folder of the training only.
    """
    ids = [clip.id for clip in clips]
    if path.exists():
        with path.open("rb") as file:
            known, value = pickle.load(file)
        if known == ids:
            found: T = value
            return found
    made = make()
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        pickle.dump((ids, made), file)
    temporary.replace(path)
    return made


def save_aside(state: dict[str, Any], path: Path) -> None:
    """Write a state beside its place and rename it, so that what is there is whole."""
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(path)


def six_class_accuracy(logits: torch.Tensor, hard: NDArray[np.int64]) -> float:
    """Share of the clips of CREMA-D's six emotions that are named right when only those six may be named."""
    six = np.flatnonzero(hard < 6)
    return float((logits[six, :6].argmax(-1).numpy() == hard[six]).mean())
