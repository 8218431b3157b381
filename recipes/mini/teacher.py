"""What a trained voice encoder makes of the training clips: states that the audio encoder learns to follow.

The teacher is the speaker encoder of the package Resemblyzer (Apache-2.0): three LSTM layers trained to tell
speakers apart (generalised end-to-end loss, Wan et al., arXiv 1710.10467), by its authors' account on 9,600
voices of VoxCeleb and LibriSpeech, where the training clips with emotions have 19. Its weights come with the
package (``pip install --no-deps resemblyzer``), of which nothing is run.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers.audio_utils import mel_filter_bank

from ambivox.audio import SAMPLE_RATE_HZ
from ambivox.errors import UsageError

LAYERS = 3
TAUGHT = (1, 2)
"""Layers whose states are taught; the first says less of emotion."""
WIDTH, BANDS = 256, 40
WINDOW, HOP = 400, 160
LEVEL_DB = -30.0
PER_TOKEN = 8
"""Frames of the teacher (10 ms) in an audio token (80 ms)."""


class Teacher:
    """The speaker encoder, to be asked for the states of its upper layers.

    Raises:
        UsageError: the package with its weights is not installed.
    """

    parts = tuple(slice(n * WIDTH, (n + 1) * WIDTH) for n in range(len(TAUGHT)))
    """Where each taught layer lies in the states."""

    def __init__(self) -> None:
        spec = find_spec("resemblyzer")
        if spec is None or not spec.submodule_search_locations:
            raise UsageError("the teacher is missing: pip install --no-deps resemblyzer")
        path = Path(spec.submodule_search_locations[0]) / "pretrained.pt"
        state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
        self.lstm = nn.LSTM(BANDS, WIDTH, LAYERS, batch_first=True)
        self.lstm.load_state_dict({k.removeprefix("lstm."): v for k, v in state.items() if k[:5] == "lstm."})
        self.layers = [_layer(self.lstm, n) for n in range(LAYERS)]
        bank = mel_filter_bank(
            WINDOW // 2 + 1, BANDS, 0.0, SAMPLE_RATE_HZ / 2, SAMPLE_RATE_HZ, norm="slaney", mel_scale="slaney"
        )
        self.bank = torch.tensor(bank, dtype=torch.float32)

    @torch.no_grad()
    def __call__(self, wave: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mean states per audio token of ``wave`` (16 kHz): ``(n_tokens, len(TAUGHT) * WIDTH)``."""
        sound = torch.from_numpy(wave)
        sound = sound * 10 ** (LEVEL_DB / 20) / sound.pow(2).mean().sqrt().clamp(min=1e-5)
        window = torch.hann_window(WINDOW)
        power = torch.stft(sound, WINDOW, HOP, window=window, return_complex=True).abs() ** 2
        hidden, taught = (power.T @ self.bank)[None], []
        for n, layer in enumerate(self.layers):
            hidden, _ = layer(hidden)
            if n in TAUGHT:
                taught.append(hidden[0])
        states = torch.cat(taught, dim=1)
        tokens = len(states) // PER_TOKEN
        return np.asarray(states[: tokens * PER_TOKEN].reshape(tokens, PER_TOKEN, -1).mean(1).numpy())


def _layer(lstm: nn.LSTM, n: int) -> nn.LSTM:
    layer = nn.LSTM(BANDS if n == 0 else WIDTH, WIDTH, batch_first=True)
    layer.load_state_dict({name: getattr(lstm, name.replace("l0", f"l{n}")) for name in layer.state_dict()})
    return layer
