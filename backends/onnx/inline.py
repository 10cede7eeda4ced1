"""Local functions, inlined where they are called, and put back by `strip`."""

from __future__ import annotations

import base64
import zlib

import onnx

KEY = "cam.inlined"


def inline_functions(model: onnx.ModelProto) -> onnx.ModelProto:
    """`model` itself if it calls no local function, else a copy that calls none.

    The definitions stay in the copy, and what the inliner changed is kept in its metadata.
    """
    local = {(f.domain, f.name) for f in model.functions}
    if not local or not any((n.domain, n.op_type) in local for n in model.graph.node):
        return model
    from onnx import inliner

    inlined = inliner.inline_local_functions(model)
    kept = onnx.ModelProto(ir_version=model.ir_version)
    kept.opset_import.extend(model.opset_import)
    kept.graph.node.extend(model.graph.node)
    kept.graph.value_info.extend(model.graph.value_info)
    del inlined.functions[:]
    inlined.functions.extend(model.functions)
    packed = base64.b64encode(zlib.compress(kept.SerializeToString(deterministic=True)))
    inlined.metadata_props.add(key=KEY, value=packed.decode())
    return inlined


def restore_functions(model: onnx.ModelProto) -> None:
    """Puts the calls back into a copy that `inline_functions` made."""
    for entry in model.metadata_props:
        if entry.key == KEY:
            kept = onnx.ModelProto.FromString(zlib.decompress(base64.b64decode(entry.value)))
            break
    else:
        return
    for mine, theirs in (
        (model.graph.node, kept.graph.node),
        (model.graph.value_info, kept.graph.value_info),
        (model.opset_import, kept.opset_import),
    ):
        del mine[:]
        mine.extend(theirs)
