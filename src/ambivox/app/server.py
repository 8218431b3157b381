"""The server of the app: who may see the page, and nothing that leaves the machine."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ambivox.app.held import UNCLAIMED_S, Held
from ambivox.app.limits import DEFAULT_LIMITS, Limits
from ambivox.app.reports import Reports
from ambivox.errors import AmbivoxError, UsageError
from ambivox.models import SpeechModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

LEAST_PASSWORD = 8
"""Characters."""

# Gradio reads these when it is imported.
_QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}


@dataclass(frozen=True)
class Address:
    """Where the page can be seen.

    Args:
        host: a name or an address of this machine.
        port: 0 takes a free one.
        password: who has it may see the page; needed where others can reach the address.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    password: str | None = None

    def __post_init__(self) -> None:
        if self.password is None and not self.is_loopback:
            raise UsageError(
                f"--host {self.host}: others can reach it, so it needs a password: put one into an "
                "environment variable and name it with --password-env"
            )
        if self.password is not None and len(self.password) < LEAST_PASSWORD:
            raise UsageError(f"the password has fewer than {LEAST_PASSWORD} characters: take a longer one")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def serve(
    load: Callable[[], Sequence[SpeechModel]],
    address: Address,
    limits: Limits = DEFAULT_LIMITS,
    run: str = "",
    *,
    ready: Callable[[str], None] = lambda url: None,
) -> None:
    """Show the page until the process is interrupted; then nothing of it is left on the disk.

    Args:
        load: gives the models, whose names differ; called when the address is had.
        address: where.
        limits: on what is sent.
        run: the folder of a run to offer; empty for none.
        ready: told the address when a browser may come.

    Raises:
        UsageError: Gradio is missing, or the address cannot be had.
    """
    if importlib.util.find_spec("gradio") is None:
        raise UsageError("this needs the extra 'app': pip install 'ambivox[app]'")
    with _socket(address) as listening, _folder() as folder:
        models = load()
        os.environ.update(_QUIET)
        import uvicorn

        server = uvicorn.Server(
            uvicorn.Config(
                site(models, address, limits, run, folder),
                log_level="critical",
                access_log=False,
                timeout_graceful_shutdown=1,
            )
        )
        host = f"[{address.host}]" if ":" in address.host else address.host
        ready(f"http://{host}:{listening.getsockname()[1]}/")
        with _interruptible():
            server.run(sockets=[listening])


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C and a request to end lead to the end of the block, and not of the process at once."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)


def _socket(address: Address) -> socket.socket:
    try:
        [family, *_, where] = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(where[:2], family=family)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise UsageError(
            f"{address.host}:{address.port}: cannot be had ({why}): choose another --port or --host"
        ) from None


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder that only this user may read, and that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ambivox-app-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def site(models: Sequence[SpeechModel], address: Address, limits: Limits, run: str, folder: Path) -> FastAPI:
    """All that is served; uploads and reports lie in `folder`."""
    uploads, pages = folder / "uploads", folder / "reports"
    uploads.mkdir()
    pages.mkdir()
    os.environ["GRADIO_TEMP_DIR"] = str(uploads)
    import gradio as gr
    import safehttpx
    from fastapi import FastAPI, HTTPException
    from fastapi.responses import FileResponse

    from ambivox.app.examples import example_clips
    from ambivox.app.guard import Guard
    from ambivox.app.page import page
    from ambivox.app.show import template

    # Gradio fetches what a request names by an address, and would do so for whoever writes such a request.
    safehttpx.get = _refuse_to_fetch
    held, reports = Held(uploads), Reports(pages, run, any_folder=address.password is None)
    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=_sweeping(held))

    @outer.get("/reports/{name}")
    def report(name: str) -> Any:
        if not reports.path(name).is_file():
            raise HTTPException(404)
        return FileResponse(reports.path(name), media_type="text/html")

    # With a password, a proxy may stand before the app, and ask under a name of its own.
    local = address.is_loopback and address.password is None
    outer.add_middleware(Guard, password=address.password, local=local)
    theme = gr.themes.Default(primary_hue="blue", font=["system-ui", "sans-serif"], font_mono="monospace")
    gr.mount_gradio_app(
        outer,
        page(models, limits, held, reports),
        path="/",
        footer_links=[],
        run_history=False,
        allowed_paths=[str(Path(file).parent) for file in list(example_clips().values())[:1]],
        show_error=False,
        max_file_size=limits.max_bytes,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=theme,
        css=template("style.css"),
        head=f"<script>{template('app.js')}</script>",
    )
    return outer


async def _refuse_to_fetch(*_: Any, **__: Any) -> Any:
    raise AmbivoxError("nothing is fetched from other machines: upload the file")


def _sweeping(held: Held) -> Callable[[Any], Any]:
    """A life of the server in which uploads that nobody holds are deleted now and then."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def lifespan(_: Any) -> Any:
        over = threading.Event()

        def sweep() -> None:
            while not over.wait(UNCLAIMED_S):
                held.sweep()

        threading.Thread(target=sweep, daemon=True).start()
        yield
        over.set()

    return lifespan
