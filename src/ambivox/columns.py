"""Columns of nested lists as arrays and tuples, without a Python object for every number.

A shard of records holds millions of numbers and the same few list over and over.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def number_rows(column: pa.ChunkedArray) -> Iterator[NDArray[Any] | None]:
    """The rows of a column of lists of numbers, or of lists of such lists of one length, as arrays or None.

    >>> rows = number_rows(pa.chunked_array([[[[1, 2], [3, 4]], None]]))
    >>> [row if row is None else row.tolist() for row in rows]
    [[[1, 2], [3, 4]], None]
    """
    array = _joined(column)
    bounds, leaves = _bounds(array)
    numbers = leaves.to_numpy(zero_copy_only=False)
    outer = np.diff(array.offsets.to_numpy()).tolist()
    nested = pa.types.is_list(array.values.type)
    valid = array.is_valid().to_pylist()
    for there, n_rows, start, end in zip(valid, outer, bounds[:-1], bounds[1:], strict=True):
        row = np.array(numbers[start:end]) if there else None
        yield row.reshape(n_rows, -1 if n_rows else 0) if nested and row is not None else row


def repeated_rows(column: pa.ChunkedArray) -> Iterator[Any]:
    """The rows of a column of nested lists that repeat, as nested tuples; equal rows are one object.

    >>> first, second, none = repeated_rows(pa.chunked_array([[["a", "b"], ["a", "b"], None]]))
    >>> first, first is second, none
    (('a', 'b'), True, None)
    """
    array = _joined(column)
    bounds, leaves = _bounds(array)
    if pa.types.is_string(leaves.type):
        leaves = leaves.dictionary_encode().indices
    codes = leaves.to_numpy(zero_copy_only=False)
    shapes = _inner_lengths(array)
    known: dict[tuple[bytes, bytes], Any] = {}
    valid = array.is_valid().to_pylist()
    for i, (there, start, end) in enumerate(zip(valid, bounds[:-1], bounds[1:], strict=True)):
        if not there:
            yield None
            continue
        key = (codes[start:end].tobytes(), shapes(i))
        if key not in known:
            known[key] = _tuples(array[i].as_py())
        yield known[key]


def _joined(column: pa.ChunkedArray) -> Any:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _bounds(array: Any) -> tuple[NDArray[Any], Any]:
    """Where each row begins and ends among the innermost values, and these values."""
    bounds, inner = array.offsets.to_numpy(), array.values
    while pa.types.is_list(inner.type):
        bounds, inner = inner.offsets.to_numpy()[bounds], inner.values
    return bounds, inner


def _inner_lengths(array: Any) -> Any:
    """What tells rows of the same values apart: how these are divided into inner lists."""
    if not pa.types.is_list(array.values.type):
        return lambda i: b""
    bounds, lengths = array.offsets.to_numpy(), np.diff(array.values.offsets.to_numpy())
    return lambda i: lengths[bounds[i] : bounds[i + 1]].tobytes()


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
