"""An OpenAI-type server of our own: it plays the dialects of others and their faults, and its truth is known.

It listens on a free port of this machine and is stopped by its own handle.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

Dialect = Literal["vllm", "openai", "llamacpp", "sglang", "silent"]
"""What is told of a step: named ids (vllm), the 20 most probable (openai), 100 of them with ids (llamacpp),
named ids on an endpoint of its own (sglang), or nothing though it is asked for (silent)."""

END = "<|im_end|>"
_WORDS = (
    "ang",
    "ry",
    "hap",
    "py",
    "sad",
    "dis",
    "gust",
    "fear",
    "ful",
    "neut",
    "ral",
    "calm",
    "surpris",
    "ed",
)
_NULLS = tuple("\x00" * n for n in range(1, 16))
PIECES = (
    *(space + form for word in _WORDS for form in (word, word.capitalize()) for space in ("", " ")),
    *(chr(c) for c in range(32, 127)),
    *(f" {chr(c)}" for c in range(48, 58)),
    "The", " speaker", " sounds", "\n", END,
    *_NULLS,
)  # fmt: skip
IDS = {piece: n for n, piece in enumerate(PIECES)}
FIRST = [IDS[space + w] for w in ("ang", "hap", "sad", "dis", "fear", "neut") for space in ("", " ")]
AFTER = {"ang": "ry", "hap": "py", "dis": "gust", "neut": "ral"}
AUDIO, TURN = 10_000, 10_001


def tokenise(text: str) -> list[int]:
    """The longest piece first."""
    found, at = [], 0
    while at < len(text):
        piece = next(text[at : at + n] for n in range(12, 0, -1) if text[at : at + n] in IDS)
        found.append(IDS[piece])
        at += len(piece)
    return found


@lru_cache(maxsize=4096)
def next_logp(
    sound: bytes, text: str, prefix: tuple[int, ...], nulls: bool, weights: str
) -> NDArray[np.float64]:
    """What the model behind the server thinks: shape ``(V,)``, nats."""
    given = sound + text.encode() + repr(prefix).encode() + weights.encode()
    seed = int.from_bytes(hashlib.blake2b(given).digest()[:8], "big")
    logits = np.random.default_rng(seed).normal(0, 1.5, len(PIECES))
    logits[[IDS[null] for null in _NULLS]] = 9.0 if nulls else -30.0
    if not prefix:
        logits[FIRST] += 6
    else:
        following = AFTER.get(PIECES[prefix[-1]].strip(" "))
        logits[IDS[following or END]] += 8
    return logits - np.log(np.exp(logits).sum())


@dataclass
class Scripted:
    """What the server does, and what it has seen.

    Args:
        faults: taken one by one, by each chat request that asks about a clip; None answers as it should.
    """

    dialect: Dialect = "vllm"
    model: str = "toy"
    drops_audio: bool = False
    counts_audio: bool = True
    nulls: bool = False
    says: str | None = None
    faults: list[str | None] = field(default_factory=list)
    delay_s: float = 0.0
    longest_s: float = 30.0
    backend: str = "fp-1"
    weights: str = ""
    key: str | None = None
    seen: list[dict[str, Any]] = field(default_factory=list)
    answered: int = 0
    asked: threading.Event = field(default_factory=threading.Event)
    """Set as soon as a request about a clip has come."""
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def logp(self, sound: bytes, text: str, prefix: Sequence[int] = ()) -> NDArray[np.float64]:
        return next_logp(b"" if self.drops_audio else sound, text, tuple(prefix), self.nulls, self.weights)

    def greedy(self, sound: bytes, text: str, prefix: Sequence[int], limit: int) -> list[int]:
        tokens: list[int] = []
        never = [IDS[null] for null in _NULLS]
        while len(tokens) < limit and (not tokens or PIECES[tokens[-1]] != END):
            logp = self.logp(sound, text, (*prefix, *tokens)).copy()
            logp[never] = -np.inf
            tokens.append(int(logp.argmax()))
        return tokens

    def card(self) -> dict[str, Any]:
        owner = {"vllm": "vllm", "llamacpp": "llamacpp", "sglang": "sglang"}.get(self.dialect, "somebody")
        return {
            "id": self.model,
            "object": "model",
            "owned_by": owner,
            "root": "/models/toy",
            "created": 1700000000,
        }

    def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        *_, last = messages = body["messages"]
        begun = tokenise(last["content"]) if last["role"] == "assistant" else []
        parts = messages[0]["content"]
        text = "".join(part["text"] for part in parts if part["type"] == "text")
        sounds = [part["input_audio"]["data"] for part in parts if part["type"] == "input_audio"]
        sound = base64.b64decode(sounds[0]) if sounds else b""
        samples = soundfile.read(io.BytesIO(sound))[0] if sound else np.zeros(0)
        if len(samples) > self.longest_s * 16_000:
            raise _RefusedError(400, f"the audio is longer than {self.longest_s:g} s")
        n_audio = math.ceil(len(samples) / 640) if self.counts_audio else 0
        prompt = [*[AUDIO] * n_audio, *tokenise(text), TURN, *begun]
        choices = [self._choice(body, sound, text, begun, n) for n in range(body.get("n") or 1)]
        usage = {
            "prompt_tokens": len(prompt),
            "completion_tokens": len(tokenise(choices[0]["message"]["content"])),
        }
        answer = {"id": "x", "model": self.model, "choices": choices, "usage": usage}
        if self.backend:
            answer["system_fingerprint"] = self.backend
        return answer | ({"prompt_token_ids": prompt} if body.get("return_token_ids") else {})

    def generate(self, body: dict[str, Any]) -> dict[str, Any]:
        """SGLang's own endpoint; the prompt is written ``text<turn>beginning of the answer``."""
        text, _, begun = body["text"].partition("<turn>")
        prefix = tokenise(begun)
        sounds = body.get("audio_data") or []
        sound = base64.b64decode(sounds[0].removeprefix("data:audio/wav;base64,")) if sounds else b""
        tokens = self.greedy(sound, text, prefix, body["sampling_params"]["max_new_tokens"])
        rows = [self.logp(sound, text, (*prefix, *tokens[:t])) for t in range(len(tokens))]
        ended = PIECES[tokens[-1]] == END
        meta = {
            "prompt_tokens": len(tokenise(text)) + len(prefix) + 25 * bool(sound) + 1,
            "finish_reason": {"type": "stop" if ended else "length"},
            "output_token_logprobs": [
                [float(row[token]), token, None] for token, row in zip(tokens, rows, strict=True)
            ],
            "output_token_ids_logprobs": [
                [[float(row[i]), i, None] for i in body["token_ids_logprob"]] for row in rows
            ],
        }
        return {"text": "".join(PIECES[t] for t in tokens if PIECES[t] != END), "meta_info": meta}

    def _choice(
        self, body: dict[str, Any], sound: bytes, text: str, begun: list[int], n: int
    ) -> dict[str, Any]:
        if self.says is not None:
            tokens = [*tokenise(self.says), IDS[END]]
        else:
            tokens = self.greedy(sound, text, begun, body["max_tokens"])
        ended = PIECES[tokens[-1]] == END
        said = "".join(PIECES[token] for token in tokens if PIECES[token] != END)
        choice = {"index": n, "finish_reason": "stop" if ended else "length"}
        choice["message"] = {"role": "assistant", "content": said}
        if body.get("return_token_ids"):
            choice["token_ids"] = tokens
        if body.get("logprobs") and self.dialect != "silent":
            shown = tokens if self.dialect != "openai" or not ended else tokens[:-1]
            content = []
            for t, token in enumerate(shown):
                content.append(self._step(body, token, self.logp(sound, text, (*begun, *tokens[:t]))))
            choice["logprobs"] = {"content": content}
        return choice

    def _step(self, body: dict[str, Any], token: int, logp: NDArray[np.float64]) -> dict[str, Any]:
        if self.dialect == "vllm" and body.get("logprob_token_ids"):
            listed = dict.fromkeys([token, *body["logprob_token_ids"]])
        else:
            cap = {"llamacpp": 100, "sglang": 1000}.get(self.dialect, 20)
            if (body.get("top_logprobs") or 0) > cap:
                raise _RefusedError(400, f"top_logprobs must be at most {cap}")
            listed = dict.fromkeys(np.argsort(-logp, kind="stable")[: body.get("top_logprobs") or 0].tolist())
        as_id = body.get("return_tokens_as_token_ids")

        def entry(i: int) -> dict[str, Any]:
            shown = {"token": f"token_id:{i}" if as_id else PIECES[i], "logprob": float(logp[i])}
            if self.dialect == "llamacpp":
                shown["id"] = i
            return shown if as_id else shown | {"bytes": list(PIECES[i].encode())}

        return entry(token) | {"top_logprobs": [entry(i) for i in listed]}


