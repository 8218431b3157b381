"""How the language part descends."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import torch
from recipes.mini.descent import Descent, Muon, orthogonal


@pytest.mark.parametrize("shape", [(24, 24), (24, 60), (60, 24)])
def test_a_step_keeps_the_singular_vectors_and_evens_the_values(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0)).double()
    u, values, v = torch.linalg.svd(matrix, full_matrices=False)
    found = u.T @ orthogonal(matrix) @ v.T
    evened = found.diagonal()
    np.testing.assert_allclose(found - torch.diag(evened), np.zeros((24, 24)), atol=1e-9)
    large = values > 0.1 * values.max()
    assert evened[large].min() > 0.6
    assert evened[large].max() < 1.3


def test_muon_goes_where_that_of_torch_goes() -> None:
    """Torch's computes in bfloat16: its steps agree to a few hundredths of their length."""
    generator = torch.Generator().manual_seed(1)
    start = torch.randn(24, 60, generator=generator)
    ours, theirs = (torch.nn.Parameter(start.clone()) for _ in range(2))
    one = Muon([ours], learning_rate=0.1, weight_decay=0.01)
    other = torch.optim.Muon([theirs], lr=0.1, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    for _ in range(4):
        ours.grad = torch.randn(start.shape, generator=generator)
        theirs.grad = ours.grad.clone()
        one.step()
        other.step()
    went, went_there = (now.detach() - start for now in (ours, theirs))
    assert (went - went_there).norm() < 0.05 * went_there.norm()


def test_the_rate_rises_and_falls_to_nothing() -> None:
    matrix, vector = torch.nn.Parameter(torch.eye(3)), torch.nn.Parameter(torch.zeros(3))
    descent = Descent([matrix], [vector], 0.1, 20, weight_decay=0.0, rise=0.25)
    steps = []
    for _ in range(20):
        before = vector.detach().clone()
        (matrix.sum() + vector.sum()).backward()
        descent.step()
        assert matrix.grad is None
        assert vector.grad is None
        steps.append(float((vector.detach() - before).abs().max()))
    assert np.argmax(steps) in (4, 5, 6)
    assert steps[0] < 0.2 * max(steps)
    assert steps[-1] < 0.05 * max(steps)
