"""A line to the app whose event streams arrive late, as they do through tunnels and over bad networks."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PIECE_BYTES = 65_536


@contextmanager
def slow_line(address: str, late_s: float) -> Iterator[str]:
    """The address of an app behind such a line.

    Args:
        address: of the app itself.
        late_s: how long every piece of an event stream is held back; nothing else is.
    """
    host, port = address.removeprefix("http://").strip("/").split(":")

    class Line(socketserver.BaseRequestHandler):
        """One connection of the browser."""

        def handle(self) -> None:
            streams = threading.Event()
            with socket.create_connection((host, int(port))) as app, suppress(OSError):
                asking = threading.Thread(target=self.ask, args=(app, streams), daemon=True)
                asking.start()
                while piece := app.recv(PIECE_BYTES):
                    time.sleep(late_s if streams.is_set() else 0)
                    self.request.sendall(piece)

        def ask(self, app: socket.socket, streams: threading.Event) -> None:
            """Hand on what the browser asks for."""
            with suppress(OSError):
                while piece := self.request.recv(PIECE_BYTES):
                    (streams.set if b"/queue/data" in piece.split(b"\r\n")[0] else streams.clear)()
                    app.sendall(piece)
                app.shutdown(socket.SHUT_RDWR)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Line) as line:
        line.daemon_threads = True
        line.block_on_close = False
        serving = threading.Thread(target=line.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{line.server_address[1]}/"
        line.shutdown()
        serving.join()
