"""Dataclasses as Parquet columns, both ways: their types are the schema.

| in Python | in Parquet |
|---|---|
| `str` or a `Literal` of strings, `int`, `float`, `bool` | string, int64, double, bool |
| a dataclass | a struct of its fields |
| ``tuple[X, ...]`` | a list of X |
| ``Mapping[str, X]`` | a map |
| ``Annotated[NDArray[np.float32], ("T", "K")]`` | numbers in a list for each named axis |
| ``X | None`` | X, or null |

A shard holds millions of numbers and the same few tuples over and over, so numbers are read without a Python
object for each, and equal tuples, as well as equal dataclasses that can be hashed, are one object.
"""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_SCALARS = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


@functools.cache
def field_types(cls: type) -> Mapping[str, Any]:
    """The types of a dataclass's fields by name, annotations included."""
    hints = get_type_hints(cls, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(cls)}


def without_none(hint: Any) -> tuple[Any, bool]:
    """A type, and whether None is allowed beside it.

    >>> without_none(int | None), without_none(str)
    ((<class 'int'>, True), (<class 'str'>, False))
    """
    if get_origin(hint) not in (Union, types.UnionType):
        return hint, False
    [inner] = (arg for arg in get_args(hint) if arg is not type(None))
    return inner, True


def axes_of(hint: Any) -> tuple[str, ...]:
    """The named axes of an annotated array; empty for any other type."""
    return get_args(hint)[1] if get_origin(hint) is Annotated else ()


@functools.cache
def arrow_type(hint: Any) -> pa.DataType:
    """The Parquet type of a Python type, see the table above.

    >>> arrow_type(tuple[int, ...] | None)
    ListType(list<item: int64>)
    """
    kind, _ = without_none(hint)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return pa.struct(arrow_fields(kind))
    if axes_of(kind):
        array, axes = get_args(kind)
        leaf = pa.from_numpy_dtype(get_args(get_args(array)[1])[0])
        return functools.reduce(lambda inner, _: pa.list_(inner), axes, leaf)
    if get_origin(kind) is Literal:
        return pa.string()
    if get_origin(kind) is tuple:
        return pa.list_(arrow_type(get_args(kind)[0]))
    if get_origin(kind) is Mapping:
        return pa.map_(*map(arrow_type, get_args(kind)))
    return _SCALARS[kind]


def arrow_fields(cls: type) -> list[pa.Field]:
    """One Parquet field for each field of a dataclass."""
    return [pa.field(name, arrow_type(hint)) for name, hint in field_types(cls).items()]


def to_plain(value: Any) -> Any:
    """What pyarrow writes as the Parquet type of a value: dataclasses as dictionaries, arrays as lists."""
    if value is None or isinstance(value, str | int | float):  # most of a record, so they go first
        return value
    if isinstance(value, tuple):
        return [to_plain(one) for one in value]
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, np.ndarray):
        return value if value.ndim == 1 else [to_plain(one) for one in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: to_plain(getattr(value, name)) for name in field_types(type(value))}
    return value


def from_table(cls: type, table: pa.Table) -> Iterator[Any]:
    """The rows of a table, as the dataclass that they were written from.

    Raises:
        ValueError: a value that its type does not allow.
    """
    rows = table.to_struct_array()
    return _structs(cls, pa.concat_arrays(rows.chunks) if rows.num_chunks else pa.array([], rows.type))


def _values(hint: Any, array: Any, n_absent: int, name: str) -> Any:
    """The values of an array by their type; `n_absent` values are null because what they are part of is."""
    kind, optional = without_none(hint)
    if not optional and array.null_count > n_absent:
        raise ValueError(f"{name} has no value in {array.null_count - n_absent} rows")
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _structs(kind, array)
    if axes_of(kind):
        return number_rows(array)
    if get_origin(kind) is Literal:
        unknown = set(pc.unique(array).to_pylist()) - {None, *get_args(kind)}
        if unknown:
            raise ValueError(f"{name} is {min(unknown)!r}")
        return array.to_pylist()
    if get_origin(kind) is tuple:
        inner = get_args(kind)[0]
        return (
            _rows_of_structs(inner, array)
            if pa.types.is_struct(array.type.value_type)
            else repeated_rows(array)
        )
    if get_origin(kind) is Mapping:
        return (None if items is None else dict(items) for items in array.to_pylist())
    return array.to_pylist()


