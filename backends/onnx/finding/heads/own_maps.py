"""Boxes with maps of their own: masks, or heat maps of keypoints (Mask R-CNN, Keypoint R-CNN).

torchvision pastes the masks into the picture in a loop, and looks in one for where the heat maps
are largest: what such a loop reads are the maps.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import replace

from cam_core.head import BoxNumbers

from ...reading.graph import Graph, Node, Tensor, floating, reads
from ...reading.kinds import QUANTISERS, VIEWS
from ...reading.units import computes

MAP = 4
"""Axes of maps, one or several a box: [n, K, h, w]."""
CUTS = {"Slice", "Split", "Gather", "GatherND", "GatherElements", "Pad", "Flatten"}
"""What picks maps out of others, or puts zeros round them."""
STEPS = VIEWS | QUANTISERS | CUTS
TURNED = {"Mul", "Concat"}
"""What brings places that were found to the pixels of the picture."""


def with_own_maps(
    graph: Graph, boxes: BoxNumbers, others: Sequence[Tensor], carries: Container[str]
) -> BoxNumbers:
    """The boxes with the maps that other outputs are made of; the same where there are none."""
    if boxes.batched:
        return boxes
    for output in others:
        maps = _maps(graph, output, carries)
        logits = None if maps is None else _logits(graph, maps)
        if maps is not None and logits is not None:
            if isinstance(maps.shape[1], int) and maps.shape[1] != 1:
                continue  # of all classes, and nothing says which is the box's
            before = str(logits.name) if _is_map(logits) else ""
            boxes = replace(boxes, masks=str(maps.name), mask_logits=before)
        elif maps is not None and maps is not output:
            boxes = replace(boxes, heats=str(maps.name))
    return boxes


def _maps(graph: Graph, output: Tensor, carries: Container[str]) -> Tensor | None:
    """The maps [n, K, h, w] that an output holds, or that the loop reads which makes it."""
    for node, tensor in _back(graph, output, STEPS | TURNED):
        if node.op == "Loop":
            read = {t.name: t for t in reads(node) if t.name in carries and _is_map(t)}
            return _unpadded(graph, *read.values()) if len(read) == 1 else None
        if tensor is output and _is_map(output) and not list(_loops(graph, output)):
            return output
    return None


def _loops(graph: Graph, output: Tensor) -> Iterator[Node]:
    return (n for n, _ in _back(graph, output, STEPS | TURNED) if n.op == "Loop")


def _unpadded(graph: Graph, tensor: Tensor) -> Tensor:
    """What zeros were put round."""
    node = graph.producer.get(tensor.name)
    return node.inputs[0] if node is not None and node.op == "Pad" else tensor


def _is_map(tensor: Tensor) -> bool:
    return floating(tensor) and tensor.shape is not None and len(tensor.shape) == MAP


def _logits(graph: Graph, maps: Tensor) -> Tensor | None:
    """What they are the sigmoids of, all classes of it; None: they are no probabilities."""
    made = (node for node, _ in _back(graph, maps, STEPS) if computes(node) == "Sigmoid")
    return next((node.inputs[0] for node in made), None)


def _back(graph: Graph, tensor: Tensor, through: Container[str]) -> Iterator[tuple[Node, Tensor]]:
    """(what makes a tensor, the tensor), from one backwards by what only moves its numbers.

    The last is what does more.
    """
    while tensor.name in graph.producer:
        node = graph.producer[tensor.name]
        yield node, tensor
        if node.op not in through or not node.inputs:
            return
        tensor = node.inputs[0]
