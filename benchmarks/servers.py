"""What a server's faults cost, and what the engine costs beside the bare client; against a server of our own.

    python -m benchmarks.servers --out benchmarks/results/servers.md

Every fault befalls some requests of a study of 12 clips and 4 prompts; then the study is run again without
faults, as a user would. Lost is what has no record at all, doubled what has two, changed what differs from a
study without faults. The overhead is measured at a server that answers after 50 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import numpy as np
import openai
from numpy.typing import NDArray
from tests.models.openai.scripted import Scripted, press_ctrl_c, served

from ambivox.audio import load_audio
from ambivox.emotions import load_emotions
from ambivox.errors import AmbivoxError
from ambivox.models import Reply, Request, load_model
from ambivox.models.load import checkpoint_of
from ambivox.models.openai.adapter import ServerModel
from ambivox.models.openai.chat import audio_part, user_turn
from ambivox.prompts import PROMPTS
from ambivox.record import Record
from ambivox.run import run_study
from ambivox.study import CorpusSpec, Study
from benchmarks.vllm_way import vllm_server

CLIPS = Path("examples/crema-d")
PROMPTS_ASKED = ("word", "letter", "dictionary", "percentages")
FAULTS: dict[str, list[str | None]] = {
    "none": [],
    "500, a burst of 6": ["500"] * 6,
    "429 with Retry-After 0.1 s, every third": ["429:0.1", None, None] * 16,
    "the connection ends within an answer, 4 times": ["hang-up", None, None] * 4,
    "an answer stalls for ever, twice": ["stall", *[None] * 8, "stall"],
    "JSON cut in half, 4 times": ["half-json", None, None, None] * 4,
    "no choices, 4 times": ["no-choices", None, None, None] * 4,
    "401, 3 times": [None, "401", "401", None, "401"],
    "404, twice": ["404", None, "404"],
    "413, twice": ["413", None, "413"],
    "NaN for a log-probability, twice": ["nan", None, "nan"],
    "log-probabilities of fewer tokens than the text, twice": [None, "short-logprobs", "short-logprobs"],
    "top_logprobs is ignored, twice": ["ignores-fields", None, "ignores-fields"],
}
DELAY_S = 0.05
ASKED = 128
N_REQUESTS = 12 * len(PROMPTS_ASKED)


def study(url: str) -> Study:
    model = {"name": url, "options": {"timeout_s": 1.0, "max_retries": 3, "concurrency": 8}}
    corpus = CorpusSpec(name="crema-d", path=CLIPS)
    return Study.model_validate(
        {
            "corpora": [corpus],
            "models": [model],
            "prompts": PROMPTS_ASKED,
            "controls": ["clip"],
            "batch_size": 12,
        }
    )


def fault_table() -> Iterator[str]:
    yield "| what goes wrong | sent | retried | failed | failed again | lost | doubled | changed |"
    yield "|---|---|---|---|---|---|---|---|"
    with tempfile.TemporaryDirectory() as scratch, served(Scripted(dialect="openai")) as script:
        clean = answers(script, Path(scratch) / "clean")
        for n, (name, faults) in enumerate(FAULTS.items()):
            yield row(name, script, Path(scratch) / str(n), clean, faults)
        yield row(
            "Ctrl-C with requests in flight", script, Path(scratch) / "ctrl-c", clean, [], interrupt=True
        )
    with tempfile.TemporaryDirectory() as scratch:
        yield gone(Path(scratch) / "gone", clean)


def answers(script: Scripted, out: Path) -> dict[str, str]:
    return {what(record): told(record) for record in run_study(study(script.url), out).records()}


def what(record: Record) -> str:
    return f"{record.asked.utterance.id} {record.asked.prompt.name}"


def told(record: Record) -> str:
    reply = record.reply
    return f"{reply.text} {np.round(reply.token_logits, 4).tolist()}" if reply else ""


def row(
    name: str,
    script: Scripted,
    out: Path,
    clean: dict[str, str],
    faults: list[str | None],
    *,
    interrupt: bool = False,
) -> str:
    script.faults = list(faults)
    model = load_model(script.url, timeout_s=1.0, max_retries=3, concurrency=8)
    assert isinstance(model, ServerModel)
    before = model.client.counts.sent
    failed: int | str
    if interrupt:
        script.delay_s = 0.2
        press_ctrl_c(script)
        with suppress(KeyboardInterrupt):
            run_study(study(script.url), out, models=[model])
        failed, script.delay_s = "interrupted", 0.0
    else:
        failed = sum(r.reply is None for r in run_study(study(script.url), out, models=[model]).records())
    script.faults = []
    counts = model.client.counts
    records = list(run_study(study(script.url), out).records())
    return line(name, counts.sent - before, counts.retried, failed, records, clean)


def gone(out: Path, clean: dict[str, str]) -> str:
    """The server ends in the middle of a study, and is started again at the same address."""
    with ExitStack() as stack:
        script = stack.enter_context(served(Scripted(dialect="openai", delay_s=0.1)))
        model = load_model(script.url, timeout_s=1.0, max_retries=1, concurrency=4)
        assert isinstance(model, ServerModel)
        port = int(script.url.rsplit(":", 1)[1].removesuffix("/v1"))
        ending = threading.Thread(target=lambda: (_when_half_is_answered(script), stack.close()))
        ending.start()
        failed = sum(r.reply is None for r in run_study(study(script.url), out, models=[model]).records())
        ending.join()
    sent, retried = model.client.counts.sent, model.client.counts.retried
    with served(Scripted(dialect="openai"), port):
        records = list(run_study(study(script.url), out).records())
    return line("the server is gone for half of the study", sent, retried, failed, records, clean)


def _when_half_is_answered(script: Scripted) -> None:
    while script.answered < N_REQUESTS // 2:
        time.sleep(0.01)


def line(
    name: str, sent: int, retried: int, failed: int | str, records: list[Record], clean: dict[str, str]
) -> str:
    keys = Counter(record.key for record in records)
    left = sum(record.reply is None for record in records)
    lost = len(clean) - len({what(record) for record in records})
    doubled = sum(count - 1 for count in keys.values())
    changed = sum(told(r) != clean[what(r)] for r in records if r.reply)
    return f"| {name} | {sent} | {retried} | {failed} | {left} | {lost} | {doubled} | {changed} |"


def overhead_table() -> Iterator[str]:
    yield "| at a time | bare client, requests a second | engine | overhead |"
    yield "|---|---|---|---|"
    clip = load_audio(sorted((CLIPS / "AudioWAV").glob("*.wav"))[0])
    prompt = PROMPTS["word"].render(load_emotions("cremad6"))
    with served(Scripted(dialect="openai", delay_s=DELAY_S)) as script:
        for concurrency in (1, 8, 32):
            n = min(ASKED, 32 * concurrency)
            model = load_model(script.url, concurrency=concurrency)
            request = Request(clip, prompt, model.label_tokens(prompt.answers))
            model.generate([request])
            times: dict[str, list[float]] = {"bare": [], "engine": []}
            for _ in range(5):  # in turn, so that other work on the machine slows both alike
                with timed(times["bare"]):
                    asyncio.run(bare(script.url, request, n, concurrency))
                with timed(times["engine"]):
                    model.generate([request] * n)
            per_s = {name: n / min(seconds) for name, seconds in times.items()}
            over = per_s["bare"] / per_s["engine"] - 1
            yield f"| {concurrency} | {per_s['bare']:.1f} | {per_s['engine']:.1f} | {over:+.1%} |"


@contextmanager
def timed(into: list[float]) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    into.append(time.perf_counter() - begun)


async def bare(url: str, request: Request, n: int, concurrency: int) -> None:
    """The same questions by the `openai` package alone."""
    slots = asyncio.Semaphore(concurrency)
    assert request.samples is not None
    turn = user_turn(audio_part(request.samples), request.prompt.text)

    async def one(client: openai.AsyncOpenAI) -> str | None:
        async with slots:
            answer = await client.chat.completions.create(
                model="toy", messages=[turn], temperature=0, logprobs=True, top_logprobs=20,
                max_tokens=request.prompt.max_new_tokens,
            )  # fmt: skip
        return answer.choices[0].message.content

    async with openai.AsyncOpenAI(api_key="none", base_url=url) as client:
        await asyncio.gather(*(one(client) for _ in range(n)))


def parity_table(python: str) -> Iterator[str]:
    """`mini` on vLLM beside `mini` in transformers: all prompts, 12 clips and no clip."""
    columns = ["prompt", "requests", "same greedy answer"]
    columns += ["largest difference of a label token", "of a whole label"]
    yield f"| {' | '.join(columns)} |"
    yield "|---|---|---|---|---|"
    here = load_model("mini", device="cpu")
    clips = [*map(load_audio, sorted((CLIPS / "AudioWAV").glob("*.wav"))), None]
    with tempfile.TemporaryDirectory() as scratch:
        checkpoint = Path(checkpoint_of("mini"))
        with vllm_server(python, checkpoint, Path(scratch), 1) as url:
            there = load_model(url, timeout_s=300.0)
            for name in PROMPTS:
                rendered = PROMPTS[name].render(load_emotions("cremad6"))
                label_tokens = there.label_tokens(rendered.answers)
                requests = [Request(clip, rendered, label_tokens, score=True) for clip in clips]
                yield parity_row(
                    name, there.generate(requests), here.generate(requests), here.score(requests)
                )


def parity_row(name: str, there: list[Reply], here: list[Reply], scores: list[NDArray[np.float64]]) -> str:
    same = sum((a.text, a.token_ids) == (b.text, b.token_ids) for a, b in zip(there, here, strict=True))
    token = max(
        float(np.abs(np.exp(a.token_logits) - np.exp(b.token_logits - b.logsumexp[:, None])).max())
        for a, b in zip(there, here, strict=True)
        if a.token_ids == b.token_ids
    )
    whole = max(
        float(np.abs(np.exp(reply.sequence_logp) - np.exp(logp)).max())
        for reply, logp in zip(there, scores, strict=True)
        if reply.sequence_logp is not None and reply.sequence_bounded is None
    )
    return f"| {name} | {len(here)} | {same} | {token:.1e} | {whole:.1e} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/servers.md"))
    parser.add_argument(
        "--vllm", metavar="PYTHON", help="the Python of an environment with vLLM: parity, too"
    )
    arguments = parser.parse_args()
    where = f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the start"
    which = f"openai {openai.__version__}, Python {platform.python_version()}"
    lines = ["# Faults of a server, and the engine beside the bare client", ""]
    lines += [f"By `benchmarks/servers.py` on {where}; {which}; the server is a script of our own."]
    tables = {"Faults": fault_table(), "Overhead": overhead_table()}
    if arguments.vllm:
        tables["`mini` on vLLM and in transformers"] = parity_table(arguments.vllm)
    for title, table in tables.items():
        lines += ["", f"## {title}", ""]
        for one in table:
            print(one, flush=True)
            lines.append(one)
    arguments.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except AmbivoxError as error:
        raise SystemExit(str(error)) from None
