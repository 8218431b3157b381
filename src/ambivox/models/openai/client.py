"""Sending requests: many at a time, in order, with one clear line for each that fails.

Retries, timeouts and the waiting that a server asks for are those of the `openai` package. The key comes from
the environment, and what a server says is passed on without it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
import weakref
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
import openai

from ambivox.errors import AmbivoxError, UnreachableError, UsageError

KEY = "OPENAI_API_KEY"
CONNECT_S = 10.0
MALFORMED_TRIES = 2
"""An answer that is not what it should be (cut JSON, no choices) is asked for once more."""

_T = TypeVar("_T")


@dataclass
class Counts:
    """What a client did so far."""

    sent: int = 0
    retried: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0


class Client:
    """One server. Requests run on a thread of their own, so that it works inside of a running event loop.

    Args:
        base_url: such as ``http://localhost:8000/v1``; None takes the environment's OPENAI_BASE_URL, or
            OpenAI's own.
        concurrency: requests in flight at a time.
        timeout_s: how long to wait for the next bytes of an answer.
        max_retries: of a request that failed in a way that may pass.

    Raises:
        UsageError: a URL that is none or that holds a password or key; no key for OpenAI's own servers.
    """

    def __init__(self, base_url: str | None, *, concurrency: int, timeout_s: float, max_retries: int) -> None:
        self._key = os.environ.get(KEY, "")
        self.base_url = _checked(base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1")
        if not self._key and urlsplit(self.base_url).hostname == "api.openai.com":
            raise UsageError(f"{self.base_url} wants a key: set {KEY} in the environment")
        self.concurrency = concurrency
        self.timeout_s = timeout_s
        self.counts = Counts()
        # A server without keys gets one that says so; the package insists on some.
        self._client = openai.AsyncOpenAI(
            api_key=self._key or "none",
            base_url=self.base_url,
            max_retries=max_retries,
            timeout=openai.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
        )
        self._loop = asyncio.new_event_loop()
        self._slots = asyncio.Semaphore(concurrency)
        threading.Thread(target=_run, args=(self._loop,), name="ambivox-openai", daemon=True).start()
        weakref.finalize(self, _close, self._loop, self._client)

    @property
    def root(self) -> str:
        """The server's address without the path that ends in ``/v1``: its own endpoints stand beside that."""
        return self.base_url.removesuffix("/v1")

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Do one piece of work; interrupted, what is in flight is dropped."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def run_all(self, work: Sequence[Coroutine[Any, Any, _T]]) -> list[_T | AmbivoxError]:
        """Do all, in their order; what fails is an error in its place."""

        async def together() -> list[_T | AmbivoxError]:
            return await asyncio.gather(*(_or_error(one) for one in work))

        return self.run(together())

    async def get(self, url: str) -> dict[str, Any]:
        """What a path gives (relative to `base_url`, or a whole URL)."""
        return await self._ask("GET", url, None)

    async def post(self, url: str, body: dict[str, Any]) -> dict[str, Any]:
        """Post to a path. Raises `UnreachableError` where another time may help, else `AmbivoxError`."""
        async with self._slots:
            return await self._ask("POST", url, body)

    async def chat(self, body: dict[str, Any]) -> dict[str, Any]:
        """One chat completion with at least one choice."""
        async with self._slots:
            for left in reversed(range(MALFORMED_TRIES)):
                try:
                    answer = await self._ask("POST", "/chat/completions", body)
                    choices = answer.get("choices")
                    if isinstance(choices, list) and choices and all(isinstance(c, dict) for c in choices):
                        self._count_tokens(answer.get("usage"))
                        return answer
                    raise _MalformedError(f"{self.base_url}: an answer without choices")
                except _MalformedError as error:
                    self.counts.retried += left > 0
                    self.counts.failed += left == 0
                    if not left:
                        raise UnreachableError(f"{error}, {MALFORMED_TRIES} times: try again later") from None
            raise AssertionError("unreachable")

    async def _ask(self, method: str, url: str, body: dict[str, Any] | None) -> dict[str, Any]:
        self.counts.sent += 1
        try:
            if method == "GET":
                response = await self._client.get(url, cast_to=httpx2.Response)
            else:
                response = await self._client.post(url, body=body, cast_to=httpx2.Response)
        except openai.OpenAIError as error:
            self._count_retries(getattr(error, "request", None))
            self.counts.failed += 1
            raise self._as_ours(error, url) from None
        self._count_retries(response.request)
        try:
            data = json.loads(response.content)
        except ValueError:
            raise _MalformedError(f"{self.base_url}: an answer that is not JSON, or was cut off") from None
        if not isinstance(data, dict):
            raise _MalformedError(f"{self.base_url}: an answer that is not a JSON object")
        return data

    def _count_tokens(self, usage: object) -> None:
        if isinstance(usage, dict):
            details = usage.get("prompt_tokens_details")
            self.counts.prompt_tokens += _whole(usage.get("prompt_tokens"))
            self.counts.completion_tokens += _whole(usage.get("completion_tokens"))
            self.counts.cached_tokens += (
                _whole(details.get("cached_tokens")) if isinstance(details, dict) else 0
            )

    def _count_retries(self, request: httpx2.Request | None) -> None:
        again = int(request.headers.get("x-stainless-retry-count", 0)) if request else 0
        self.counts.sent += again
        self.counts.retried += again

    def _as_ours(self, error: openai.OpenAIError, url: str) -> AmbivoxError:
        where = self.base_url
        if isinstance(error, openai.APITimeoutError):
            return UnreachableError(
                f"{where}: no answer within {self.timeout_s:g} s: raise timeout_s, or later"
            )
        if isinstance(error, openai.APIStatusError):
            return self._status(error, url)
        cause = error.__cause__ or error
        return UnreachableError(
            f"{where}: cannot be reached ({self._safe(cause)}): is it running, and at base_url?"
        )

    def _status(self, error: openai.APIStatusError, url: str) -> AmbivoxError:
        code, where, said = error.status_code, self.base_url, self._safe(_message(error))
        if code in (401, 403):
            have = "the key was refused" if self._key else "it wants a key"
            return UnreachableError(
                f"{where}: {have} ({code}): set {KEY} in the environment to one that may do this"
            )
        if code == 404:
            return UnreachableError(
                f"{where}: {said} (404 for {url}): check the model's name, and that base_url ends as in /v1"
            )
        if code == 413:
            return AmbivoxError(
                f"{where}: the clip is longer than the server accepts (413): give a start and an end"
            )
        if code == 429:
            return UnreachableError(f"{where}: too many requests (429: {said}): lower concurrency, or later")
        if code >= 500:
            return UnreachableError(f"{where}: the server failed ({code}: {said}): try again later")
        return AmbivoxError(f"{where}: refused ({code}: {said})")

    def _safe(self, text: object) -> str:
        """One line of what others say, without the key or what looks like one."""
        line = " ".join(str(text).split()) or type(text).__name__
        if self._key:
            line = line.replace(self._key, "***")
        return re.sub(r"\b(sk|key|Bearer)[-_ ][\w*.-]{4,}", "***", line)[:200]


def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


def _close(loop: asyncio.AbstractEventLoop, client: openai.AsyncOpenAI) -> None:
    """Close the connections, then end the thread."""
    closed = asyncio.run_coroutine_threadsafe(client.close(), loop)
    closed.add_done_callback(lambda _: loop.call_soon_threadsafe(loop.stop))


class _MalformedError(AmbivoxError):
    pass


async def _or_error(work: Coroutine[Any, Any, _T]) -> _T | AmbivoxError:
    try:
        return await work
    except AmbivoxError as error:
        return error


def _whole(count: object) -> int:
    return count if isinstance(count, int) and count > 0 else 0


def _message(error: openai.APIStatusError) -> str:
    """What a server says in its own words, wherever it puts them."""
    body: object = error.body
    for _ in range(2):
        if isinstance(body, dict):
            body = body.get("message") or body.get("error") or body.get("detail") or ""
    return str(body) if body else error.response.reason_phrase


def _checked(url: str) -> str:
    parts = urlsplit(url)
    try:
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        port_ok = False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok:
        raise UsageError(f"base_url {url!r:.100}: give one such as http://localhost:8000/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(
            f"base_url of {parts.hostname}: leave out user, password and query; a key goes into {KEY}"
        )
    return url.rstrip("/")
