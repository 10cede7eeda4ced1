"""What the page has of others is what they published, with its licence, and comes with a wheel."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

from cam_core.cli.audit.page import LIBRARY, scripts
from tests.paths import ROOT

FOLDER = LIBRARY.parent
LINE = re.compile(r"^\| `([\w.-]+)` .*`([0-9a-f]{64})` \|$", re.MULTILINE)
ROWS = LINE.findall((FOLDER / "README.md").read_text())


@pytest.mark.parametrize(("name", "sha256"), ROWS)
def test_a_file_is_as_it_was_published(name: str, sha256: str) -> None:
    file = FOLDER / name
    assert hashlib.sha256(file.read_bytes()).hexdigest() == sha256
    licence = file.with_suffix(".LICENSE").read_text()
    assert licence.startswith("MIT License\n")
    assert "Permission is hereby granted, free of charge" in licence


def test_every_file_has_its_line_and_its_licence_goes_with_the_package() -> None:
    known = {name for name, _ in ROWS}
    assert known == {file.name for file in FOLDER.glob("*.js")} == {LIBRARY.name}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {path for pattern in project["license-files"] for path in ROOT.glob(pattern)}
    assert {Path(file) for file in FOLDER.glob("*.LICENSE")} <= named


def test_it_is_in_the_page_with_its_notice_and_ends_no_script() -> None:
    library, own = scripts()
    assert "Copyright (c) TanStack" in library
    assert "sourceMappingURL" not in library
    for text in (library, own):
        assert "</script" not in text.lower()
        assert "<!--" not in text
