"""The app in a browser, for what measures it, takes its pictures and tests it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent
CLIPS = ROOT / "examples" / "crema-d" / "AudioWAV"


@contextmanager
def serving(
    *arguments: str, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[tuple[str, int]]:
    """``ambivox app`` in a process of its own, on a free port of this machine: its address and process id.

    Args:
        arguments: of the command.
        environment: more variables.
        folder: where it is run; None for here.
    """
    # PYTHONPATH: of this tree, whatever is installed.
    env = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    process = subprocess.Popen(
        [sys.executable, "-m", "ambivox", "app", "--port", "0", *arguments],
        env=env | dict(environment or {}),
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        told: list[str] = []
        for line in process.stderr:
            told.append(line)
            if found := re.search(r"http://\S+", line):
                yield found[0], process.pid
                return
        raise RuntimeError(f"ambivox app did not start: {' '.join(told)}")
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stderr.close()


def microphone(speech: Path) -> tuple[str, ...]:
    """The flags of a browser that hears a sound file instead of a microphone, and asks nobody."""
    return (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={speech}",
    )
