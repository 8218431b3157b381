"""A request as the messages of a chat: the clip, then the prompt, in one user turn."""

from __future__ import annotations

import base64
import io
import wave
from typing import Any

import numpy as np

from ambivox.audio import SAMPLE_RATE_HZ
from ambivox.models.protocol import FloatArray

FULL_SCALE = 2**15


def as_wav(samples: FloatArray) -> bytes:
    """16 kHz mono samples as a WAV of 16 bits; samples that came from one keep every bit.

    >>> len(as_wav(np.zeros(10, np.float32)))
    64
    """
    pcm = np.clip(np.rint(samples * np.float32(FULL_SCALE)), -FULL_SCALE, FULL_SCALE - 1).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(pcm.tobytes())
    return buffer.getvalue()


def audio_part(samples: FloatArray) -> dict[str, Any]:
    """A clip as a part of a message."""
    data = base64.b64encode(as_wav(samples)).decode("ascii")
    return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}


def user_turn(audio: dict[str, Any] | None, text: str) -> dict[str, Any]:
    """The user's turn; `audio` is None where nothing is heard."""
    words = {"type": "text", "text": text}
    return {"role": "user", "content": [audio, words] if audio else [words]}
