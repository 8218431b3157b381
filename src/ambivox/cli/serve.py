"""The command that shows a page: ``ambivox app``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from ambivox.cli.options import DeviceOption, DtypeOption, ModelsOption, TrustOption, model_options
from ambivox.cli.output import say
from ambivox.errors import UsageError


def app(
    run: Annotated[
        Path | None,
        typer.Argument(metavar="RUN", help="A directory that 'ambivox run' wrote, to browse."),
    ] = None,
    models: ModelsOption = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Where to listen; an address that others reach needs a password."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 7860,
    password_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The environment variable that holds the password for the page."),
    ] = None,
    max_bytes: Annotated[int, typer.Option(min=1, help="The largest file that is taken.")] = 100_000_000,
    max_clip_s: Annotated[
        float, typer.Option("--max-clip", metavar="SECONDS", help="The longest clip that is taken.")
    ] = 60.0,
    max_recording_s: Annotated[
        float, typer.Option("--max-recording", metavar="SECONDS", help="The longest recording that is taken.")
    ] = 3600.0,
    device: DeviceOption = None,
    dtype: DtypeOption = None,
    trust_remote_code: TrustOption = False,
) -> None:
    """Speak, and see what a model hears: a page in the browser.

    Record, upload or pick a clip, follow a long recording, browse a run; --model may be repeated. Only this
    machine sees the page unless --host says otherwise. Nothing is sent to other machines, and sound is
    deleted when the page is closed.
    """
    from ambivox.app.server import Address, serve

    address = Address(host, port, _password(password_env))
    if run is not None and not (run / "study.yaml").is_file():
        raise UsageError(f"{run}: no run here; give the folder that 'ambivox run' wrote")
    from ambivox.app.limits import Limits
    from ambivox.models import load_model

    names = list(dict.fromkeys(models or ["mini"]))
    options = model_options(trust_remote_code, device, dtype)
    serve(
        lambda: [load_model(name, **options) for name in names],
        address,
        Limits(max_bytes, max_clip_s, max_recording_s),
        str(run or ""),
        ready=lambda url: say(f"open {url} in a browser; Ctrl-C ends it"),
    )


def _password(name: str | None) -> str | None:
    if name is None:
        return None
    if not os.environ.get(name):
        raise UsageError(f"--password-env {name}: there is no password in this environment variable: set it")
    return os.environ[name]
