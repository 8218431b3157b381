"""The browser of benchmarks, pictures and tests."""

from __future__ import annotations

import shutil
from typing import Any


def chromium(playwright: Any, *flags: str, timeout_ms: float = 60_000) -> Any:
    """Debian's Chromium, or the one that ``playwright install chromium`` got."""
    installed = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    return playwright.chromium.launch(
        executable_path=installed, args=["--no-sandbox", *flags], timeout=timeout_ms
    )


def choose(tab: Any, label: str, option: str, nth: int = 0) -> None:
    """Choose in one of the app's lists, and wait until it is closed: another may have the same options."""
    tab.get_by_label(label, exact=True).nth(nth).click()
    tab.get_by_role("option", name=option, exact=True).click()
    tab.get_by_role("option").first.wait_for(state="hidden")
