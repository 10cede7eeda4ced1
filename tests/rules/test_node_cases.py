"""ONNX's own single-node cases: each is differentiated rightly, or refused as the record says.

A fifth of them runs here, all of them with

    SWEEP=all pytest tests/rules/test_node_cases.py

The record changes with the rules: `python -m benchmarks.operators` writes it anew.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from backends.onnx.rules import VJP_RULES
from tests.rules.node_cases import cases
from tests.rules.node_cases_check import check, entry
from tests.rules.node_cases_record import recorded, versions

MADE_WITH, RECORD = recorded()

EVERY = os.environ.get("SWEEP") == "all"
CHOSEN = [*RECORD] if EVERY else [*RECORD][::5]
ANEW = "if this is meant: python -m benchmarks.operators"

pytestmark = pytest.mark.skipif(
    versions() != MADE_WITH, reason=f"the record is of {MADE_WITH}; {ANEW}"
)


@pytest.mark.parametrize("name", CHOSEN)
def test_case_ends_as_recorded(name: str) -> None:
    assert entry(cases()[name]) == RECORD[name], ANEW


def test_every_case_is_recorded() -> None:
    assert [*cases()] == [*RECORD], ANEW
    assert len(RECORD) >= 1050


def test_nothing_is_wrong_or_unknown() -> None:
    ends = {entry.verdict for entry in RECORD.values()}
    assert ends <= {"passed", "partly", "zero", "refused", "not run"}
    assert all(entry.reason for entry in RECORD.values() if entry.verdict in ("partly", "refused"))


@pytest.mark.parametrize(
    "name", ["test_matmul_2d", "test_softmax_axis_1", "test_gather_1", "test_relu"]
)
def test_a_rule_that_is_off_by_a_thousandth_is_found(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = cases()[name]
    rule = VJP_RULES["", case.op]

    def off(op: Any, node: Any, gy: Any) -> Any:
        return rule.function(op, node, op.Mul(gy, 1.001))

    monkeypatch.setitem(VJP_RULES, ("", case.op), replace(rule, function=off))
    assert check(case).verdict == "wrong"
