"""Stands before the app: who may see it, and nothing that leaves the machine."""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

_FETCHES = ("/gradio_api/proxy=", "/gradio_api/file=http")
"""Where Gradio would fetch something from another machine for whoever asks."""

_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "frame-ancestors 'self'",
        "form-action 'self'",
        "base-uri 'self'",
    )
)
"""What a browser may ask for: nothing of any other machine."""


class Guard:
    """Stands before the app: asks for the password, and tells browsers to ask nothing of other machines.

    Args:
        app: what stands behind.
        password: None lets everybody in.
        local: whether only requests to this machine's own names are answered, so that no page elsewhere can
            have a browser ask under a name of its own.
    """

    def __init__(self, app: Any, *, password: str | None, local: bool) -> None:
        self.app = app
        self.password = password
        self.local = local

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, as ASGI has it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def send_with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = _POLICY
                headers["Referrer-Policy"] = "no-referrer"
                headers["X-Content-Type-Options"] = "nosniff"
            await send(message)

        answer = self._refusal(scope["path"], Headers(scope=scope)) or self.app
        await answer(scope, receive, send_with_policy)

    def _refusal(self, path: str, headers: Headers) -> PlainTextResponse | None:
        if self.local and not _is_local(headers.get("host", "")):
            return PlainTextResponse("this page is for this machine only", 403)
        if self.password is not None and not _knows(self.password, headers.get("authorization", "")):
            ask = {"WWW-Authenticate": 'Basic realm="ambivox", charset="UTF-8"'}
            return PlainTextResponse("a password is needed", 401, headers=ask)
        if path.startswith(_FETCHES):
            return PlainTextResponse("nothing is fetched from other machines", 403)
        return None


def _is_local(host: str) -> bool:
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    try:
        return name == "localhost" or ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _knows(password: str, authorization: str) -> bool:
    """Whether the header of HTTP basic authentication has the password; any name will do."""
    kind, _, encoded = authorization.partition(" ")
    if kind.lower() != "basic":
        return False
    try:
        given = base64.b64decode(encoded, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(given, password.encode())
