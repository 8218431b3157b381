"""The app in Chromium: a person uploads, speaks, asks, follows and browses."""

import importlib.util
import os
import shutil
import socket
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile as sf
from benchmarks.app_page import microphone, serving
from benchmarks.chromium import choose

from tests.app.conftest import CLIP, EVIL, OTHER
from tests.app.slow_line import slow_line
from tests.browser import PATIENCE_MS, browser
from tests.installed import install
from tests.present.runs import Made, make_run

if importlib.util.find_spec("gradio") is None:
    pytest.skip("the extra 'app' is not installed", allow_module_level=True)
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

SOURCE = Path(__file__).parents[2] / "src"
MAX_BYTES = 2_000_000
OWN = "spoken by one user only.wav"
"""An answer takes a tenth of a second, and much more on a machine that has other things to do."""

DYING = """
from ambivox.scoring import noise_ceiling
noise_ceiling.NOISE_READINGS, noise_ceiling.LEAST_DRAWS, noise_ceiling.MOST_DRAWS = 400, 4, 4
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
"""A model that dies; its module has the app draw noise ceilings roughly: they are most of a report's cost."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("app")


@pytest.fixture(scope="module")
def served(folder: Path) -> Iterator[str]:
    """The address of an app with a model that answers, one that dies, and a run."""
    (folder / "site").mkdir()
    install(folder / "site", "dying", DYING, models={"dying": "load"})
    made = Made(clips=8, prompts=("word",), readouts=("label", "first"), names=[EVIL])
    run = str(make_run(folder / "run", made).folder)
    environment = {"PYTHONPATH": f"{SOURCE}{os.pathsep}{folder / 'site'}", "TMPDIR": str(folder)}
    models = ("--model", "mini", "--model", "dying")
    with serving(*models, "--max-bytes", str(MAX_BYTES), run, environment=environment) as (address, _):
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser(*microphone(CLIP)) as opened:
        yield opened


