"""One small registry for every kind of part: corpora, models, prompts, readouts, metrics.

Other packages add theirs through entry points of the group ``ambivox.<kind>`` (for example
``ambivox.readouts``), which are loaded when first asked for. What is wrong with one of them costs one line
that names it; everything else goes on without it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

from ambivox.errors import AmbivoxError, UsageError, first_line, unknown_name

T = TypeVar("T")

TAKEN = "ambivox has one of that name, and it stays; the package has to choose another"
_LOG = logging.getLogger(__name__)


class Registry(Generic[T]):
    """Named parts of one kind; iterating gives the names of all that work.

    Args:
        kind: what a part is called in messages.
        group: the group of entry points by which other packages add theirs.
        accept: ``(name, item) -> part`` for what others register; raises ValueError or UsageError where the
            item is not such a part.
        built_in: the parts of ambivox itself, which are taken as they are.

    >>> shapes = Registry[str]("shape", group="ambivox.shapes", accept=lambda name, item: str(item))
    >>> shapes.add("round", "o")
    >>> shapes["round"], list(shapes)
    ('o', ['round'])
    """

    def __init__(
        self,
        kind: str,
        *,
        group: str,
        accept: Callable[[str, Any], T],
        built_in: Mapping[str, T] | None = None,
    ) -> None:
        self.kind = kind
        self.group = group
        self._accept = accept
        self._items: dict[str, T] = dict(built_in or {})
        self._points: dict[str, EntryPoint] | None = None
        self._left_out: dict[str, AmbivoxError] = {}
        self._said: set[str] = set()

    def add(self, name: str, item: Any) -> None:
        """Add a part for as long as this program runs; a package adds its own by an entry point.

        Raises:
            UsageError: the name is taken, or the item is not such a part.
        """
        if name in self:
            raise UsageError(f"{self.kind} {name!r} is registered twice: give one of them another name")
        try:
            self._items[name] = self._accept(name, item)
        except Exception as error:
            raise UsageError(f"{self.kind} {name!r}: {_why(error)}") from error

    def __getitem__(self, name: str) -> T:
        if name not in self._items:
            points = self._entry_points()
            if name in self._left_out:
                raise self._left_out[name]
            if name not in points:
                raise unknown_name(self.kind, name, self)
            self._items[name] = self._load(points[name])
        return self._items[name]

    def __contains__(self, name: object) -> bool:
        """Whether a name is registered; whether its package can be loaded shows when it is asked for."""
        return name in self._items or name in self._entry_points() or name in self._left_out

    def __iter__(self) -> Iterator[str]:
        for name in dict.fromkeys([*self._items, *self._entry_points(), *self._left_out]):
            try:
                self[name]
            except AmbivoxError as error:
                self._say(name, error)
            else:
                yield name

    def _entry_points(self) -> dict[str, EntryPoint]:
        """What other packages register, by name; a name that two of them claim is nobody's."""
        if self._points is None:
            self._points = {}
            for name, claims in _by_name(self.group).items():
                if name in self._items:
                    for value in claims:
                        self._say(value, f"{self.kind} {name!r} of {value}: {TAKEN}")
                elif len(claims) > 1:
                    self._left_out[name] = UsageError(
                        f"{self.kind} {name!r} is registered twice, by {' and by '.join(sorted(claims))}: "
                        "uninstall one of the packages"
                    )
                else:
                    (self._points[name],) = claims.values()
        return self._points

    def _load(self, point: EntryPoint) -> T:
        try:
            item = point.load()
        except (Exception, SystemExit) as error:  # whatever the code of others raises
            fault = f"cannot be loaded from {point.value} ({type(error).__name__}: {first_line(error)})"
        else:
            try:
                return self._accept(point.name, item)
            except Exception as error:  # its fields can hold anything
                fault = f"cannot be used from {point.value}: {_why(error)}"
        self._left_out[point.name] = AmbivoxError(f"{self.kind} {point.name!r} {fault}")
        raise self._left_out[point.name]

    def _say(self, key: str, text: object) -> None:
        if key not in self._said:
            self._said.add(key)
            _LOG.warning("left out: %s", text)


def _why(error: Exception) -> str:
    """Why a part was not accepted; what nobody foresaw is named by its type."""
    foreseen = isinstance(error, ValueError | AmbivoxError)
    return first_line(error) if foreseen else f"{type(error).__name__}: {first_line(error)}"


def _by_name(group: str) -> dict[str, dict[str, EntryPoint]]:
    """The entry points of a group by name, and of each name by what they point to."""
    found: dict[str, dict[str, EntryPoint]] = {}
    for point in entry_points(group=group):
        found.setdefault(point.name, {})[point.value] = point
    return found
