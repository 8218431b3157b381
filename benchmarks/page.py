"""How large the report is, as a page and as a PDF, how long it takes to write, open, sort and page, and what
axe-core finds in it, by the number of clips.

``python -m benchmarks.page [--clips 12 1000 100000]`` makes up runs, reports on them without sound, opens the
pages in Chromium and writes benchmarks/results/page.json. 100,000 clips are asked one prompt, fewer four.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ambivox.manifest import Manifest
from ambivox.present.html import write_report
from ambivox.record import AskedUtterance, Record, write_records
from ambivox.run import Run, Study
from ambivox.scoring import ScoringOptions
from benchmarks.chromium import chromium
from benchmarks.scoring import EMOTIONS, PROMPTS, SOUNDS, SPEAKERS, answers

READOUTS = ("label", "dictionary", "first", "mean")
SHARD = 2000
MANY_CLIPS = 20_000
PATIENCE_MS = 300_000
RESULTS = Path(__file__).parent / "results" / "page.json"


def records(n_clips: int, prompts: tuple[str, ...]) -> Iterator[Record]:
    """Records of clips with votes of nine raters each, and logits drawn for each record."""
    rng = np.random.default_rng(0)
    pools = [answers(prompt, rng) for prompt in prompts]
    for clip in range(n_clips):
        votes = dict(
            zip(EMOTIONS.labels, rng.multinomial(9, rng.dirichlet(np.ones(6))).tolist(), strict=True)
        )
        utterance = AskedUtterance("made up", f"clip{clip}", f"speaker{clip % SPEAKERS}", None, None, votes)
        for pool in pools:
            record = pool[int(rng.integers(SOUNDS))]
            logits = record.replied.token_logits
            moved = logits + rng.normal(0, 0.3, logits.shape).astype(np.float32)
            yield replace(
                record,
                key=f"{clip} {record.asked.prompt.name}",
                asked=replace(record.asked, utterance=utterance),
                reply=replace(record.replied, token_logits=moved),
            )


def write_run(folder: Path, n_clips: int, prompts: tuple[str, ...]) -> Run:
    (folder / "records").mkdir(parents=True)
    manifest = Manifest(plan="made up", requests=n_clips * len(prompts))
    made = records(n_clips, prompts)
    for n in itertools.count():
        shard = list(itertools.islice(made, SHARD))
        if not shard:
            break
        path = folder / "records" / f"00-{n:06d}.parquet"
        write_records(shard, path)
        manifest.add(path, shard)
    study = Study.model_validate(
        {"corpora": [{"name": "manifest", "path": "m.csv"}], "prompts": prompts, "controls": ["clip"]}
    )
    (folder / "study.yaml").write_text(yaml.safe_dump(study.model_dump(mode="json")), encoding="utf-8")
    (folder / "manifest.json").write_text(manifest.model_dump_json(), encoding="utf-8")
    return Run(folder)


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium, closed at the end."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = chromium(playwright)
        yield opened
        opened.close()


def opened(page: Path) -> dict[str, Any]:
    """How long a browser takes until the first clips are there, to sort them all, and to show the next; what
    axe-core finds; how large the page is as a PDF."""
    with browser() as opened:
        tab = opened.new_page()
        started_s = time.perf_counter()
        tab.goto(page.as_uri(), timeout=PATIENCE_MS)
        tab.wait_for_selector("ol.clips li", timeout=PATIENCE_MS)
        open_s = time.perf_counter() - started_s
        timed = """([name, value]) => {
            const started = performance.now();
            const control = document.querySelector(name);
            if (value) { control.value = value; control.dispatchEvent(new Event("input", {bubbles: true})); }
            else control.click();
            return (performance.now() - started) / 1000;
        }"""
        sort_s = tab.evaluate(timed, ["[name=sort]", "people"])
        next_s = tab.evaluate(timed, ["[data-do=after]", ""])
        heap = tab.evaluate("performance.memory.usedJSHeapSize")
        return {
            "open_s": round(open_s, 1),
            "sort_s": round(sort_s, 3),
            "next_s": round(next_s, 3),
            "heap_mb": round(heap / 1e6),
            "pdf_mb": round(len(tab.pdf(format="A4")) / 1e6, 2),
            "axe_violations": violations(tab),
        }


def violations(tab: Any) -> dict[str, int]:
    """How many rules of axe-core a page breaks, by severity, in a light and a dark page together."""
    axe = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    found = dict.fromkeys(("critical", "serious", "moderate", "minor"), 0)
    for colours in ("light", "dark"):
        tab.emulate_media(color_scheme=colours)
        tab.evaluate(axe)
        for rule in tab.evaluate("axe.run(document)")["violations"]:
            found[rule["impact"]] += 1
    return found


def measured(n_clips: int) -> dict[str, Any]:
    prompts = PROMPTS[:1] if n_clips > MANY_CLIPS else PROMPTS
    with tempfile.TemporaryDirectory() as scratch:
        run = write_run(Path(scratch) / "run", n_clips, prompts)
        started_s = time.perf_counter()
        page = write_report(
            run,
            Path(scratch) / "report.html",
            ScoringOptions(readouts=READOUTS),
            audio="none",
            n_processes=os.cpu_count() or 1,
        )
        return {
            "clips": n_clips,
            "prompts": len(prompts),
            "page_mb": round(page.stat().st_size / 1e6, 2),
            "write_s": round(time.perf_counter() - started_s, 1),
        } | opened(page)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, nargs="+", default=[12, 1000, 100_000])
    arguments = parser.parse_args()
    pages = []
    for n_clips in arguments.clips:
        load = round(os.getloadavg()[0], 1)
        pages.append(measured(n_clips) | {"load_before": load})
        print(json.dumps(pages[-1]), flush=True)
        # After each, as the last may take long and be stopped.
        report = {"cores": os.cpu_count(), "platform": platform.platform(), "pages": pages}
        RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
