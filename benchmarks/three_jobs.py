"""Run the commands of the docs page "Three jobs", and write what they print into it.

    python -m benchmarks.three_jobs

Every line of the page's ``console`` blocks that begins with ``$`` is run by bash, in one folder for the whole
page that holds a copy of ``examples/``; the lines below it are replaced by what it prints. What was run is
kept in ``--work``, and the same command goes on there with the first line that has no output yet.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "howto" / "three-jobs.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COLUMNS = 120


def commands_of(page: str) -> list[str]:
    """The commands of a page, in order."""
    lines = [line for block in BLOCK.findall(page) for line in block.splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]


def filled(page: str, outputs: dict[str, str]) -> str:
    """The page with each command followed by its output."""

    def block(match: re.Match[str]) -> str:
        commands = [line for line in match[1].splitlines() if line.startswith("$ ")]
        texts = [f"{line}\n{outputs[line.removeprefix('$ ')]}" for line in commands]
        return "```console\n" + "\n".join(text.rstrip("\n") for text in texts) + "\n```"

    return BLOCK.sub(block, page)


def run(command: str, folder: Path) -> str:
    """What a command prints on a terminal of `COLUMNS` columns, both streams; any exit code is told."""
    environment = os.environ | {
        "PATH": f"{folder / '.bin'}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": str(COLUMNS),
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
    }
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    return "\n".join([*lines, *([f"(exit code {done.returncode})"] if done.returncode else [])]).strip("\n")


def write_vendor(path: str) -> None:
    """Predictions as a vendor might give them: 90% for the emotion that the actor was asked to play."""
    short = {"ANG": "angry", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
    lines = [",".join(["file", *short.values()])]
    for clip in sorted((ROOT / "examples" / "crema-d" / "AudioWAV").glob("*.wav")):
        intended = clip.stem.split("_")[2]
        lines.append(",".join([clip.name, *("0.9" if code == intended else "0.02" for code in short)]))
    Path(path).write_text("\n".join(lines) + "\n")


def prepare(folder: Path) -> None:
    """The examples, and `ambivox` and `python` as they are called in a terminal."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT / "examples", folder / "examples", dirs_exist_ok=True)
    (folder / ".bin").mkdir(exist_ok=True)
    for name, words in (("ambivox", "-m ambivox"), ("python", "")):
        path = folder / ".bin" / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        path.chmod(0o755)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "three-jobs")
    work = parser.parse_args().work
    prepare(work)
    kept, page = work / "outputs.json", PAGE.read_text(encoding="utf-8")
    outputs = json.loads(kept.read_text()) if kept.exists() else {}
    for command in commands_of(page):
        if command not in outputs:
            outputs[command] = run(command, work)
            kept.write_text(json.dumps(outputs, indent=1) + "\n")
    PAGE.write_text(filled(page, outputs), encoding="utf-8")


if __name__ == "__main__":
    main()
