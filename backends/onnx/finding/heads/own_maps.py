"""Boxes with maps of their own: masks, or heat maps of keypoints (Mask R-CNN, Keypoint R-CNN).

torchvision pastes the masks into the picture in a loop, and looks in one for where the heat maps
are largest: what such a loop reads are the maps. mmdeploy pastes them by a GridSample.
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
PASTING = {"Loop", "GridSample"}
"""What brings maps to the size of the picture."""
COMPARED = {"Greater", "GreaterOrEqual"}
"""What makes masks of yes and no of probabilities."""
TURNED = {"Mul", "Concat"}
"""What brings places that were found to the pixels of the picture."""


def with_own_maps(
    graph: Graph, boxes: BoxNumbers, others: Sequence[Tensor], carries: Container[str]
) -> BoxNumbers:
    """The boxes with the maps that other outputs are made of; the same where there are none."""
    for output in others:
        maps = _maps(graph, output, carries)
        logits = None if maps is None else _logits(graph, maps)
        if maps is not None and logits is not None:
            if _of_others(graph, maps, boxes, alone=maps is not output):
                continue
            before = str(logits.name) if _is_map(logits, MAP + boxes.batched) else ""
            boxes = replace(boxes, masks=str(maps.name), mask_logits=before)
        elif maps is not None and maps is not output and not boxes.batched:
            boxes = replace(boxes, heats=str(maps.name))
    return boxes


def _of_others(graph: Graph, maps: Tensor, boxes: BoxNumbers, *, alone: bool) -> bool:
    """Are they of all classes, so that nothing says which is the box's, or not one a box?

    A batch of pictures [N, n, h, w] has one map a box (mmdeploy, TensorFlow's detection_masks);
    what is pasted, or of one picture, has an axis for it: [n, 1, h, w].
    """
    if not boxes.batched or alone:
        return isinstance(maps.shape[1], int) and maps.shape[1] != 1
    count, own = graph.tensors[boxes.output].shape[1], maps.shape[1]
    return isinstance(count, int) and isinstance(own, int) and count != own


def _maps(graph: Graph, output: Tensor, carries: Container[str]) -> Tensor | None:
    """The maps [n, K, h, w] that an output holds, or that were pasted into the picture."""
    way = [node for node, _ in _back(graph, output, STEPS | TURNED | COMPARED)]
    paste = next((node for node in way if node.op in PASTING), None)
    if paste is None:
        return output if _is_map(output) else None
    read = reads(paste) if paste.op == "Loop" else paste.inputs[:1]
    found = {t.name: t for t in read if t.name in carries and _is_map(t)}
    return _unpadded(graph, *found.values()) if len(found) == 1 else None


def _unpadded(graph: Graph, tensor: Tensor) -> Tensor:
    """What zeros were put round."""
    node = graph.producer.get(tensor.name)
    return node.inputs[0] if node is not None and node.op == "Pad" else tensor


def _is_map(tensor: Tensor, most: int = MAP) -> bool:
    return floating(tensor) and tensor.shape is not None and MAP <= len(tensor.shape) <= most


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
