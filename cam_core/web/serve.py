"""The folder on this machine alone."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ..errors import InputError
from .headers import CLOSED, HEADERS, TYPES

HOST = "127.0.0.1"
PORT = 8000


class Handler(SimpleHTTPRequestHandler):
    """Files of one folder with the headers that threads need."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | TYPES
    protocol_version = "HTTP/1.1"

    def end_headers(self) -> None:
        """What every answer has."""
        for name, value in (HEADERS | CLOSED | {"Cache-Control": "no-cache"}).items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the page counts its requests itself."""


def serve(folder: Path, port: int | None = None) -> ThreadingHTTPServer:
    """A server of the folder on loopback, which `serve_forever` starts.

    Args:
        port: None: 8000, or one that is free.

    Raises:
        InputError: the port is taken.
    """
    made = partial(Handler, directory=str(folder))
    for asked in (PORT, 0) if port is None else (port,):
        try:
            return ThreadingHTTPServer((HOST, asked), made)
        except OSError as error:
            if asked == 0 or port is not None:
                raise InputError(f"port {asked}: {error.strerror}; choose another") from error
    raise AssertionError("port 0 is always free")


def address(server: ThreadingHTTPServer) -> str:
    """Where the page is."""
    return f"http://{HOST}:{server.server_address[1]}/"
