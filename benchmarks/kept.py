"""Results that are written cell by cell, so that a long measurement goes on where it was stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Kept:
    """Cells of a table by name, in a JSON file; a cell that is there is not computed again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.cells: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def get(self, name: str, compute: Callable[[], Any]) -> Any:
        """The cell of this name, computed and written if it is not there."""
        if name not in self.cells:
            self.cells[name] = compute()
            aside = self.path.with_suffix(".part")
            aside.parent.mkdir(parents=True, exist_ok=True)
            aside.write_text(json.dumps(self.cells, indent=1) + "\n", encoding="utf-8")
            aside.replace(self.path)
        return self.cells[name]