def _structs(cls: type, array: Any) -> Iterator[Any]:
    fields = [
        _values(hint, child, array.null_count, name)
        for (name, hint), child in zip(field_types(cls).items(), array.flatten(), strict=True)
    ]
    make = functools.partial(_shared, cls) if _hashable(cls) else cls
    valid = array.is_valid().to_pylist()
    return (make(*values) if there else None for there, *values in zip(valid, *fields, strict=True))


def _rows_of_structs(cls: type, array: Any) -> Iterator[Any]:
    inner = list(_structs(cls, array.values))
    bounds = array.offsets.to_pylist()
    for i, there in enumerate(array.is_valid().to_pylist()):
        yield tuple(inner[bounds[i] : bounds[i + 1]]) if there else None


@functools.cache
def _hashable(hint: Any) -> bool:
    kind, _ = without_none(hint)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return all(map(_hashable, field_types(kind).values()))
    return not axes_of(kind) and get_origin(kind) is not Mapping


@functools.lru_cache(maxsize=4096)
def _shared(cls: type, *values: Any) -> Any:
    """One object for all rows that share it, so that what is derived from it is derived once."""
    return cls(*values)


def number_rows(array: Any) -> Iterator[NDArray[Any] | None]:
    """The rows of lists of numbers, or of lists of such lists of one length and so on, as arrays or None.

    Raises:
        ValueError: inner lists of different lengths.

    >>> rows = number_rows(pa.array([[[1, 2], [3, 4]], None]))
    >>> [row if row is None else row.tolist() for row in rows]
    [[[1, 2], [3, 4]], None]
    """
    offsets, leaves = _levels(array)
    numbers = leaves.to_numpy(zero_copy_only=False)
    valid = array.is_valid().to_pylist()
    bounds = functools.reduce(lambda outer, inner: inner[outer], offsets)
    for i, (there, start, end) in enumerate(zip(valid, bounds[:-1], bounds[1:], strict=True)):
        yield np.array(numbers[start:end]).reshape(_shape(offsets, i)) if there else None


def _shape(offsets: Sequence[NDArray[Any]], i: int) -> tuple[int, ...]:
    """The lengths of row i and of the first list at each level inside of it; 0 where there is none."""
    shape: tuple[int, ...] = ()
    for level in offsets:
        start, end = level[i], level[i + 1] if not shape or shape[-1] else level[i]
        shape, i = (*shape, int(end - start)), start
    return shape


def repeated_rows(array: Any) -> Iterator[Any]:
    """The rows of nested lists that repeat, as nested tuples; equal rows are one object.

    >>> first, second, none = repeated_rows(pa.array([[["a", "b"], ["a", "b"], None]][0]))
    >>> first, first is second, none
    (('a', 'b'), True, None)
    """
    offsets, leaves = _levels(array)
    bounds = functools.reduce(lambda outer, inner: inner[outer], offsets)
    coded = leaves.dictionary_encode().indices if pa.types.is_string(leaves.type) else leaves
    codes = coded.to_numpy(zero_copy_only=False)
    lengths = np.diff(offsets[1]) if len(offsets) > 1 else None
    outer = offsets[0]
    known: dict[tuple[bytes, bytes], Any] = {}
    valid = array.is_valid().to_pylist()
    for i, (there, start, end) in enumerate(zip(valid, bounds[:-1], bounds[1:], strict=True)):
        if not there:
            yield None
            continue
        # What tells rows of the same values apart: how these are divided into inner lists.
        divided = b"" if lengths is None else lengths[outer[i] : outer[i + 1]].tobytes()
        key = (codes[start:end].tobytes(), divided)
        if key not in known:
            known[key] = (
                tuple(leaves[int(start) : int(end)].to_pylist())
                if lengths is None
                else _tuples(array[i].as_py())
            )
        yield known[key]


def _levels(array: Any) -> tuple[list[NDArray[Any]], Any]:
    """Where each list begins and ends in the level below, from the outermost, and the innermost values."""
    offsets = [array.offsets.to_numpy()]
    inner = array.values
    while pa.types.is_list(inner.type):
        offsets.append(inner.offsets.to_numpy())
        inner = inner.values
    return offsets, inner


def _tuples(value: Any) -> Any:
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
