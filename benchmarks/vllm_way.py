"""vLLM on the CPU as another way to answer: an OpenAI-type server with prefix caching in its own environment.

It answers with text and with the log-probabilities of the label tokens at every step, and labels of several
tokens are scored by walking their trie with one-token requests, which find the clip in the prefix cache.
"""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from safetensors.torch import load_file, save_file

from ambivox.models import Request

START_S = 600
SERVED = "mini"
AT_A_TIME = 64


@contextmanager
def vllm_way(python: str, checkpoint: Path, threads: int, model: Any) -> Iterator[Any]:
    with vllm_server(python, checkpoint, checkpoint.parent, threads) as url:
        yield _Way(url, model)


@contextmanager
def vllm_server(python: str, checkpoint: Path, scratch: Path, threads: int) -> Iterator[str]:
    """Serve a Qwen2-Audio checkpoint on a free port of this machine; yields its URL."""
    folder = _as_on_the_hub(checkpoint, scratch / f"{checkpoint.name}-vllm")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "VLLM_TARGET_DEVICE": "cpu",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # the worker in the engine's process: it starts sooner
        "OMP_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
    }
    environment.pop("PYTHONPATH", None)
    command = [python, str(Path(__file__).with_name("vllm_server.py")), "--model", str(folder)]
    command += ["--served-model-name", SERVED, "--host", "127.0.0.1", "--port", str(port)]
    command += ["--dtype", "float32", "--max-model-len", "2048", "--enforce-eager"]
    command += ["--enable-prefix-caching"]
    path = scratch / "vllm.log"
    with path.open("w") as log:
        server = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait(server, port, path)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _as_on_the_hub(checkpoint: Path, folder: Path) -> Path:
    """vLLM insists on the names of the weights that the hub has."""
    if folder.exists():
        return folder
    shutil.copytree(checkpoint, folder)
    weights = load_file(folder / "model.safetensors")
    named = {}
    for name, weight in weights.items():
        name = name.replace("language_model.model.model.", "language_model.model.")
        if name.startswith("model."):
            name = name.removeprefix("model.").replace("language_model.", "language_model.model.", 1)
        if name.startswith("lm_head."):
            name = f"language_model.{name}"
        named[name] = weight.clone()
    save_file(named, folder / "model.safetensors", {"format": "pt"})
    return folder


def _wait(server: subprocess.Popen, port: int, log: Path) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"vLLM ended before it was ready: {log.read_text()[-2000:]}")
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
            return
        except OSError:
            time.sleep(1)
    raise RuntimeError(f"vLLM did not start in {START_S} s: {log.read_text()[-2000:]}")


class _Way:
    def __init__(self, url: str, model: Any) -> None:
        self.url = f"{url}/chat/completions"
        self.tokenizer = model.chat.tokenizer
        self.calls = 0

    def __call__(self, requests: Sequence[Request]) -> list[tuple[int, ...]]:
        # a clip that it has met in an earlier repeat would cost it nothing: a millionth louder, it is new
        self.calls += 1
        louder = {id(r.samples): r.samples * np.float32(1 + 1e-6 * self.calls) for r in requests}
        requests = [replace(request, samples=louder[id(request.samples)]) for request in requests]
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            return list(pool.map(self._answer, requests))

    def _answer(self, request: Request) -> tuple[int, ...]:
        buffer = io.BytesIO()
        soundfile.write(buffer, request.samples, 16_000, format="WAV", subtype="FLOAT")
        audio = {"data": base64.b64encode(buffer.getvalue()).decode(), "format": "wav"}
        content = [
            {"type": "input_audio", "input_audio": audio},
            {"type": "text", "text": request.prompt.text},
        ]
        turn = {"role": "user", "content": content}
        used = sorted({token for sequence in request.label_tokens.sequences for token in sequence})
        said = self._post([turn], request.prompt.max_new_tokens, used)
        for prefix in {s[:n] for s in request.label_tokens.sequences for n in range(1, len(s))}:
            begun = {"role": "assistant", "content": self.tokenizer.decode(list(prefix))}
            self._post([turn, begun], 1, used, add_generation_prompt=False, continue_final_message=True)
        return tuple(said)

    def _post(self, messages: list[Any], max_tokens: int, used: list[int], **more: Any) -> list[int]:
        body = {
            "model": SERVED,
            "messages": messages,
            "max_tokens": max_tokens,
            "temperature": 0,
            "logprobs": True,
            "logprob_token_ids": used[:128],
            "return_token_ids": True,
            **more,
        }
        post = urllib.request.Request(
            self.url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(post, timeout=600) as reply:
            choice = json.load(reply)["choices"][0]
        return choice.get("token_ids") or []
