"""Why a tensor is no map: where its places were lost, and which was the last map before it."""

from __future__ import annotations

from collections.abc import Collection

from ..reading.graph import Extent, Graph, Tensor, reads, told
from ..reading.kinds import RESHAPING
from .axes.factors import Lost, loss
from .maps import Maps


def why_no_map(maps: Maps, tensor: Tensor) -> str:
    """What stands in the way of reading a tensor as [N, K, *S]."""
    axes = maps.found.first.get(tensor.name)
    if axes is None:
        return "its shape is not known"
    lost = lost_in(maps, tensor)
    if lost is not None:
        before = last_map_before(maps, tensor)
        hint = f"; the last map before it is '{before}'" if before else ""
        return f"which cell is from where is lost at node '{lost.node}' ({lost.why}){hint}"
    if not maps.own_batch(tensor):
        return "it has not the rows of the score"
    return "its axes walk over the same places several times, or with gaps"


def in_one_batch(maps: Maps, tensor: Tensor) -> str:
    """Why a tensor is a map of no single input: the node that put several into one batch.

    '' where that is not so, or the rows of each are told apart.
    """
    names = maps.joined_rows(tensor)
    if not names or maps.shared(tensor):
        return ""
    made = ((node, t) for node in maps.graph.nodes for t in node.outputs)
    node = next((node for node, t in made if maps.joined_rows(t) == names), None)
    where = f"{node.op} (node '{node.name or node.outputs[0].name}')" if node else "a node"
    inputs = ", ".join(map(repr, names))
    return (
        f"{where} puts the rows of {inputs} into one batch, so '{tensor.name}' holds maps of no "
        f"single input; export the model with one call of the backbone for each input, f(a) and "
        f"f(b) for f(cat(a, b)): its weights stay shared"
    )


def first_in_one_batch(maps: Maps, path: set[str]) -> str:
    """`in_one_batch` of the first tensor on the way of which it is so."""
    made = (t for node in maps.graph.nodes for t in node.outputs if t.name in path)
    return next((why for t in made for why in [in_one_batch(maps, t)] if why), "")


def lost_in(maps: Maps, tensor: Tensor) -> Lost | None:
    """Where something of a tensor was lost first."""
    for axis in maps.found.first.get(tensor.name, ()):
        found = loss(axis)
        if found is not None:
            return found
    return None


def first_loss(maps: Maps, graph: Graph, path: set[str]) -> Lost | None:
    """The first node on the way at which places are lost."""
    made = (t for node in graph.nodes for t in node.outputs if t.name in path)
    return next((lost for t in made for lost in [lost_in(maps, t)] if lost is not None), None)


def last_map_before(maps: Maps, tensor: Tensor) -> str:
    """The nearest tensor with places that a tensor is made of; '' if there is none."""
    waiting, met = [tensor], {tensor.name}
    while waiting:
        maker = maps.graph.producer.get(waiting.pop(0).name)
        for source in reads(maker) if maker is not None else ():
            if source.name in met:
                continue
            met.add(source.name)
            if source.name in maps.graph.producer and any(d != 1 for d in maps.space(source)):
                return str(source.name)
            waiting.append(source)
    return ""


def merged_rows(maps: Maps, score: Tensor, mixed: Collection[str]) -> str:
    """The view that merged a score's rows with places ([605, 95]), in words; '' if none did.

    mixed: what a score is still made of by an operator with weights, and so is none.
    """
    tensor = score
    while maps.rows_are_places(tensor) and tensor.name in maps.graph.producer:
        node = maps.graph.producer[tensor.name]
        source = node.inputs[0] if node.inputs else None
        if source is None or source.shape is None:
            return ""
        if node.op in RESHAPING and not maps.rows_are_places(source):
            cure = f"give --score '{source.name}'"
            if source.name in mixed or source.name not in maps.graph.producer:
                cure = "export the model with a view of it as [rows, places, ...] at its end"
            return (
                f"{node.op} (node '{node.name or node.outputs[0].name}') merges the rows of "
                f"'{source.name}' {_text(source.shape)} with its places into those of the score "
                f"'{score.name}', {_text(score.shape)}; {cure}"
            )
        tensor = source
    return ""


def _text(shape: tuple[Extent, ...]) -> str:
    return f"[{', '.join('?' if told(d) is None else str(d) for d in shape)}]"
