"""Pools with ceil_mode whose last window would start behind the input.

No runtime computes that window, yet the schemas before opset 22 count it, and onnxruntime, which
infers shapes by them, then folds an extent that the tensor has not: such a model is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cam_core.errors import ModelError

from .kinds import POOLS

if TYPE_CHECKING:
    import onnx

COUNTED_SINCE = 22


def schema_version(node: onnx.NodeProto, version: int) -> int:
    """The version of the schema that infers the node's shape as the runtimes compute it."""
    ceiled = any(a.name == "ceil_mode" and a.i for a in node.attribute)
    return max(version, COUNTED_SINCE) if node.op_type in POOLS and ceiled else version


def require_counted(nodes: Iterable[Any], version: int) -> None:
    """Refuses a pool (in normal form) whose extent the runtime itself infers wrongly.

    Raises:
        ModelError: names the node and the axis.
    """
    for node in nodes:
        if version >= COUNTED_SINCE or node.op not in POOLS or not node.attrs.get("ceil_mode"):
            continue
        x, y = node.inputs[0].shape, node.outputs[0].shape
        if x is None or y is None or node.attrs.get("auto_pad", "NOTSET") != "NOTSET":
            continue
        for i, k in enumerate(node.attrs["kernel_shape"]):
            size, count, rank = x[i + 2], y[i + 2], len(x) - 2
            pads = node.attrs.get("pads") or [0] * 2 * rank
            stride = (node.attrs.get("strides") or [1] * rank)[i]
            span = (node.attrs.get("dilations") or [1] * rank)[i] * (k - 1) + 1
            if not (isinstance(size, int) and isinstance(count, int)):
                continue
            if math.ceil((size + pads[i] + pads[i + rank] - span) / stride) + 1 != count:
                raise ModelError(
                    f"{node.op} '{node.name or node.outputs[0].name}': its last window along axis "
                    f"{i + 2} starts behind the input, which schemas before opset {COUNTED_SINCE} "
                    f"count and runtimes do not; export at opset {COUNTED_SINCE}, or with that "
                    f"axis dynamic"
                )
