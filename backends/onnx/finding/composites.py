"""What exporters decompose, put together again for the reverse pass.

Each find becomes one virtual node that reads the composite's inputs and makes its output. The
`Graph` is a reading copy, so the model keeps its own nodes; what is gained is a rule that reads no
inner tensor, so that the runtime still fuses the forward pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import onnx_graphsurgeon as gs

from ..reading.graph import Graph, Node, Tensor, reads
from ..reading.kinds import RESHAPING
from .matching import Bindings, Matcher
from .patterns import Pattern, Product, parse

DOMAIN = "cam"
"""The domain of virtual operators; no file ever holds one."""

Attributes = Callable[[Bindings, Graph], dict[str, Any] | None]
"""What a find is bound to -> the virtual node's attributes, None to refuse it."""


@dataclass(frozen=True)
class Composite:
    """One operator and one way to write it."""

    domain: str
    op: str
    formula: str
    attributes: Attributes = lambda found, graph: {}
    inputs: tuple[str, ...] = ("x",)


def _fixed(**attrs: Any) -> Attributes:
    return lambda found, graph: dict(attrs)


def _last_axes(found: Bindings, graph: Graph) -> dict[str, Any] | None:
    """LayerNormalization, if the axes are the last ones and its parameters span no others."""
    axes, rank = found["axes"], len(found["x"].shape)
    parameters = [found[name] for name in ("scale", "bias") if name in found]
    if axes != tuple(range(axes[0], rank)) or not all(
        graph.constant(t) and t.shape is not None and len(t.shape) <= len(axes) for t in parameters
    ):
        return None
    return {"axis": axes[0], "epsilon": found["epsilon"], "stash_type": 1}


def _standard(centre: int) -> Attributes:
    return lambda found, graph: {
        "axes": list(found["axes"]),
        "epsilon": found["epsilon"],
        "centre": centre,
    }


_CENTRED = "(x - ReduceMean(x, axes))"
_STANDARD = f"{_CENTRED} / Sqrt(ReduceMean({_CENTRED} ** 2, axes) + epsilon)"
_ROOT_MEAN_SQUARE = "x / Sqrt(ReduceMean(x ** 2, axes) + epsilon)"
_ERF = "Erf(x / 2 ** 0.5)"
_TANH = "Tanh(0.7978845608028654 * (x + 0.044715 * x ** 3))"
_TANH_FACTORED = "Tanh(0.7978845608028654 * x * (1 + 0.044715 * x ** 2))"

COMPOSITES = (
    Composite(DOMAIN, "SiLU", "x * Sigmoid(alpha * x)", lambda f, g: {"alpha": f["alpha"]}),
    Composite("", "Gelu", f"0.5 * x * (1 + {_ERF})", _fixed(approximate="none")),
    Composite("", "Gelu", f"x * (0.5 + 0.5 * {_ERF})", _fixed(approximate="none")),
    Composite("", "Gelu", f"0.5 * x * (1 + {_TANH})", _fixed(approximate="tanh")),
    Composite("", "Gelu", f"0.5 * x * (1 + {_TANH_FACTORED})", _fixed(approximate="tanh")),
    Composite("", "HardSwish", "x * HardSigmoid(x, alpha=1/6, beta=0.5)"),
    Composite("", "HardSwish", "x * Clip(x + 3, 0, 6) / 6"),
    Composite("", "HardSwish", "x * Min(Max(x + 3, 0), 6) / 6"),
    Composite("", "HardSwish", "x * Max(Min(x + 3, 6), 0) / 6"),
    Composite("", "HardSwish", "x * Clip(x / 6 + 0.5, 0, 1)"),
    Composite(DOMAIN, "Mish", "x * Tanh(Softplus(x))"),
    Composite(DOMAIN, "Mish", "x * Tanh(Log(Exp(x) + 1))"),
    Composite("", "LayerNormalization", f"{_STANDARD} * scale + bias", _last_axes,
              ("x", "scale", "bias")),
    Composite("", "LayerNormalization", f"{_STANDARD} * scale", _last_axes, ("x", "scale")),
    Composite(DOMAIN, "Standardise", _STANDARD, _standard(1)),
    Composite("", "RMSNormalization", f"{_ROOT_MEAN_SQUARE} * scale", _last_axes, ("x", "scale")),
    Composite(DOMAIN, "Standardise", _ROOT_MEAN_SQUARE, _standard(0)),
)  # fmt: skip
"""The first that fits is taken: the larger before the smaller."""


def _by_root(rows: Iterable[Composite]) -> dict[str, list[tuple[Composite, Pattern]]]:
    table: dict[str, list[tuple[Composite, Pattern]]] = defaultdict(list)
    for composite in rows:
        pattern = parse(composite.formula)
        for op in ("Mul", "Div") if isinstance(pattern, Product) else ("Add",):
            table[op].append((composite, pattern))
    return table


_BY_ROOT = _by_root(COMPOSITES)


def recognise(graph: Graph, keep: Collection[str] = ()) -> Graph:
    """Makes every composite of `graph` one node, except where somebody looks inside; returns it.

    A tensor in `keep` (the target layer, the score), a graph output or a tensor that is read
    elsewhere is never swallowed.
    """
    matcher = Matcher(graph, keep)
    virtual: dict[int, Node] = {}
    gone: set[int] = set()
    for node in reversed(graph.nodes):
        if id(node) in gone or node.domain not in ("", None, "ai.onnx"):
            continue
        for composite, pattern in _BY_ROOT.get(node.op, ()):
            found = matcher.find(pattern, node)
            made = None if found is None else _virtual(composite, found.bindings, node, graph)
            if found is not None and made is not None:
                virtual[id(node)] = made
                gone.update(id(n) for n in found.nodes)
                break
        else:
            softmax = _softmax(node, graph, matcher.keep)
            if softmax is not None:
                virtual[id(node)], nodes = softmax
                gone.update(id(n) for n in nodes)
    kept = [virtual.get(id(n), n) for n in graph.nodes if id(n) in virtual or id(n) not in gone]
    graph.nodes = kept
    graph.link()
    return graph


