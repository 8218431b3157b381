"""How every stage descends: AdamW on one cycle of the learning rate, gradients clipped."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn


class Descent:
    """Steps of AdamW whose learning rate rises to its peak and falls to nothing (Smith and Topin 2017).

    Args:
        parameters: what is trained.
        learning_rate: the peak.
        steps: how often `step` will be called.
        weight_decay: of AdamW.
        rise: the share of the steps in which the rate rises.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        learning_rate: float,
        steps: int,
        *,
        weight_decay: float,
        rise: float,
    ) -> None:
        self._parameters = [p for p in parameters if p.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._parameters, lr=learning_rate, weight_decay=weight_decay, betas=(0.9, 0.98)
        )
        self._schedule = torch.optim.lr_scheduler.OneCycleLR(
            self._optimizer, learning_rate, total_steps=steps + 1, pct_start=rise
        )

    def step(self) -> None:
        """Go along the gradients that lie at the parameters, and clear them."""
        nn.utils.clip_grad_norm_(self._parameters, 1.0)
        self._optimizer.step()
        self._optimizer.zero_grad()
        self._schedule.step()
