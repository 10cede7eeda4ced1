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

from ..reading.graph import Graph, Node
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


def _one_axis(found: Bindings, graph: Graph) -> dict[str, Any] | None:
    return {"axis": found["axes"][0], "flatten": False} if len(found["axes"]) == 1 else None


_CENTRED = "(x - ReduceMean(x, axes))"
_STANDARD = f"{_CENTRED} / Sqrt(ReduceMean({_CENTRED} ** 2, axes) + epsilon)"
_ROOT_MEAN_SQUARE = "x / Sqrt(ReduceMean(x ** 2, axes) + epsilon)"
_EXP = "Exp(x - ReduceMax(x, axes))"
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
    Composite("", "Softmax", f"{_EXP} / ReduceSum({_EXP}, axes)", _one_axis),
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
    nodes = [virtual.get(id(n), n) for n in graph.nodes if id(n) in virtual or id(n) not in gone]
    graph.nodes = nodes
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
