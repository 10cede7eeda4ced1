"""Every operator of ONNX is one of: a rule, zero with a reason, or not yet with a reason."""

from __future__ import annotations

import onnx
import pytest

from backends.onnx.reading.normalise import NEWEST, RENAMED
from backends.onnx.rules import NOT_YET, VJP_RULES, ZERO

NORMAL = RENAMED | {"Upsample": "Resize"}
"""Operators that are read under another name."""
NO_STANDARD = {"Crop", "ImageScaler", "SimplifiedLayerNormalization"}
"""Operators that old files, and onnxruntime's, hold under the standard's name."""

OPERATORS = sorted(
    {
        schema.name
        for schema in onnx.defs.get_all_schemas_with_history()
        if schema.domain == "" and schema.since_version <= NEWEST
    }
)


def test_the_standard_is_known() -> None:
    assert len(OPERATORS) >= 180


@pytest.mark.parametrize("operator", OPERATORS)
def test_operator_has_one_place(operator: str) -> None:
    key = "", NORMAL.get(operator, operator)
    places = {"a rule": key in VJP_RULES, "ZERO": key in ZERO, "NOT_YET": key[1] in NOT_YET}
    found = [place for place, there in places.items() if there]
    assert len(found) == 1, f"{operator} is in {found or 'no table'}"


def test_no_table_holds_what_is_no_operator() -> None:
    held = {op for domain, op in [*VJP_RULES, *ZERO] if not domain} | set(NOT_YET)
    assert held <= {*OPERATORS, *NO_STANDARD}
