"""The one way in which text gets into a terminal."""

from __future__ import annotations

from rich.text import Text

from ambivox.present.escape import escaped


def plain(text: str, style: str = "") -> Text:
    """Text as it is: no markup is read in it, and what would control the terminal is shown escaped.

    >>> plain("[bold]\\x1b").plain
    '[bold]\\\\x1b'
    """
    return Text(escaped(text), style=style)
