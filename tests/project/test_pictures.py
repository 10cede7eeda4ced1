"""The pictures of targets: one of each kind, each of them on a page, and none of them large."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

import pytest

from cam_core.demo import LABELS
from cam_core.errors import TargetError
from cam_core.targets import TARGETS, Asking
from cam_core.targets.table import taken
from tests.paths import ROOT

pytest.importorskip("onnxruntime")
questions = pytest.importorskip("examples.docs.questions", reason="this tree has no examples")

FOLDER = ROOT / "docs" / "images" / "targets"
if not FOLDER.exists():
    pytest.skip("this tree has no docs", allow_module_level=True)

KNOWN = Asking([*LABELS.read_text().splitlines(), "background", "circle", "square", "triangle"])
LARGEST = 150_000
"""Bytes."""


def asked() -> Iterator[str]:
    """The targets of all panels, but for those that read a file."""
    for rows in questions.SHEETS.values():
        for arguments in (list(question.arguments) for row in rows for question in row):
            if "--target" in arguments:
                target = arguments[arguments.index("--target") + 1]
                if not target.endswith(".npy"):
                    yield target


def test_each_kind_has_a_panel() -> None:
    """All that can be written, beyond a cotangent, which cannot."""
    shown = set()
    for target in asked():
        with suppress(TargetError):  # what only a detector takes, beside box:0
            shown.add(taken(target, KNOWN)[0].written)
    written = {kind.written for kind in TARGETS.values() if kind.written}
    assert not written - shown


@pytest.mark.parametrize("name", questions.SHEETS)
def test_a_picture_is_small_and_on_a_page(name: str) -> None:
    file = FOLDER / f"{name}.png"
    assert file.stat().st_size < LARGEST
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    shown = re.compile(rf"!\[[^\]]*\]\([\w/]*images/targets/{name}\.png\)")
    assert any(shown.search(page.read_text(encoding="utf-8")) for page in pages)


def test_no_picture_is_left_over() -> None:
    assert {file.stem for file in FOLDER.iterdir()} == set(questions.SHEETS)
