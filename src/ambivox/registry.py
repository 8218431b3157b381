"""One small registry for every kind of part: corpora, models, prompts, readouts, metrics.

Built-in parts are added by the package that holds them; third parties add theirs through entry points of
the group ``ambivox.<kind>`` (for example ``ambivox.readouts``), which are loaded when first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from ambivox.errors import AmbivoxError, UsageError, first_line, unknown_name

T = TypeVar("T")


class Registry(Generic[T]):
    """Named parts of one kind; iterating gives the names in order.

    >>> shapes = Registry[str]("shape", group="ambivox.shapes")
    >>> shapes.add("round", "o")
    'o'
    >>> shapes["round"], list(shapes)
    ('o', ['round'])
    """

    def __init__(self, kind: str, *, group: str) -> None:
        self.kind = kind
        self.group = group
        self._items: dict[str, T] = {}
        self._plugins: dict[str, EntryPoint] | None = None

    def add(self, name: str, item: T) -> T:
        """Add a part under a name of its own; a name that is taken is a `UsageError`."""
        if name in self._items:
            raise UsageError(f"{self.kind} {name!r} is registered twice: give one of them another name")
        self._items[name] = item
        return item

    def register(self, name: str) -> Callable[[T], T]:
        """The decorator form of `add`."""
        return lambda item: self.add(name, item)

    def __getitem__(self, name: str) -> T:
        if name not in self._items:
            plugins = self._entry_points()
            if name not in plugins:
                raise unknown_name(self.kind, name, self)
            self._items[name] = self._load(plugins[name])
        return self._items[name]

    def __contains__(self, name: object) -> bool:
        return name in self._items or name in self._entry_points()

    def __iter__(self) -> Iterator[str]:
        return iter(list(dict.fromkeys([*self._items, *self._entry_points()])))

    def _entry_points(self) -> dict[str, EntryPoint]:
        if self._plugins is None:
            plugins: dict[str, EntryPoint] = {}
            for point in entry_points(group=self.group):
                taken = plugins.get(point.name)
                if point.name in self._items or (taken and taken.value != point.value):
                    by = taken.value if taken else "ambivox"
                    raise UsageError(
                        f"{self.kind} {point.name!r} is registered twice, by {by} and by {point.value}: "
                        "uninstall one of the packages"
                    )
                plugins[point.name] = point
            self._plugins = plugins
        return self._plugins

    def _load(self, point: EntryPoint) -> T:
        try:
            item: T = point.load()
        except Exception as error:  # whatever the code of a third party raises
            raise AmbivoxError(
                f"{self.kind} {point.name!r}: its package cannot be loaded from {point.value} "
                f"({type(error).__name__}: {first_line(error)})"
            ) from error
        return item
