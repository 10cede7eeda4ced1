"""The result of the rewrite is valid ONNX wherever its source is; whose fault it is if not."""

from __future__ import annotations

import onnx

from cam_core.errors import CamError, ModelError

from ..reading.graph import FIXED_IR
from ..reading.sparse import declared


def require_valid(result: onnx.ModelProto, source: onnx.ModelProto) -> None:
    """Checks the result with onnx.checker, weights left out.

    Raises:
        CamError: the source passes and the result does not, which is a defect of ours.
    """
    try:
        onnx.checker.check_model(weightless(result), full_check=True)
    except Exception as error:  # the checker raises several kinds
        try:
            onnx.checker.check_model(weightless(source), full_check=True)
        except Exception:  # the source never passed
            return
        line = " ".join(str(error).split())
        raise CamError(
            f"the instrumented model is not valid ONNX; please report: {line}"
        ) from error


def blame(model: onnx.ModelProto, where: str, error: Exception) -> CamError:
    """What to say of a failure at `where`: the model contradicts itself, or we are wrong."""
    from onnx import shape_inference

    try:
        shape_inference.infer_shapes(
            weightless(model), check_type=True, strict_mode=True, data_prop=True
        )
    except Exception as reason:  # inference raises several kinds
        line = " ".join(str(reason).split())
        return ModelError(f"{where}: the model contradicts itself, no gradient there ({line})")
    return CamError(f"{where}: no gradient could be built; please report: {error!r}")


def weightless(model: onnx.ModelProto, limit: int = 1024) -> onnx.ModelProto:
    """A copy whose larger weights are inputs: the checker then takes milliseconds."""
    light = onnx.ModelProto(ir_version=max(model.ir_version, FIXED_IR))
    light.opset_import.extend(model.opset_import)
    light.functions.extend(model.functions)
    graph, own = light.graph, model.graph
    graph.name = own.name or "graph"
    for field in ("node", "input", "output", "value_info"):
        getattr(graph, field).extend(getattr(own, field))
    inputs = {i.name for i in own.input}
    for sparse in own.sparse_initializer:  # of which inference knows no shape
        graph.input.append(declared(sparse))
    for tensor in own.initializer:
        if len(tensor.dims) < 2 and sum(tensor.dims) <= limit and not tensor.external_data:
            graph.initializer.append(tensor)
        elif tensor.name not in inputs:
            info = onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            graph.input.append(info)
    return light
