"""Which tensor a name means: its own, its node's, or that of the torch module that made it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from cam_core.errors import LayerError

from ..reading.graph import Graph, Tensor
from .modules import Modules


def find_tensor(graph: Graph, modules: Modules, name: str) -> Tensor:
    """Of a module the last one that is read outside it.

    Raises:
        LayerError: a weight, an input, or unknown (near names are suggested).
    """
    tensors = {t.name: t for node in graph.nodes for t in node.outputs if t.name}
    if name in tensors:
        return tensors[name]
    nodes = {node.name: node for node in graph.nodes if node.name}
    if name in nodes:
        return nodes[name].outputs[0]
    if name in graph.weights or name in (t.name for t in graph.inputs):
        what = "a weight" if name in graph.weights else "an input of the model"
        raise LayerError(f"'{name}' is {what}, no layer; choose one from `gradcam layers`")
    made = modules.last_read_outside(name)
    if made is not None:
        return graph.tensors[made]
    raise LayerError(_unknown(modules, name, [*tensors, *nodes]))


def _unknown(modules: Modules, name: str, names: Iterable[str]) -> str:
    """Near names, or where a module went that left nothing behind."""
    known = modules.paths()
    near = difflib.get_close_matches(name, [*known, *names], 3)
    parent = name.rpartition(".")[0]
    if parent in known:
        went = ", ".join(f"'{p}'" for p in known if p.startswith(f"{parent}."))
        return (
            f"module '{name}' left no operator of its own (the exporter folded it into a "
            f"neighbour, or it does nothing); in '{parent}' there are {went or 'no others'}"
        )
    hint = f"; did you mean {', '.join(near)}?" if near else "; see `gradcam layers`"
    return f"no layer '{name}'{hint}"
