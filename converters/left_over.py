"""What tf2onnx leaves undone in a model that it wrote, done in place."""

from __future__ import annotations

from typing import Any

import numpy as np


def hold(model: Any, concrete: Any) -> None:
    """Constants that a layer made outside the graph, which tf2onnx leaves as inputs, in place."""
    from onnx import numpy_helper

    captured = concrete.captured_inputs
    names = [t.name for t in concrete.inputs[len(concrete.inputs) - len(captured) :]]
    values = {n: t for n, t in zip(names, captured, strict=True) if t.dtype.name != "resource"}
    kept = [i for i in model.graph.input if i.name not in values]
    held = [i.name for i in model.graph.input if i.name in values]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    model.graph.initializer.extend(numpy_helper.from_array(values[n].numpy(), n) for n in held)


def spell_erfc(model: Any) -> None:
    """Erfc(x), which ONNX does not have and an exact GELU is made of, is 1 - Erf(x)."""
    from onnx import helper, numpy_helper

    nodes, one = [], "cam.one"
    for node in model.graph.node:
        if node.op_type != "Erfc":
            nodes.append(node)
            continue
        erf = f"{node.output[0]}/erf"
        nodes.append(helper.make_node("Erf", list(node.input), [erf], name=erf))
        nodes.append(helper.make_node("Sub", [one, erf], list(node.output), name=node.name))
    if len(nodes) == len(model.graph.node):
        return
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    model.graph.initializer.append(numpy_helper.from_array(np.array(1, np.float32), one))
