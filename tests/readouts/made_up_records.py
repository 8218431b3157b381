"""Records as a study would make them, from an answer or from made-up logits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ambivox.emotions import EmotionSet, load_emotions
from ambivox.models import LabelTokens
from ambivox.record import Record


def record(text: str = "", *, emotions: EmotionSet | None = None, **fields: Any) -> Record:
    emotions = emotions or load_emotions("iemocap4")
    given = {
        "format": "word",
        "order": tuple(range(len(emotions))),
        "status": "ok",
        "finish": "stop",
    } | fields
    return Record(
        key="k", corpus="c", utterance="u", clip="u.wav", start_s=None, end_s=None, speaker=None,
        intended=None,
        votes={}, control="clip", model="m", model_fingerprint="f", prompt="p", prompt_version=1,
        prompt_text="", order_seed=None, emotion_set=emotions.name, labels=emotions.labels,
        forms=emotions.forms, text=text, **given,
    )  # fmt: skip


def plain_set(n_labels: int) -> EmotionSet:
    labels = tuple(f"label{n}" for n in range(n_labels))
    return EmotionSet("made-up", labels, tuple((label,) for label in labels))


def label_tokens_of(sequences: list[tuple[int, ...]], labels: list[int]) -> LabelTokens:
    first = tuple(dict.fromkeys(sequence[0] for sequence in sequences))
    return LabelTokens(tuple(sequences), tuple(labels), first, tuple(map(str, first)))


def with_logits(
    full: NDArray[np.float64],
    label_tokens: LabelTokens,
    n_labels: int,
    sequence_logp: NDArray[np.float64] | None = None,
) -> Record:
    """`full`: shape (T, V), the logits of the whole vocabulary at every step."""
    return record(
        emotions=plain_set(n_labels),
        token_ids=(0,) * len(full),
        label_tokens=label_tokens,
        token_logits=full[:, list(label_tokens.token_ids)].astype(np.float32),
        logsumexp=np.logaddexp.reduce(full, axis=1).astype(np.float32),
        sequence_logp=sequence_logp,
    )
