"""Packed weights give what the weights give, and only while they are in use."""

from __future__ import annotations

import contextlib

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from ambivox.models.hf.prefix_sharing import packed  # noqa: E402
from ambivox.models.hf.prefix_sharing.packed import PackedLinears  # noqa: E402

sizes = st.integers(1, 70)


@settings(deadline=None, max_examples=30)
@given(rows=sizes, width=sizes, out=sizes, bias=st.booleans(), stride=st.sampled_from([1, 2]))
def test_packed_weights_multiply_like_the_weights(rows, width, out, bias, stride):
    torch.manual_seed(rows)
    linear = torch.nn.Linear(width, out, bias=bias)
    states = torch.randn(2, rows, width * stride)[..., ::stride]
    linears = PackedLinears(torch.nn.Sequential(linear))
    assert linears.linears == [linear]
    with torch.inference_mode(), linears.in_use():
        got = linear(states)
    expected = states.double() @ linear.weight.double().T + (linear.bias.double() if bias else 0)
    torch.testing.assert_close(got.double(), expected, atol=1e-5, rtol=1e-5)


def test_a_weight_that_was_trained_on_is_packed_anew():
    linear = torch.nn.Linear(8, 8)
    linears, states = PackedLinears(linear), torch.ones(3, 8)
    with torch.inference_mode(), linears.in_use():
        before = linear(states)
    with torch.no_grad():
        linear.weight += 1
    with torch.inference_mode(), linears.in_use():
        torch.testing.assert_close(linear(states), before + 8)


def test_nothing_stays_on_the_model():
    linear = torch.nn.Linear(8, 8)
    with contextlib.suppress(KeyError), PackedLinears(linear).in_use():
        assert "forward" in vars(linear)
        raise KeyError
    assert "forward" not in vars(linear)
    linear(torch.ones(1, 8)).sum().backward()
    assert linear.weight.grad is not None


def test_what_cannot_be_packed_is_left_alone(monkeypatch):
    class Own(torch.nn.Linear):
        pass

    hooked = torch.nn.Linear(8, 8)
    hooked.forward = hooked.forward
    odd = [
        hooked,
        Own(8, 8),
        torch.nn.Linear(8, 8, dtype=torch.bfloat16),
        torch.nn.Linear(8, 8, device="meta"),
    ]
    assert PackedLinears(torch.nn.Sequential(*odd)).linears == []
    linear = torch.nn.Linear(8, 8)
    monkeypatch.setattr(packed, "ROOM_BYTES", 255)
    assert PackedLinears(linear).linears == []
    monkeypatch.setattr(packed, "ROOM_BYTES", 256)
    assert PackedLinears(linear).linears == [linear]
    monkeypatch.setattr(packed._Product, "__call__", lambda *_: torch.ops.mkldnn.no_such_operator)
    assert PackedLinears(linear).linears == []


def test_products_of_many_rows_or_one_are_left_as_they_are():
    linear = torch.nn.Linear(8, 4)
    linears = PackedLinears(linear)
    with torch.inference_mode(), linears.in_use():
        for rows in (packed.ROWS + 1, packed.FEW_ROWS - 1, 1, 0):
            states = torch.randn(rows, 8)
            assert torch.equal(linear(states), torch.nn.functional.linear(states, linear.weight, linear.bias))
        assert linear.forward.packed is None
        assert linear(torch.randn(2, 5, 8)).shape == (2, 5, 4)
        assert linear.forward.packed is not None
