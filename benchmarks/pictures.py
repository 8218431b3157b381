"""Make the pictures of the documentation: the report as people see it, its clips, and figures of a paper.

``python -m benchmarks.pictures`` runs the study of `make demo` on the 12 clips of examples/crema-d with
`mini`, reports on it, and writes into docs/pictures/: report*.png and clips.png from Chromium, and claims.svg
as ``ambivox figures`` draws it.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ambivox.present.figures.paper import write_figures
from ambivox.present.html import write_report
from ambivox.run import load_study, run_study
from ambivox.scoring import ScoringOptions, read_run
from benchmarks.page import browser

ROOT = Path(__file__).parents[1]
OUT = ROOT / "docs" / "pictures"
CLUSTER = "clip"
"""Two speakers are too few for intervals over speakers."""
COLOURS = 128


@dataclass(frozen=True)
class Shot:
    """A part of the page on a screen, from the top of what `at` finds."""

    at: str
    width: int = 1120
    height: int = 860
    colours: str = "light"


SHOTS: Mapping[str, Shot] = {
    "report": Shot("section h2"),
    "report-dark": Shot("section h3", colours="dark"),
    "report-phone": Shot("section h2", 390, 780),
    "clips": Shot(".browser"),
}


def shoot(tab: Any, shot: Shot, path: Path) -> None:
    """Save what stands there, in few colours to keep the repository small."""
    from PIL import Image

    tab.set_viewport_size({"width": shot.width, "height": shot.height})
    tab.emulate_media(color_scheme=shot.colours)
    top = tab.evaluate(
        "(at) => document.querySelector(at).getBoundingClientRect().top + scrollY - 12", shot.at
    )
    clip = {"x": 0, "y": top, "width": shot.width, "height": shot.height}
    taken = Image.open(io.BytesIO(tab.screenshot(full_page=True, clip=clip))).convert("RGB")
    taken.quantize(COLOURS).save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


def main() -> None:
    options = ScoringOptions(cluster=CLUSTER)
    with tempfile.TemporaryDirectory() as scratch:
        run = run_study(load_study(ROOT / "examples" / "demo.yaml"), Path(scratch) / "demo")
        page = write_report(run, Path(scratch) / "report.html", options, audio="embed")
        figures = {
            path.name: path for path in write_figures([read_run(run, options)], Path(scratch) / "figures")
        }
        (OUT / "claims.svg").write_bytes(figures["claims-page.svg"].read_bytes())
        with browser() as chromium:
            tab = chromium.new_page()
            tab.goto(page.as_uri())
            tab.wait_for_selector("ol.clips li")
            tab.select_option("[name=sort]", "people")
            for name, shot in SHOTS.items():
                shoot(tab, shot, OUT / f"{name}.png")


if __name__ == "__main__":
    main()
