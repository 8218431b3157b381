"""How the language part descends: Muon for matrices, AdamW for the rest, one cycle of the learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn


class Muon(torch.optim.Optimizer):
    """Momentum whose every step is made orthogonal (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/).

    That of torch computes in bfloat16, which a CPU does ten times slower than this in float32.

    Args:
        matrices: what is trained, two-dimensional.
        learning_rate: times `SIZE` the root mean square of a step.
        weight_decay: share of the weights that a step of learning rate 1 would take away.
    """

    SIZE, MOMENTUM = 0.2, 0.95

    def __init__(self, matrices: Iterable[nn.Parameter], learning_rate: float, weight_decay: float) -> None:
        super().__init__(matrices, {"lr": learning_rate, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Go along the gradients."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                mean = self.state[matrix].setdefault("mean", torch.zeros_like(matrix))
                mean.lerp_(matrix.grad, 1 - self.MOMENTUM)
                along = orthogonal(matrix.grad.lerp(mean, self.MOMENTUM))
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.add_(along, alpha=-group["lr"] * self.SIZE * max(matrix.shape) ** 0.5)


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix of the same singular vectors whose singular values are near one, by Newton and Schulz.

    Five rounds of the quintic of Jordan et al. take all but the smallest of them to between .7 and 1.2.

    >>> found = orthogonal(torch.tensor([[0.0, 5.0], [2.0, 0.0]]))
    >>> [round(value, 1) for value in torch.linalg.svdvals(found).tolist()]
    [1.0, 0.7]
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x: Tensor = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return x.T if tall else x


class Descent:
    """Steps whose learning rate rises to its peak and falls to nothing (Smith and Topin 2017).

    Args:
        matrices: what Muon trains, at `STEEPER` times the learning rate.
        others: what AdamW trains.
        learning_rate: the peak.
        steps: how often `step` will be called.
        weight_decay: of both.
        rise: the share of the steps in which the rate rises.
    """

    STEEPER = 3.0

    def __init__(
        self,
        matrices: Sequence[nn.Parameter],
        others: Sequence[nn.Parameter],
        learning_rate: float,
        steps: int,
        *,
        weight_decay: float,
        rise: float,
    ) -> None:
        self._parameters = [*matrices, *others]
        self._optimizers: tuple[torch.optim.Optimizer, ...] = (
            Muon(matrices, self.STEEPER * learning_rate, weight_decay),
            torch.optim.AdamW(others, lr=learning_rate, weight_decay=weight_decay, betas=(0.9, 0.98)),
        )
        self._schedules = [
            torch.optim.lr_scheduler.OneCycleLR(
                optimizer,
                optimizer.param_groups[0]["lr"],
                total_steps=steps + 1,
                pct_start=rise,
                cycle_momentum=False,
            )
            for optimizer in self._optimizers
        ]

    def step(self) -> None:
        """Go along the gradients that lie at the parameters, and clear them."""
        nn.utils.clip_grad_norm_(self._parameters, 1.0)
        for optimizer in self._optimizers:
            optimizer.step()
            optimizer.zero_grad()
        for schedule in self._schedules:
            schedule.step()
