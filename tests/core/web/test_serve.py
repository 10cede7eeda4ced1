"""The folder on loopback, with the headers and kinds that a browser needs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from cam_core.errors import InputError
from cam_core.web import address, serve
from cam_core.web.headers import HEADERS, POLICY, TYPES


@pytest.fixture
def base(tmp_path: Path) -> Iterator[str]:
    for suffix in TYPES:
        (tmp_path / f"a{suffix}").write_text("x")
    with serve(tmp_path, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield address(server)
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("suffix", list(TYPES))
def test_kinds_and_headers(suffix: str, base: str) -> None:
    with urlopen(f"{base}a{suffix}") as answer:
        assert answer.headers["Content-Type"] == TYPES[suffix]
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert answer.headers["Content-Security-Policy"] == POLICY


def test_it_is_on_this_machine_alone(tmp_path: Path) -> None:
    with serve(tmp_path, 0) as server:
        assert server.server_address[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_refused_and_by_itself_another_is_found(tmp_path: Path) -> None:
    with serve(tmp_path, 0) as first:
        port = first.server_address[1]
        with pytest.raises(InputError, match=f"port {port}: .*; choose another"):
            serve(tmp_path, port)
    with serve(tmp_path) as one, serve(tmp_path) as other:
        assert one.server_address[1] != other.server_address[1]
