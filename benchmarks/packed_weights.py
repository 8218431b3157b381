"""Linear layers on a CPU with their weights laid out for thin products, as oneDNN wants them.

No part of the package: private operators of torch, for less than they would have to give (see
`docs/decisions/0013-what-speed-has-to-be-worth.md`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear as multiply
from torch.nn.functional import pad

ROOM_BYTES = 3 * 2**30
"""Packed weights stand beside the others: a model with more in its linear layers (above some .9 billion
parameters) stays as it is."""

ROWS = 64
"""Products of more rows are left as they are: they gain a tenth at most."""

FEW_ROWS = 3
"""So are products of fewer: a single row takes twice as long packed, two as long as unpacked."""

STEP = 8
"""Rows are filled up to a multiple: oneDNN compiles for every number of rows, and keeps what it compiled."""

FAILURES = (RuntimeError, AttributeError, TypeError)
"""What a build of torch raises that cannot pack."""


class PackedLinears:
    """The linear layers of a model, whose weights are packed when they are first in use.

    A product of few rows with a weight as it is stored reaches about half the rate of a large square one:
    16 rows 48 of 100 GFLOP/s, 64 rows 80 (one thread of an AMD EPYC, width 512); packed it is 80 and 105.
    The operator is the one that torch's own compiler writes for frozen weights. Where it is missing, or the
    model is not on a CPU or not in float32, nothing changes.

    Args:
        model: any module.
    """

    def __init__(self, model: torch.nn.Module) -> None:
        fitting = [m for m in model.modules() if type(m) is torch.nn.Linear and _fits(m)]
        size = sum(m.weight.numel() * m.weight.element_size() for m in fitting)
        self.linears = fitting if size <= ROOM_BYTES and _can_pack() else []
        self._kept: dict[torch.nn.Module, tuple[object, Callable[[Tensor], Tensor]]] = {}

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Inside, in inference mode, the linear layers multiply by their packed weights."""
        for linear in self.linears:
            vars(linear)["forward"] = self._packed(linear)
        try:
            yield
        finally:
            for linear in self.linears:
                vars(linear).pop("forward", None)

    def _packed(self, linear: torch.nn.Linear) -> Callable[[Tensor], Tensor]:
        state = _state(linear)
        if linear not in self._kept or self._kept[linear][0] != state:  # a training may have changed it
            self._kept[linear] = (state, _Product(linear))
        return self._kept[linear][1]


class _Product:
    """Multiplies by one layer's weight, which is packed when few rows come for the first time."""

    def __init__(self, linear: torch.nn.Linear) -> None:
        self.weight = linear.weight.detach()
        self.bias = None if linear.bias is None else linear.bias.detach()
        self.packed: Tensor | None = None

    def __call__(self, states: Tensor) -> Tensor:
        rows = states.numel() // max(states.shape[-1], 1)
        if not FEW_ROWS <= rows <= ROWS:
            return multiply(states, self.weight, self.bias)
        ops: Any = torch.ops.mkldnn
        if self.packed is None:
            self.packed = ops._reorder_linear_weight(self.weight, ROWS)
        filled = pad(states.reshape(rows, -1), (0, 0, 0, -rows % STEP))
        product: Tensor = ops._linear_pointwise(filled, self.packed, self.bias, "none", [], "")
        return product[:rows].reshape(*states.shape[:-1], -1)


def _fits(linear: torch.nn.Linear) -> bool:
    weight = linear.weight
    whole = weight.device.type == "cpu" and weight.dtype == torch.float32 and weight.layout == torch.strided
    return whole and "forward" not in vars(linear)


def _state(linear: torch.nn.Linear) -> object:
    """What changes when a weight does."""
    tensors = [t for t in (linear.weight, linear.bias) if t is not None]
    return [(t.data_ptr(), 0 if t.is_inference() else t._version) for t in tensors]


def _can_pack() -> bool:
    try:
        with torch.inference_mode():
            layer, states = torch.nn.Linear(16, 16), torch.ones(3, 16)
            return torch.allclose(_Product(layer)(states), layer(states), atol=1e-5)
    except FAILURES:
        return False
