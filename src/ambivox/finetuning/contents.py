"""What a training learns from, by content: it stays the same to the end, and no sound is in two splits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ambivox.audio import load_audio
from ambivox.errors import UsageError
from ambivox.finetuning.config import Use
from ambivox.finetuning.parts import Parts
from ambivox.finetuning.splits import Rated, Splits
from ambivox.models.hf.checkpoint_files import fingerprint
from ambivox.models.load import checkpoint_of


@dataclass(frozen=True)
class Content:
    """What a clip holds.

    Args:
        digest: of its samples, whatever file they came from.
        silent: digital silence, which is no copy of other silence.
    """

    digest: str
    silent: bool


Contents = Mapping[Use, tuple[Content, ...]]
"""The content of every clip of every split, in the order of the clips."""


def contents_of(splits: Splits) -> Contents:
    """Decode every clip once, so that one that cannot be read shows before the training begins.

    Raises:
        AudioError: a clip cannot be read.
    """
    return {use: tuple(_content(one) for one in rated) for use, rated in splits.items()}


def _content(one: Rated) -> Content:
    clip = one.utterance
    samples = load_audio(clip.audio, clip.start_s, clip.end_s, clip.channel)
    return Content(hashlib.sha256(samples.tobytes()).hexdigest(), not samples.any())


def check_no_copies(splits: Splits, contents: Contents) -> None:
    """Refuse a sound that is in two splits, whatever its files are called.

    Raises:
        UsageError: there is one (both clips are named).
    """
    seen: dict[str, tuple[Use, Rated]] = {}
    for use, rated in splits.items():
        for one, content in zip(rated, contents[use], strict=True):
            other_use, other = seen.setdefault(content.digest, (use, one))
            if other_use != use and not content.silent:
                raise UsageError(
                    f"clips {other.corpus}/{other.utterance.id} in {other_use} and "
                    f"{one.corpus}/{one.utterance.id} in {use} are the same sound: a score on it would say "
                    "nothing; leave one of them out"
                )


def learnt_from(parts: Parts, contents: Contents) -> dict[str, str]:
    """A hash of each input of a training, by what it is called in messages."""
    rated = [(use, one) for use, several in parts.splits.items() for one in several]
    digests = [content.digest for several in contents.values() for content in several]
    names = [(use, one.corpus, one.utterance.id) for use, one in rated]
    folder = Path(checkpoint_of(parts.config.model.name))
    return {
        "clips": _hash([names, digests]),
        "votes": _hash([[one.counts.tolist(), one.q.tolist()] for _, one in rated]),
        "speakers": _hash([one.speaker for _, one in rated]),
        "prompts": _hash([prompt.model_dump(mode="json") for prompt in parts.prompts]),
        "emotions": _hash([parts.emotions.labels, parts.emotions.forms]),
        # a hub name and its revision are in the configuration, which is kept beside
        "model": fingerprint(folder, "") if folder.is_dir() else "",
    }


def _hash(facts: object) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
