"""What has no rule yet is refused by its name, with what it is and what to do."""

from __future__ import annotations

import onnx
import onnx_graphsurgeon as gs
import pytest

from backends.onnx.differentiating.reverse import reverse
from backends.onnx.reading.prepare import prepare
from backends.onnx.rules.not_yet import NOT_YET
from backends.onnx.writing.emit import Emitter
from cam_core.errors import UnsupportedOpError
from tests.written import parsed


def refused(model: onnx.ModelProto) -> str:
    op = Emitter(prepare(model))
    y = op.graph.outputs[0]
    with pytest.raises(UnsupportedOpError) as caught:
        reverse(op, y, gs.Variable("cot", y.dtype, y.shape), ["x"])
    return str(caught.value)


@pytest.mark.parametrize("operator", NOT_YET)
def test_every_reason_is_said(operator: str) -> None:
    """In words that go on after the name of the operator."""
    assert NOT_YET[operator][0].islower()
    assert not NOT_YET[operator].endswith(".")


@pytest.mark.usefixtures("no_norm_pools")
def test_a_pending_operator_is_refused_by_name() -> None:
    found = refused(parsed("float[1,3,4] x", "y = GlobalLpPool(x)", "float[1,3,1] y"))
    assert "GlobalLpPool (a rare pooling, planned: node" in found


AT = "float[3] x, int64 at"
READ: dict[str, tuple[str, str, str]] = {
    "SequenceAt": (AT, "s = SequenceConstruct(x, x) y = SequenceAt(s, at)", "float[3] y"),
    "ConcatFromSequence": (
        AT,
        "s = SplitToSequence<axis = 0>(x, at) y = ConcatFromSequence<axis = 0>(s)",
        "float[3] y",
    ),
    "MaxRoiPool": (
        "float[1,2,4,4] x, float[1,5] r",
        "y = MaxRoiPool<pooled_shape = [1, 1]>(x, r)",
        "float[1,2,1,1] y",
    ),
}


@pytest.mark.parametrize("operator", READ)
def test_the_reason_is_told(operator: str) -> None:
    """One of a list that is read at run time, not of one that is known from the file."""
    found = refused(parsed(*READ[operator], opset=18))
    assert f"no VJP rule for {operator} ({NOT_YET[operator]}: node 'y'" in found
