"""``python -m ambivox`` is the command ``ambivox``; Ctrl-C is one line from its first moment on."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Load the command line and run it."""
    interrupts = _Interrupts()
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the shell
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
    from ambivox.cli import main as run

    interrupts.expected = True
    try:
        run()
    except Exception:  # an import that is interrupted may raise anything
        if not interrupts.came:
            raise
        interrupts.leave()


class _Interrupts:
    """Ctrl-C: at first, commands end as they should; a second one, or one while loading, ends all at once.

    What is on the disk is whole at any moment, so nothing has to be tidied up.
    """

    def __init__(self) -> None:
        self.expected = self.came = False
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self)

    def __call__(self, *_: Any) -> None:
        if self.came or not self.expected:
            self.leave()
        self.came = True
        raise KeyboardInterrupt

    def leave(self) -> None:
        """Say so in one line, and end."""
        os.write(2, b"error: interrupted\n")
        os._exit(1)


if __name__ == "__main__":
    main()