class _RefusedError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet, or each answer waits 40 ms for an acknowledgement
    server: Any

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        script: Scripted = self.server.script
        if self._refuses_key(script):
            return
        self._send(200, {"object": "list", "data": [script.card()]} if self.path == "/v1/models" else {})

    def do_POST(self) -> None:
        script: Scripted = self.server.script
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.server.stopping.is_set():  # connections that were kept open end with the server
            self.close_connection = True
            return
        if self._refuses_key(script):
            return
        if self.path == "/tokenize":
            self._tokenize(script, body)
        elif self.path == "/v1/chat/completions":
            self._chat(script, body)
        elif self.path == "/generate" and script.dialect == "sglang":
            self._send(200, script.generate(body))
        else:
            self._send(404, {"error": {"message": f"no {self.path} here"}})

    def _refuses_key(self, script: Scripted) -> bool:
        if script.key is None or self.headers.get("Authorization") == f"Bearer {script.key}":
            return False
        given = self.headers.get("Authorization", "")
        self._send(401, {"error": {"message": f"Incorrect API key provided: {given}"}})
        return True

    def _tokenize(self, script: Scripted, body: dict[str, Any]) -> None:
        if script.dialect == "vllm":
            ids = tokenise(body["prompt"])
            self._send(200, {"tokens": ids, "token_strs": [PIECES[i].replace(" ", "Ġ") for i in ids]})
        elif script.dialect == "llamacpp":
            self._send(200, {"tokens": [{"id": i, "piece": PIECES[i]} for i in tokenise(body["content"])]})
        else:
            self._send(404, {"error": {"message": "not found"}})

    def _chat(self, script: Scripted, body: dict[str, Any]) -> None:
        if body["model"] != script.model:
            self._send(404, {"error": {"message": f"The model `{body['model']}` does not exist"}})
            return
        about_clip = any(part["type"] == "input_audio" for part in body["messages"][0]["content"])
        with script.lock:
            script.seen.append(body)
            fault = script.faults.pop(0) if about_clip and script.faults else None
            if about_clip:
                script.asked.set()
        time.sleep(script.delay_s)
        try:
            answer = script.chat(body)
        except _RefusedError as error:
            self._send(error.code, {"error": {"message": str(error)}})
            return
        with script.lock:
            script.answered += fault is None
        self._with_fault(fault, answer)

    def _with_fault(self, fault: str | None, answer: dict[str, Any]) -> None:
        """Send an answer, or what is wrong with it: a status (`429:0.1` waits so long), or a name."""
        choice = answer["choices"][0]
        if fault is None:
            self._send(200, answer)
        elif fault[:3].isdigit():
            code, _, wait_s = fault.partition(":")
            headers = {"Retry-After": wait_s} if wait_s else {}
            self._send(int(code), {"error": {"message": "not now"}}, headers)
        elif fault == "stall":
            self._send(200, answer, cut=20, stall=True)
        elif fault == "hang-up":
            self._send(200, answer, cut=20)
        elif fault == "half-json":
            self._send_bytes(200, json.dumps(answer).encode()[:-20], {})
        elif fault == "no-choices":
            self._send(200, answer | {"choices": []})
        elif fault == "nan":
            choice["logprobs"]["content"][0]["top_logprobs"][0]["logprob"] = float("nan")
            self._send(200, answer)
        elif fault == "short-logprobs":
            choice["logprobs"]["content"] = choice["logprobs"]["content"][1:]
            self._send(200, answer)
        elif fault == "ignores-fields":
            for step in choice["logprobs"]["content"]:
                step["top_logprobs"] = []
            self._send(200, answer)
        elif fault == "other-backend":
            self._send(200, answer | {"system_fingerprint": "fp-2"})
        else:
            raise AssertionError(fault)

    def _send(
        self,
        code: int,
        data: dict[str, Any],
        headers: dict[str, str] | None = None,
        *,
        cut: int = 0,
        stall: bool = False,
    ) -> None:
        payload = json.dumps(data).encode()
        self._send_bytes(code, payload[: len(payload) - cut], headers or {}, len(payload), stall)

    def _send_bytes(
        self, code: int, payload: bytes, headers: dict[str, str], length: int = 0, stall: bool = False
    ) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length or len(payload)))
        self.end_headers()
        try:
            self.wfile.write(payload)
            self.wfile.flush()
            if stall:
                self.server.stopping.wait(30)
        except OSError:
            pass  # the client went away
        if stall or length > len(payload):
            self.close_connection = True


def press_ctrl_c(script: Scripted) -> None:
    """Interrupt the main thread as soon as a clip has been asked about."""
    main = threading.main_thread().ident
    assert main is not None

    def press() -> None:
        script.asked.wait()
        signal.pthread_kill(main, signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts with & ignores it
    script.asked.clear()
    threading.Thread(target=press).start()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        pass  # a client that hangs up in the middle is part of the play


@contextmanager
def served(script: Scripted, port: int = 0) -> Iterator[Scripted]:
    """Serve on a port of this machine, a free one by default, until the block ends."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.script, server.stopping = script, threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield script
    finally:
        server.stopping.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()
        thread.join()
