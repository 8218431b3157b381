"""Labels and numbers in neighbouring parts: fields, lines or cells that make pairs in one way only."""

from __future__ import annotations

from collections.abc import Sequence

from ambivox.readouts.answers.atoms import Item
from ambivox.readouts.answers.numbers import Number

_CERTAINTY = frozenset(
    ["confidence", "conf", "certainty", "sure", "certain", "confident", "confianza", "confiance"]
)
IN_WORDS = Number(None, False, False, 0, 0, 0)
"""The number of a field that has none: "score: unknown"."""


def bind_neighbours(items: list[Item], *, in_object: bool = False) -> list[Item]:
    """The items with whole records as pairs: a label and its number in two fields, lines or cells.

    In one object they are together wherever they stand; elsewhere no pair may stand between them.
    """
    items = side_by_side(items)
    bare = [item for item in items if item.kind == "label" and item.key != "prose"]
    prose = [item for item in items if item.kind == "label" and item.key == "prose"]
    labels = bare or (prose if len(prose) == 1 else [])
    loose = {id(item) for item in items if item.kind == "number" or item in labels}
    records = _cut_where_fields_repeat([item for item in items if id(item) in loose])
    pairs = [_record(record) for record in records]
    if not labels or None in pairs or len({record[0].kind for record in records}) > 1:
        return items
    if not in_object and _pairs_between(items, records):
        return items
    return [*(item for item in items if id(item) not in loose), *filter(None, pairs)]


def _cut_where_fields_repeat(items: Sequence[Item]) -> list[list[Item]]:
    records: list[list[Item]] = []
    seen: set[tuple[str, str]] = set()
    for item in items:
        field = (item.kind, item.key)
        if not records or field in seen:
            records.append([])
            seen = set()
        records[-1].append(item)
        seen.add(field)
    return records


def _pairs_between(items: Sequence[Item], records: Sequence[Sequence[Item]]) -> bool:
    """Whether a whole pair stands between the label and the numbers of a record: they are no neighbours."""
    before = 0
    pairs_before: dict[int, int] = {}
    for item in items:
        pairs_before[id(item)] = before
        before += item.kind == "pair"
    return any(pairs_before[id(record[0])] != pairs_before[id(record[-1])] for record in records)


def _record(items: Sequence[Item]) -> Item | None:
    labels = [item for item in items if item.kind == "label"]
    best = best_number([item for item in items if item.kind == "number"])
    if best is None or len({item.labels for item in labels}) != 1:
        return None
    return best._replace(kind="pair", labels=labels[0].labels, key="", form=labels[0].form)


def best_number(numbers: Sequence[Item]) -> Item | None:
    """The one number among those of one label: probabilities before scores; None if two differ."""
    tier = min((item.tier for item in numbers), default=1)
    best = [item for item in numbers if item.tier == tier]
    if any(item.numbers[0] != IN_WORDS and item.key not in _CERTAINTY for item in best):
        # "value: 0.7, confidence: high" has a value
        best = [item for item in best if item.numbers[0] != IN_WORDS or item.key not in _CERTAINTY]
    shares = {item.numbers[0].share for item in best}
    return best[0] if len(shares) == 1 else None


def side_by_side(items: list[Item]) -> list[Item]:
    """The items with a list of labels and one of as many numbers as pairs."""
    labels = [item for item in items if item.kind == "labels"]
    numbers = [item for item in items if item.kind == "numbers"]
    if len(labels) != 1 or len(numbers) != 1 or len(labels[0].labels) != len(numbers[0].numbers):
        return items
    pairs = zip(labels[0].labels, numbers[0].numbers, strict=True)
    rest = [item for item in items if item.kind not in ("labels", "numbers")]
    return [*rest, *(Item("pair", (label,), (number,)) for label, number in pairs)]
