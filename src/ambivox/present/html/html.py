"""Pages: everything in one HTML file that asks nothing of the network."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ambivox.errors import AmbivoxError, UsageError
from ambivox.location import make_folder
from ambivox.present.html.svg import NARROW_PX, WIDE_PX, draw
from ambivox.write_aside import write_text

_TEMPLATES = PackageLoader("ambivox.present.html", "templates")
_SCRIPTS = ("save.js", "clips.js")


def check_page(out: Path) -> None:
    """Check that a page can be written to `out`.

    Raises:
        UsageError: `out` is a folder, or its name is not that of a page.
    """
    if out.is_dir():
        raise UsageError(f"{out}: is a folder; name the file to write, for example {out / 'report.html'}")
    if out.suffix.lower() not in (".html", ".htm"):  # a slip could replace a clip or a manifest
        raise UsageError(f"{out}: end the name of the page in .html")


def render_page(template: str, **context: Any) -> str:
    """Render a template of the package with its style and scripts, none of which may come from elsewhere."""
    environment = Environment(
        loader=_TEMPLATES,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["as_json"] = _as_json
    environment.filters["wide"] = partial(draw, width_px=WIDE_PX)
    environment.filters["narrow"] = partial(draw, width_px=NARROW_PX)
    scripts = [_source(name) for name in _SCRIPTS]
    return environment.get_template(template).render(
        style=Markup(_source("style.css")),
        scripts=[Markup(script) for script in scripts],
        script_hashes=" ".join(f"'sha256-{_sha256(script)}'" for script in scripts),
        **context,
    )


def write_page(page: str, out: Path) -> Path:
    """Write a page, whole or not at all; its folder is made."""
    try:
        make_folder(out.parent)
    except OSError as error:
        raise AmbivoxError(f"{out.parent}: cannot be made ({error.strerror}): choose another file") from None
    write_text(out, page)
    return out


def _as_json(value: object) -> Markup:
    """JSON that may stand inside a script element: no text in it can end the element or open a comment."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _source(name: str) -> str:
    return _TEMPLATES.get_source(Environment(autoescape=True), name)[0]


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