class Page:
    """The app in a tab, with what it asked for and what it complained about."""

    def __init__(self, browser: Any, address: str) -> None:
        self.tab = browser.new_page()
        self.tab.set_default_timeout(PATIENCE_MS)
        self.requests: list[str] = []
        self.errors: list[str] = []
        self.tab.on("request", lambda request: self.requests.append(request.url))
        self.tab.on("console", self.listen)
        self.tab.on("pageerror", lambda error: self.errors.append(str(error)))
        self.tab.goto(address)
        self.button("Ask").wait_for()

    def listen(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def button(self, name: str) -> Any:
        return self.tab.get_by_role("button", name=name, exact=True)

    def go_to(self, name: str) -> None:
        self.tab.get_by_role("tab", name=name, exact=True).click()

    def upload(self, file: Path, place: str = "clip") -> None:
        """Put a file where another may be."""
        chooser = self.tab.locator(f"#{place} input[type=file]")
        if not chooser.count():
            self.tab.locator(f"#{place}").get_by_role("button", name="Clear").click()
        chooser.set_input_files(file)
        chooser.wait_for(state="detached")

    def start_asking(self) -> None:
        self.tab.evaluate("document.querySelector('#listened .ambivox')?.remove()")
        self.button("Ask").click()

    def answer(self) -> str:
        """What stands there when the answer is there."""
        shown = self.tab.locator("#listened .ambivox")
        shown.wait_for()
        return shown.inner_text()  # type: ignore[no-any-return]

    def ask(self) -> str:
        self.start_asking()
        return self.answer()

    def shares(self) -> list[str]:
        self.tab.locator("#listened .bars").first.wait_for()
        return self.tab.locator("#listened .bars tbody td").all_inner_texts()  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def opened(chromium: Any, served: str) -> Page:
    """One tab for most tests: opening the page takes seconds."""
    return Page(chromium, served)


@pytest.fixture(scope="module")
def other(chromium: Any, served: str) -> Iterator[Page]:
    """The tab of another user, until it is closed; its line is slow, so that what comes too early is lost."""
    with slow_line(served, late_s=0.5) as address:
        yield Page(chromium, address)


@pytest.fixture
def page(opened: Page, served: str) -> Iterator[Page]:
    opened.tab.set_viewport_size({"width": 1280, "height": 900})
    opened.tab.emulate_media(color_scheme="light")
    opened.go_to("A clip")
    yield opened
    assert [url for url in opened.requests if not url.startswith((served, "data:", f"blob:{served}"))] == []
    assert opened.errors == []


def test_a_clip_is_uploaded_and_both_levels_are_shown(page: Page) -> None:
    page.upload(CLIP)
    said = page.ask()
    assert "1001_DFA_FEA_XX.wav" in said
    assert "text level" in said
    assert "token level" in said
    assert page.tab.locator("#listened .bars tbody tr").count() == 6


def test_the_microphone_is_heard(page: Page) -> None:
    sound = page.tab.locator("#clip")
    if sound.get_by_role("button", name="Clear").count():
        sound.get_by_role("button", name="Clear").click()
    sound.get_by_role("button", name="Record audio").click()
    sound.locator(".record-button").click()
    page.tab.wait_for_timeout(1500)
    sound.locator(".stop-button").first.click()
    sound.get_by_role("button", name="Clear").wait_for()
    said = page.ask()
    assert "audio.wav" in said
    assert float(said.split("audio.wav ")[1].split(" s")[0]) > 1
    sound.get_by_role("button", name="Clear").click()
    sound.get_by_role("button", name="Upload file").click()


def test_the_keyboard_alone_asks_and_reads_tokens(page: Page) -> None:
    tab = page.tab
    tab.get_by_label("or pick an example (CREMA-D)").focus()
    tab.keyboard.type("1002_DFA_HAP")
    tab.keyboard.press("Enter")
    tab.locator("#clip").get_by_role("button", name="Clear").wait_for()
    tab.evaluate("document.querySelector('#listened .ambivox')?.remove()")
    for _ in range(20):
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement.textContent.trim()") == "Ask":
            break
    tab.keyboard.press("Enter")
    assert "1002_DFA_HAP_XX.wav" in page.answer()
    tab.keyboard.press("Tab")
    assert "token 1:" in tab.locator("#listened .told").first.inner_text()
    tab.keyboard.press("ArrowRight")
    assert "token" in tab.locator("#listened .told").first.inner_text()
    assert tab.evaluate("document.activeElement.previousElementSibling.className") == "token"


def test_two_users_at_once_are_each_answered(page: Page, other: Page) -> None:
    users = ((page, CLIP), (other, OTHER))
    alone = []
    for user, clip in users:
        user.upload(clip)
        user.ask()
        alone.append(user.shares())
    assert alone[0] != alone[1]
    for user, _ in users:
        user.start_asking()
    for (user, clip), shares in zip(users, alone, strict=True):
        assert clip.name in user.answer()
        assert user.shares() == shares
    assert other.errors == []


def test_another_model_stands_beside_and_its_death_is_one_line(other: Page) -> None:
    other.upload(CLIP)
    other.tab.get_by_label("Read every layer, too").check()
    other.tab.get_by_text("Beside it: another model or prompt").click()
    choose(other.tab, "Model", "dying", nth=1)
    choose(other.tab, "Prompt", "word", nth=1)
    said = other.ask()
    assert "dying failed: TypeError: 'NoneType' object is not subscriptable" in said
    assert "Traceback" not in other.tab.locator("body").inner_text()
    assert other.tab.locator("#listened .bars").count() == 1
    assert other.tab.locator("#listened .layers tbody tr").count() > 1
    assert other.errors == []


def test_a_recording_is_followed_and_its_picture_goes_with_the_sound(page: Page, folder: Path) -> None:
    call = folder / "call.wav"
    sf.write(call, np.concatenate([sf.read(CLIP)[0], sf.read(OTHER)[0], np.zeros(16_000)]), 16_000)
    page.go_to("A long recording")
    page.upload(call, "recording")
    page.tab.get_by_label("Window, in seconds").fill("1")
    page.button("Follow").click()
    track = page.tab.locator("#followed .track")
    track.wait_for()
    track.locator("audio").evaluate("(audio) => (audio.currentTime = 1.2)")
    now = track.locator(".now", has_text="at 1.2 s")
    now.wait_for()
    first = now.inner_text()
    track.locator(".strip").click(position={"x": 600, "y": 50})
    track.locator(".now:not(:has-text('at 1.2 s'))").wait_for()
    assert track.locator(".now").inner_text() != first
    with page.tab.expect_download() as download:
        track.get_by_role("link", name="Save the windows as CSV").click()
    lines = Path(download.value.path()).read_text("utf-8").splitlines()
    assert lines[0].startswith("start_s,end_s,status,p.angry")
    assert len(lines) > 4


def test_a_run_is_browsed_and_an_unknown_one_is_one_line(page: Page, folder: Path) -> None:
    page.go_to("A run")
    page.button("Open").click()
    report = page.tab.frame_locator("#run iframe")
    report.locator("ol.clips li").first.wait_for()
    assert report.locator("ol.clips h4 bdi").first.inner_text() == EVIL
    page.tab.get_by_label("The folder that 'ambivox run' wrote").fill(f"{folder}/<b>nothing</b>")
    page.button("Open").click()
    wrong = page.tab.locator("#run .wrong")
    wrong.wait_for()
    assert "<b>nothing</b>" in wrong.inner_text()
    assert len(wrong.inner_text().splitlines()) == 1


@pytest.mark.parametrize("width", [390, 768, 1280, 1920])
def test_the_page_is_no_wider_than_the_screen(page: Page, width: int) -> None:
    page.tab.set_viewport_size({"width": width, "height": 900})
    page.tab.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
    assert page.tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("tab", "colours", "rules"),
    [
        ("A clip", "light", "{}"),
        ("A clip", "dark", "{runOnly: {type: 'rule', values: ['color-contrast']}}"),
        ("A long recording", "light", "{}"),
    ],
)
def test_axe_finds_nothing_serious(page: Page, tab: str, colours: Any, rules: str) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="axe-core is not installed")
    page.go_to(tab)
    page.tab.emulate_media(color_scheme=colours)
    page.tab.wait_for_function(
        f"document.body.classList.contains('dark') === {str(colours == 'dark').lower()}"
    )
    page.tab.evaluate(resources.files(axe).joinpath("axe.min.js").read_text("utf-8"))
    found = page.tab.evaluate(f"axe.run({rules})")
    assert {rule["id"] for rule in found["passes"]} >= {"color-contrast"}
    serious = [
        (rule["id"], rule["nodes"][0]["html"], rule["nodes"][0]["failureSummary"])
        for rule in found["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
    assert serious == []


def test_a_text_file_named_wav_is_one_line(page: Page, folder: Path) -> None:
    notes = folder / "notes \u05e9\u05dc\u05d5\u05dd <img src=x onerror=document.title=1>.wav"
    notes.write_text("dear diary")
    page.upload(notes)
    said = page.ask()
    assert "not sound that can be decoded" in said
    assert "notes" in said
    assert str(folder) not in said
    assert page.tab.locator("#listened img").count() == 0
    assert page.tab.title() == "ambivox"
    assert set(page.errors) <= {"Waveform load error: MediaError"}
    page.errors.clear()


def test_an_upload_that_breaks_off_stops_nobody(page: Page, served: str) -> None:
    host, port = served.removeprefix("http://").strip("/").split(":")
    with socket.create_connection((host, int(port))) as half:
        half.sendall(
            b"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
            b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.wav"\r\n\r\nRIFF'
        )
    page.upload(CLIP)
    assert "1001_DFA_FEA_XX.wav" in page.ask()


def test_a_clip_is_deleted_when_the_page_is_closed(other: Page, folder: Path) -> None:
    def kept() -> list[Path]:
        return [file for file in folder.glob("ambivox-app-*/uploads/**/*.wav") if file.name == OWN]

    own = Path(shutil.copy(CLIP, folder / OWN))
    own.write_bytes(own.read_bytes() + b"LIST\x04\0\0\0INFO")
    other.upload(own)
    other.ask()
    assert len(kept()) == 1
    other.tab.close()
    until_s = time.monotonic() + 60
    while kept() and time.monotonic() < until_s:
        time.sleep(0.05)
    assert kept() == []


def test_a_file_that_is_too_large_is_told(page: Page, folder: Path) -> None:
    large = folder / "large.wav"
    large.write_bytes(bytes(MAX_BYTES + 1))
    clear = page.tab.locator("#clip").get_by_role("button", name="Clear")
    if clear.count():  # a clip of the test before
        clear.click()
    page.tab.set_input_files("#clip input[type=file]", large)
    told = page.tab.get_by_text("maximum allowed size").first
    told.wait_for()
    assert "maximum allowed size" in told.inner_text()
    assert page.tab.locator("#clip audio").count() == 0
    page.errors.clear()  # the browser's own line on an answer of 413
