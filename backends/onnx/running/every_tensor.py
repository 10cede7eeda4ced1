"""Every tensor of a file on one input, as the file computes it: no operators are fused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import onnx

from cam_core.backend import Array

from .runner import Runner
from .runtime import run


def every_tensor(
    model: onnx.ModelProto, runner: Runner, fed: Mapping[str, Array]
) -> dict[str, Array]:
    """The floating point tensors that nodes make, by name, in the file's order.

    Those inside branches and loops are not shown.

    Raises:
        ModelError: the runtime refuses the model.
    """
    shown = onnx.ModelProto()
    shown.CopyFrom(model)
    known = {output.name for output in model.graph.output}
    made = [name for node in model.graph.node for name in node.output if name]
    more = [onnx.ValueInfoProto(name=name) for name in made if name not in known]
    shown.graph.output.extend(more)
    session = replace(runner, optimization="disabled").open(shown)
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, run(session, names, dict(fed)), strict=True))
    return {name: found[name] for name in made if _floating(found.get(name))}


def _floating(value: object) -> bool:
    return getattr(getattr(value, "dtype", None), "kind", "") == "f"
