"""A real browser for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from benchmarks.chromium import chromium

PATIENCE_MS = 180_000


@contextmanager
def browser(*flags: str) -> Iterator[Any]:
    """Chromium with some flags, or a skip that says what to install."""
    from playwright import sync_api

    with sync_api.sync_playwright() as playwright:
        try:
            opened = chromium(playwright, *flags, timeout_ms=PATIENCE_MS)
        except sync_api.Error as error:
            pytest.skip(f"no browser: install Debian's chromium ({str(error).splitlines()[0]})")
        yield opened
        opened.close()
