"""docs/operators.md says what the rules do, and no rule goes unchecked."""

from __future__ import annotations

import pytest

from backends.onnx.rules import VJP_RULES, vjp
from tests.paths import ROOT
from tests.rules.node_cases_record import recorded

PAGE = ROOT / "docs" / "operators.md"
if not PAGE.exists():
    pytest.skip("this tree has no docs", allow_module_level=True)
operators = pytest.importorskip("benchmarks.operators.page", reason="this tree has no benchmarks")


def test_the_page_is_what_the_rules_do() -> None:
    stored = PAGE.read_text(encoding="utf-8")
    assert stored == operators.page(*recorded()), "python -m benchmarks.operators"


def test_every_rule_is_checked_by_something() -> None:
    assert operators.unchecked() == []


def test_an_unchecked_rule_is_found() -> None:
    vjp("NobodyTests", domain="com.microsoft")(lambda op, node, gy: gy)
    try:
        assert operators.unchecked() == ["com.microsoft.NobodyTests"]
    finally:
        del VJP_RULES["com.microsoft", "NobodyTests"]
