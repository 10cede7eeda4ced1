"""The step back from the last map to the one before views, pools, closing norms and class maps."""

from __future__ import annotations

from ..reading.graph import Node, Tensor
from ..reading.kinds import CHANNEL_NORMS, VIEWS, WINDOWS
from ..reading.units import behind_quantisers, computes
from .route import Route


def step_back(route: Route, tensor: Tensor) -> Tensor | None:
    """Before views, trailing pools with their powers, a closing norm of tokens, maps of classes."""
    shown = tensor
    while tensor.name in route.graph.producer:
        shown = tensor if route.held(tensor) else shown
        node = behind_quantisers(route.graph, route.graph.producer[tensor.name])
        passed = computes(node) in VIEWS | WINDOWS | CHANNEL_NORMS or _powers(route, node)
        if not passed and not _class_map(route, tensor):
            return shown
        source = _source(route, node)
        if source is None or not route.extended(source) or _unfolds(route, tensor, source):
            return shown if route.spatial(shown) else None
        tensor = source
    return None


def _powers(route: Route, node: Node) -> bool:
    """Are powers of the map taken, to be averaged (GeM and second-order pools)? A bound under them
    belongs to them.
    """
    if computes(node) == "Mul":
        return bool(node.inputs[0].name == node.inputs[1].name)
    if computes(node) == "Clip":
        readers = route.graph.consumers.get(node.outputs[0].name, [])
        return bool(readers) and all(reader.op == "Pow" for reader in readers)
    return computes(node) == "Pow" and node.inputs[1].name not in route.path


def _source(route: Route, node: Node) -> Tensor | None:
    """What a node with one input reads, behind views that are no maps by themselves."""
    makers = route.graph.producer
    sources = {t.name: t for t in node.inputs if t.name in route.path}
    if len(sources) != 1 or next(iter(sources)) not in makers:
        return None
    (source,) = sources.values()
    while not route.extended(source) and source.name in makers and makers[source.name].op in VIEWS:
        source = makers[source.name].inputs[0]
    return source


def _unfolds(route: Route, tensor: Tensor, source: Tensor) -> bool:
    """Is `tensor` a view that puts in place what the map behind its views holds in blocks?"""
    makers = route.graph.producer
    if makers[tensor.name].op not in VIEWS or not route.spatial(tensor):
        return False
    while source.name in makers and makers[source.name].op in VIEWS:
        source = makers[source.name].inputs[0]
    cut_up = route.maps.plain(tensor) and not route.maps.plain(source)
    return cut_up or len(route.maps.space(source)) < len(route.maps.space(tensor))


def _class_map(route: Route, tensor: Tensor) -> bool:
    """Are its channels the classes, or what is said at each place, with nothing after it that mixes
    channels?
    """
    classes = None if route.score.exact else route.score.classes
    classes_apart = classes is not None and route.maps.channels(tensor) == classes
    dense = route.dense and not route.score.exact
    return tensor.name not in route.mixed and (classes_apart or dense)
