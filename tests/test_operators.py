"""docs/operators.md says what the rules do, and no rule goes unchecked."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from backends.onnx.rules import VJP_RULES, vjp

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "operators.md"
if not PAGE.exists():
    pytest.skip("this tree has no docs", allow_module_level=True)

OPERATORS = runpy.run_path(str(ROOT / "benchmarks" / "operators" / "page.py"))
RECORD = runpy.run_path(str(ROOT / "tests" / "node_cases_record.py"))


def test_the_page_is_what_the_rules_do() -> None:
    stored = PAGE.read_text(encoding="utf-8")
    assert stored == OPERATORS["page"](*RECORD["recorded"]()), "python -m benchmarks.operators"


def test_every_rule_is_checked_by_something() -> None:
    assert OPERATORS["unchecked"]() == []


def test_an_unchecked_rule_is_found() -> None:
    vjp("NobodyTests", domain="com.microsoft")(lambda op, node, gy: gy)
    try:
        assert OPERATORS["unchecked"]() == ["com.microsoft.NobodyTests"]
    finally:
        del VJP_RULES["com.microsoft", "NobodyTests"]
