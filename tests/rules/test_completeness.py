"""Every operator of ONNX is one of: a rule, zero with a reason, or not yet with a reason."""

from __future__ import annotations

import onnx
import onnx.parser
import onnx_graphsurgeon as gs
import pytest

from backends.onnx.differentiating.reverse import reverse
from backends.onnx.reading.normalise import NEWEST, RENAMED
from backends.onnx.reading.prepare import prepare
from backends.onnx.rules import NOT_YET, VJP_RULES, ZERO
from backends.onnx.writing.emit import Emitter
from cam_core.errors import UnsupportedOpError

NORMAL = RENAMED | {"Upsample": "Resize"}
"""Operators that are read under another name."""
NO_STANDARD = {"ImageScaler", "SimplifiedLayerNormalization"}
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


def test_every_reason_is_said() -> None:
    assert all(ZERO.values())
    assert all(NOT_YET.values())


@pytest.mark.usefixtures("no_norm_pools")
def test_a_pending_operator_is_refused_by_name() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[1,3,4] x) => (float[1,3,1] y) '
        "{ y = GlobalLpPool(x) }"
    )
    op = Emitter(prepare(model))
    cot = gs.Variable("cot", "float32", (1, 3, 1))
    with pytest.raises(UnsupportedOpError, match=r"GlobalLpPool \(a rare pooling, planned: node"):
        reverse(op, op.graph.tensors["y"], cot, ["x"])


def test_a_sequence_read_at_run_time_is_refused() -> None:
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[3] x, int64 at) => (float[3] y) '
        "{ s = SequenceConstruct(x, x) y = SequenceAt(s, at) }"
    )
    op = Emitter(prepare(model))
    cot = gs.Variable("cot", "float32", (3,))
    with pytest.raises(UnsupportedOpError, match=r"SequenceAt \(a sequence that only the run time"):
        reverse(op, op.graph.tensors["y"], cot, ["x"])
