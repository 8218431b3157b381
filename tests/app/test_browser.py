"""The app in Chromium: a person uploads, speaks, asks, follows and browses."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks.app_page import chromium as launch
from benchmarks.app_page import microphone, serving

from tests.app.conftest import CLIP, EVIL
from tests.installed import install
from tests.present.runs import Made, make_run

if importlib.util.find_spec("gradio") is None:
    pytest.skip("the extra 'app' is not installed", allow_module_level=True)
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

SOURCE = Path(__file__).parents[2] / "src"
PATIENCE_MS = 180_000
"""An answer takes a tenth of a second, and much more on a machine that has other things to do."""

DYING = """
class Dying:
    fingerprint, max_audio_s = "none", None
    def __init__(self, name):
        self.name = "dying"
        from ambivox.models import load_model
        self.label_tokens = load_model("mini").label_tokens
    def generate(self, requests):
        raise TypeError("'NoneType' object is not subscriptable")
    def score(self, requests):
        raise TypeError("'NoneType' object is not subscriptable")
def load(rest):
    return Dying(rest)
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("app")
    site = folder / "site"
    site.mkdir()
    install(site, "dying", DYING, models={"dying": "load"})
    run = make_run(
        folder / "run", Made(clips=8, prompts=("word",), readouts=("label", "first"), names=[EVIL])
    ).folder
    environment = {
        "PYTHONPATH": f"{Path(__file__).parents[2] / 'src'}{os.pathsep}{site}",
        "TMPDIR": str(folder),
    }
    with serving("--model", "mini", "--model", "dying", str(run), environment=environment) as (address, _):
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        try:
            browser = launch(playwright, *microphone(CLIP), timeout_ms=PATIENCE_MS)
        except sync_api.Error as error:
            pytest.skip(f"no browser: install Debian's chromium ({str(error).splitlines()[0]})")
        yield browser
        browser.close()


class Page:
    """The app in a tab, with what it asked for and what it complained about."""

    def __init__(self, browser: Any, address: str) -> None:
        self.address = address
        self.tab = browser.new_page()
        self.tab.set_default_timeout(PATIENCE_MS)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.goto(address)
        self.tab.get_by_role("button", name="Ask", exact=True).wait_for()

    def upload(self, *files: Path, place: str = "#clip") -> None:
        self.tab.set_input_files(f"{place} input[type=file]", files)
        self.tab.locator(f"{place} audio, {place} .waveform-container").first.wait_for(state="attached")

    def choose(self, label: str, option: str, nth: int = 0) -> None:
        self.tab.get_by_label(label, exact=True).nth(nth).click()
        self.tab.get_by_role("option", name=option, exact=True).click()

    def ask(self) -> str:
        """What stands there when the answer is there."""
        self.tab.evaluate("document.querySelector('#listened .ambivox')?.remove()")
        self.tab.get_by_role("button", name="Ask", exact=True).click()
        self.tab.locator("#listened .ambivox").wait_for()
        return self.tab.locator("#listened").inner_text()  # type: ignore[no-any-return]


@pytest.fixture
def page(chromium: Any, served: str) -> Iterator[Page]:
    opened = Page(chromium, served)
    yield opened
    opened.tab.close()
    assert not [url for url in opened.requests if not url.startswith((served, "data:", "blob:"))]
    assert [said for said in opened.complaints if said.startswith("error") or ": " not in said] == []


def test_a_clip_is_uploaded_and_both_levels_are_shown(page: Page) -> None:
    page.upload(CLIP)
    said = page.ask()
    assert "1001_DFA_FEA_XX.wav" in said
    assert "text level" in said
    assert "token level" in said
    assert page.tab.locator("#listened .bars tbody tr").count() == 6
