"""A template is filled in and escapes what is put in; without jinja2 one line says the cure."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from cam_core.cli.templates import rendered
from cam_core.errors import MissingExtraError


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "page.jinja"
    path.write_text("<p>{{ said }}</p>", encoding="utf-8")
    return path


def test_what_is_put_in_is_escaped(template: Path) -> None:
    pytest.importorskip("jinja2")
    assert rendered(template, "a page", said="ä < b") == "<p>ä &lt; b</p>".encode()


def test_the_cure_is_said(template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtraError, match=r"^a page needs jinja2, .*cam-core\[html\]'$"):
        rendered(template, "a page", said="")
