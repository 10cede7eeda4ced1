"""What lies between a layer and the score, whether it has a derivative, and what that takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cam_core.errors import ModelError

from ..finding.analysis import Analysis, analysed
from ..finding.composites import DOMAIN
from ..reading.graph import Graph, Node, reads
from ..reading.normalise import RENAMED
from ..rules import NOT_YET, RULES, VJP_RULES, ZERO, RefusedError, key_of
from ..rules.paths import active
from ..writing.portable import PORTABLE
from .gradient import nearest_usable, on_path, trial


@dataclass(frozen=True)
class Row:
    """One kind of operator between layer and score."""

    domain: str
    operator: str
    count: int
    status: str
    """rule, composite (recognised from its parts), zero or missing."""
    reason: str = ""
    """Why it is zero or missing, and what to do."""


@dataclass(frozen=True)
class Coverage:
    """How a layer's gradient comes about."""

    layer: str
    score: str
    operators: tuple[Row, ...]
    """What the gradient passes, or ends at, in the order of execution."""
    emitted: Mapping[str, int]
    """Operator -> how many the backward part is made of; empty where it is refused."""
    unportable: tuple[str, ...]
    """Those of them that some runtime lacks."""
    nearest_usable: str | None = None
    """Where something is missing: the next layer that works, if any does."""
    refused: str = ""
    """Why there is no gradient; '' where there is one."""


def coverage(source: object, layer: str | int | None = None, score: str | None = None) -> Coverage:
    """What the gradient of `score` at `layer` (both found where None) needs and gets.

    Args:
        source: a path, bytes, an `onnx.ModelProto`, or the `analysis` of an `OnnxBackend`.
        layer: tensor, node, torch module path or index.
        score: the score tensor.

    Raises:
        ModelError, LayerError: the model cannot be read, or has no such layer or score.
    """
    analysis = analysed(source, [layer], score)
    choice = analysis.choices[0]
    name = str(choice.tensor.name)
    nodes: list[Node] = []
    refused, form, nearest = "", None, None
    try:
        nodes = trial(analysis, name)
    except ModelError as error:
        refused = str(error)
        form = error if isinstance(error, RefusedError) and error.why else None
        nearest = nearest_usable(analysis, name)
    return Coverage(
        layer=choice.name,
        score=analysis.score.name,
        operators=_rows(analysis, name, form),
        emitted=dict(Counter(node.op for node in nodes).most_common()),
        unportable=unportable(nodes),
        nearest_usable=nearest,
        refused=refused,
    )


def unportable(nodes: Iterable[Node]) -> tuple[str, ...]:
    """What of these (graphsurgeon) nodes is outside PORTABLE, each once."""
    found = set()
    nodes = list(nodes)
    inner = [n for node in nodes for body in node.subgraphs(recursive=True) for n in body.nodes]
    for node in (*nodes, *inner):
        reduction = node.attrs.get("reduction", "none")
        if node.op not in PORTABLE:
            found.add(node.op)
        elif node.op == "MaxPool" and len(node.outputs) > 1:
            found.add("MaxPool with Indices")
        elif reduction != "none":
            found.add(f"{node.op} with reduction {reduction}")
    return tuple(sorted(found))


def _rows(analysis: Analysis, layer: str, form: RefusedError | None) -> tuple[Row, ...]:
    """`form`: what a rule refused although it is there."""
    graph = analysis.graph
    path = active(graph, [layer], analysis.score.name)
    made = _made(graph)
    met = {id(node) for node in on_path(graph, path)}
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for node in graph.nodes:
        ends = key_of(node) in ZERO and any(t.name in path for t in reads(node))
        if form is not None and node is form.node:
            counts[*key_of(node), "missing", form.why] += 1
        elif id(node) in met or ends:
            counts[*key_of(node), *_status(node, made)] += 1
    return tuple(
        Row(domain, operator, count, status, reason)
        for (domain, operator, status, reason), count in counts.items()
    )


def _status(node: Node, made: Mapping[str, str]) -> tuple[str, str]:
    """(status, reason) by the tables alone."""
    key = key_of(node)
    if key in ZERO:
        return "zero", ZERO[key]
    if key not in VJP_RULES:
        pending = "" if key[0] else NOT_YET.get(key[1], "")
        return "missing", pending or f"add a rule in {RULES}"
    composed = key[0] == DOMAIN or made.get(node.outputs[0].name, node.op) != node.op
    return ("composite", "recognised from its parts") if composed else ("rule", "")


def _made(graph: Graph) -> dict[str, str]:
    """Tensor -> the operator that makes it in the file, under the name it is read by."""
    read_as = RENAMED | {"Upsample": "Resize"}
    return {
        name: read_as.get(node.op_type, node.op_type)
        for node in graph.model.graph.node
        for name in node.output
    }
