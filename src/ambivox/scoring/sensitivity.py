"""How far each readout moves with the order of the options and with the prompt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from ambivox.raters.distribution import Array
from ambivox.reasons import Reason
from ambivox.scoring.keys import RowKey
from ambivox.scoring.readings import CorpusReadings, Readings
from ambivox.scoring.table import SensitivityScore
from ambivox.statistics import sensitivity


def sensitivity_scores(corpus: CorpusReadings) -> list[SensitivityScore]:
    """How every readout that heard the clips moves: over orders within a prompt, and over prompts."""
    n_clips = len(corpus.clips.names)
    heard = [one for one in corpus.readings if one.key.control == "clip"]
    rows = [_scored(by_variant(one, n_clips), one.key, "orders") for one in heard]
    for key in dict.fromkeys(_over_prompts(one.key) for one in heard):
        prompts = [one for one in heard if _over_prompts(one.key) == key]
        rows.append(_scored(by_prompt(prompts, n_clips), key, "prompts"))
    return rows


def _over_prompts(key: RowKey) -> RowKey:
    """The same readout of the same model, whatever was asked."""
    return replace(key, prompt="", context_turns=0, wording=(), temperature=None)


def by_variant(readings: Readings, n_clips: int) -> Array:
    """Predictions of one prompt by order (and wording), shape ``(C, U, N)``; ``nan`` where there is none."""
    p = np.full((int(readings.variants.max()) + 1, n_clips, readings.p.shape[1]), np.nan)
    p[readings.variants, readings.clips] = readings.p
    return p


def by_prompt(prompts: Sequence[Readings], n_clips: int) -> Array:
    """Predictions by prompt, each the mean over its orders, shape ``(C, U, N)``; ``nan`` where one failed."""
    return np.stack([by_variant(one, n_clips).mean(axis=0) for one in prompts])


def _scored(p: Array, key: RowKey, over: Literal["orders", "prompts"]) -> SensitivityScore:
    whole = ~np.isnan(p).any(axis=(0, 2))
    row = SensitivityScore(key, over, len(p), int(whole.sum()))
    if len(p) < 2:
        fix = "order_seeds" if over == "orders" else "prompts that it can read"
        return replace(row, reason=Reason("one-condition", "one condition", f"give the study several {fix}"))
    if not whole.any():
        return replace(row, reason=Reason("never-all-read", "no clip has a reading under every condition"))
    found = sensitivity(p[:, whole])
    of_mean, of_single = np.sqrt([found.of_mean, found.of_single])
    return replace(row, of_mean=float(of_mean), of_single=float(of_single), reliability=found.reliability)
