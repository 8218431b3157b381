"""Take the pictures of the app for the documentation, with `mini` and the clips of CREMA-D in ``examples/``.

    python -m benchmarks.app_pictures [--run FOLDER]

writes docs/pictures/app/*.png; the run that is browsed is the one given, or ``examples/demo.yaml``, run
into a temporary folder.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image

import ambivox
from benchmarks.app_page import CLIPS, ROOT, serving
from benchmarks.chromium import choose, chromium

OUT = ROOT / "docs" / "pictures" / "app"
CLIP = "1001_DFA_FEA_XX"
COLOURS = 256
"""Of a picture's palette: a page has few, and the file is a third as large."""


def write_call(path: Path) -> None:
    """The twelve clips, with half a second between them and four seconds of silence in the middle."""
    clips = [soundfile.read(clip) for clip in sorted(CLIPS.glob("*.wav"))]
    rate_hz = clips[0][1]
    parts = [np.concatenate([samples, np.zeros(rate_hz // 2)]) for samples, _ in clips]
    parts.insert(6, np.zeros(9 * rate_hz))
    soundfile.write(path, np.concatenate(parts), rate_hz)


class Camera:
    """A tab of the app, and where its pictures go."""

    def __init__(self, tab: Any, address: str) -> None:
        self.tab = tab
        tab.set_default_timeout(300_000)
        tab.goto(address)
        tab.get_by_role("button", name="Ask", exact=True).wait_for()

    def take(self, name: str) -> None:
        """A picture of the whole page, with a palette of its own."""
        self.tab.mouse.move(0, 0)
        path = OUT / f"{name}.png"
        self.tab.screenshot(path=path, full_page=True, animations="disabled")
        picture = Image.open(path).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        picture.save(path, optimize=True)
        print(f"{path}: {picture.width} x {picture.height}, {path.stat().st_size:,} bytes", flush=True)

    def example(self) -> None:
        choose(self.tab, "or pick an example (CREMA-D)", CLIP)
        self.tab.locator("#clip").get_by_role("button", name="Clear").wait_for()

    def ask(self) -> None:
        self.tab.get_by_role("button", name="Ask", exact=True).click()
        self.tab.locator("#listened .bars").first.wait_for()
        self.tab.wait_for_timeout(500)


def clip_and_tokens(camera: Camera) -> None:
    camera.example()
    camera.ask()
    camera.take("clip")
    said = camera.tab.locator("#listened article")
    said.locator(".token", has_text="fear").last.focus()
    path = OUT / "tokens.png"
    said.screenshot(path=path)
    print(f"{path}: {path.stat().st_size:,} bytes")


def beside(camera: Camera) -> None:
    camera.example()
    choose(camera.tab, "Prompt", "word")
    camera.tab.get_by_label("Read every layer, too").check()
    camera.tab.get_by_text("Beside it: another model or prompt").click()
    choose(camera.tab, "Prompt", "letter", nth=1)
    camera.ask()
    camera.take("beside")


def track(camera: Camera, call: Path) -> None:
    camera.tab.get_by_role("tab", name="A long recording").click()
    camera.tab.set_input_files("#recording input[type=file]", call)
    camera.tab.locator("#recording").get_by_role("button", name="Clear").wait_for()
    camera.tab.get_by_role("button", name="Follow", exact=True).click()
    camera.tab.locator("#followed audio").evaluate("(audio) => (audio.currentTime = 14)")
    camera.tab.locator("#followed .now", has_text="at 14.0 s").wait_for()
    camera.take("track")


def browse(camera: Camera) -> None:
    camera.tab.get_by_role("tab", name="A run").click()
    camera.tab.get_by_role("button", name="Open", exact=True).click()
    report = camera.tab.frame_locator("#run iframe")
    report.locator("ol.clips li").first.wait_for()
    report.locator("ol.clips").evaluate("(list) => list.closest('[data-clips]').scrollIntoView()")
    camera.tab.wait_for_timeout(1000)
    camera.take("run")


def phone(camera: Camera) -> None:
    camera.example()
    choose(camera.tab, "Prompt", "letter")
    camera.ask()
    camera.take("phone")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--run", type=Path, help="the run to browse")
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    OUT.mkdir(parents=True, exist_ok=True)
    wide, narrow = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        call = Path(scratch, "call.wav")
        write_call(call)
        run = Path(scratch, "runs", "demo")
        if given.run:
            shutil.copytree(given.run, run)
        else:
            ambivox.run_study(ambivox.load_study(ROOT / "examples" / "demo.yaml"), run)
        with serving("runs/demo", folder=Path(scratch)) as (address, _):
            browser = chromium(playwright)
            clip_and_tokens(Camera(browser.new_page(viewport=wide), address))
            beside(Camera(browser.new_page(viewport=wide), address))
            track(Camera(browser.new_page(viewport=wide), address), call)
            browse(Camera(browser.new_page(viewport=wide), address))
            phone(Camera(browser.new_page(viewport=narrow, color_scheme="dark"), address))
            browser.close()


if __name__ == "__main__":
    main()