def _virtual(composite: Composite, found: Bindings, root: Node, graph: Graph) -> Node | None:
    x, y = found["x"], root.outputs[0]
    if x.shape is None or y.shape is None or len(x.shape) != len(y.shape):
        return None
    attrs = composite.attributes(found, graph)
    if attrs is None:
        return None
    inputs = [found[name] for name in composite.inputs]
    return gs.Node(composite.op, root.name, attrs, inputs, [y], domain=composite.domain)


def _softmax(root: Node, graph: Graph, keep: Collection[str]) -> tuple[Node, list[Node]] | None:
    """(Softmax or its logarithm, its nodes) where `root` is e / sum(e) or z - log(sum(e)).

    Here e = Exp(z). Of z = x - m it is x that counts, for whatever is the same along the axis
    falls out: a maximum, and what was done to keep that finite or without a gradient.
    """
    op, above, below, steps = _ratio(root, graph)
    total = _total(below, graph) if below is not None else None
    if total is None or total.log != (op == "LogSoftmax"):
        return None
    exp, nodes = graph.producer.get(total.source.name), [root, *steps, *total.nodes]
    if exp is None or exp.op != "Exp" or total.source.shape != root.outputs[0].shape:
        return None
    if above.name != (exp.inputs[0] if total.log else total.source).name:
        return None
    x, nodes = exp.inputs[0], [*nodes, exp]
    made = graph.producer.get(x.name)
    if made is not None and made.op == "Sub" and _same_along(made.inputs[1], x, total.axis, graph):
        more = _with_sources([*nodes, made], graph, {*keep, made.inputs[0].name})
        if made.inputs[0].shape == x.shape and _inside(more, graph, keep):
            x, nodes = made.inputs[0], more
    attrs = {"axis": total.axis, "flatten": False}
    node = gs.Node(op, root.name, attrs, [x], [root.outputs[0]], domain="")
    return (node, nodes) if _inside(nodes, graph, keep) else None


def _ratio(root: Node, graph: Graph) -> tuple[str, Tensor, Tensor | None, list[Node]]:
    """(the operator that it may be, what is above, the sum below, the nodes between)."""
    if root.op in ("Div", "Sub"):
        return "Softmax" if root.op == "Div" else "LogSoftmax", *root.inputs, []
    for above, below in (root.inputs, root.inputs[::-1]) if root.op == "Mul" else ():
        node = graph.producer.get(below.name)
        if node is not None and node.op == "Reciprocal":
            return "Softmax", above, node.inputs[0], [node]
    return "", root.outputs[0], None, []


@dataclass(frozen=True)
class _Total:
    """A sum along an axis, or its logarithm, put back to where it was summed."""

    source: Tensor
    axis: int
    log: bool
    nodes: tuple[Node, ...]


def _total(tensor: Tensor, graph: Graph) -> _Total | None:
    """What a tensor is a sum of: an axis that is not kept comes back by views or an Expand."""
    nodes: list[Node] = []
    for passed in ({"Expand", "Identity", "Log"}, RESHAPING | {"Identity", "Log"}):
        row = tensor  # of the views: with one place along the axis
        while tensor.name in graph.producer and graph.producer[tensor.name].op in passed:
            nodes.append(graph.producer[tensor.name])
            tensor = nodes[-1].inputs[0]
    made = graph.producer.get(tensor.name)
    if made is None or made.op != "ReduceSum" or len(made.inputs) < 2:
        return None
    source, axes = made.inputs[0], graph.value(made.inputs[1])
    if axes is None or axes.size != 1 or not source.shape or None in source.shape:
        return None
    axis = int(axes.item()) % len(source.shape)
    one = tuple(1 if i == axis else extent for i, extent in enumerate(source.shape))
    logs = sum(node.op == "Log" for node in nodes)
    if row.shape is None or tuple(row.shape) != one or logs > 1:
        return None
    return _Total(source, axis, logs == 1, (*nodes, made))


def _same_along(tensor: Tensor, z: Tensor, axis: int, graph: Graph) -> bool:
    """Is the tensor, as broadcast to z, the same all along an axis?"""
    passed = {"Expand", "Identity"}
    while tensor.name in graph.producer and graph.producer[tensor.name].op in passed:
        tensor = graph.producer[tensor.name].inputs[0]
    if tensor.shape is None or z.shape is None:
        return False
    own = axis - len(z.shape) + len(tensor.shape)
    return own < 0 or tensor.shape[own] == 1


def _with_sources(nodes: list[Node], graph: Graph, keep: Collection[str]) -> list[Node]:
    """The nodes, and those that make what is taken off by the last for nobody else."""
    waiting = [nodes[-1].inputs[1]]
    while waiting:
        made = graph.producer.get(waiting.pop().name)
        if made is not None and _inside([*nodes, made], graph, keep):
            nodes = [*nodes, made]
            waiting.extend(reads(made))
    return nodes


def _inside(nodes: list[Node], graph: Graph, keep: Collection[str]) -> bool:
    """Does nobody else read what the nodes after the first make?"""
    own = {id(node) for node in nodes}
    made = [t.name for node in nodes[1:] for t in node.outputs]
    return not any(
        t in keep or any(id(n) not in own for n in graph.consumers.get(t, ())) for t in made
    )
