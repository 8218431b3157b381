"""Examples of docstrings are looked for where there are any: importing the rest takes each worker seconds."""

from pathlib import Path


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out modules without an example; `tests/test_public.py` imports them all, once."""
    is_module = collection_path.suffix == ".py"
    return True if is_module and ">>>" not in collection_path.read_text("utf-8") else None
