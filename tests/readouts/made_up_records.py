"""Records as a study would make them, from an answer or from made-up logits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ambivox.emotions import EmotionSet, load_emotions
from ambivox.models import LabelTokens, Reply
from ambivox.prompts import AnswerFormat, RenderedPrompt
from ambivox.record import Asked, AskedClip, AskedModel, AskedUtterance, Record, Sound

NO_TOKENS = LabelTokens((), (), (), (), ())


def record(
    text: str = "",
    *,
    emotions: EmotionSet | None = None,
    format: AnswerFormat = "word",  # noqa: A002
    label_tokens: LabelTokens = NO_TOKENS,
    token_logits: NDArray[np.float32] | None = None,
    logsumexp: NDArray[np.float32] | None = None,
    **reply: Any,
) -> Record:
    emotions = emotions or load_emotions("iemocap4")
    order = tuple(range(len(emotions)))
    asked = Asked(
        utterance=AskedUtterance("c", "u", None, None, None, {}),
        clip=AskedClip("u.wav", None, None, "u"),
        control="clip",
        model=AskedModel("m", "f"),
        emotions=emotions,
        prompt=RenderedPrompt("p", 1, format, "", order, emotions.forms, 32, emotions.labels),
        order_seed=None,
        context_turns=0,
        temperature=None,
        label_tokens=label_tokens,
    )
    given = {"token_ids": (), "finish": "stop", "audio_tokens": 10, "time_s": 0.0} | reply
    no_logits = np.zeros((0, len(label_tokens.token_ids)), dtype=np.float32)
    logits = no_logits if token_logits is None else token_logits
    normaliser = np.zeros(len(logits), dtype=np.float32) if logsumexp is None else logsumexp
    return Record("k", asked, Sound(1.0), Reply(text, token_logits=logits, logsumexp=normaliser, **given))


def plain_set(n_labels: int) -> EmotionSet:
    labels = tuple(f"label{n}" for n in range(n_labels))
    return EmotionSet("made-up", labels, tuple((label,) for label in labels))


def label_tokens_of(sequences: list[tuple[int, ...]], labels: list[int]) -> LabelTokens:
    first = tuple(dict.fromkeys(sequence[0] for sequence in sequences))
    return LabelTokens(tuple(sequences), tuple(labels), (True,) * len(labels), first, tuple(map(str, first)))


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
