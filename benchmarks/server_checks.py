"""What `ambivox check` says of vLLM with `mini`, a server that drops the clip, and one without logprobs.

    python -m benchmarks.server_checks --vllm PYTHON

The last two are scripts of our own; three CREMA-D clips. Without `--vllm` the page of vLLM stays as it was.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path

from tests.models.openai.scripted import Scripted, served
from typer.testing import CliRunner

from ambivox.cli.app import app
from ambivox.models.load import checkpoint_of
from benchmarks.vllm_way import vllm_server

RESULTS = Path(__file__).parent / "results"
CLIPS = sorted(Path("examples/crema-d/AudioWAV").glob("*.wav"))[:3]
SHOWN_AS = "http://127.0.0.1:8000/v1"
SCRIPTED = {
    "drops_the_clip": Scripted(dialect="openai", drops_audio=True, counts_audio=False, delay_s=0.02),
    "no_logprobs": Scripted(dialect="silent", delay_s=0.02),
}


def check(url: str, scratch: str = "") -> str:
    """What the command prints, without where the model lies."""
    clips = [part for clip in CLIPS for part in ("--clip", str(clip))]
    done = CliRunner().invoke(app, ["check", url, *clips], env={"COLUMNS": "110"})
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    said = done.output.replace(url, SHOWN_AS)
    if scratch:
        said = said.replace(f"{scratch}/", "")
    return re.sub(r" +$", "", said, flags=re.MULTILINE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--vllm", metavar="PYTHON", help="the Python of an environment with vLLM")
    arguments = parser.parse_args()
    for name, script in SCRIPTED.items():
        with served(script):
            write(arguments.out, name, check(script.url))
    if arguments.vllm:
        with (
            tempfile.TemporaryDirectory() as scratch,
            vllm_server(arguments.vllm, Path(checkpoint_of("mini")), Path(scratch), 1) as url,
        ):
            write(arguments.out, "vllm", check(url, scratch))


def write(folder: Path, name: str, said: str) -> None:
    print(said, flush=True)
    (folder / f"check_{name}.txt").write_text(said, encoding="utf-8")


if __name__ == "__main__":
    main()
