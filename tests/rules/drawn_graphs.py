"""Graphs of 5 to 40 operators, drawn at random: fan-out, broadcasting, joins, norms, products.

Axis 0 is the batch everywhere, so that it may be declared as a symbol. A crude bound of each
tensor's values is kept, so that no chain of products overflows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.rules.drawn import Drawn

LARGEST, HIGHEST = 200, 6.0
"""Elements and values from where on a tensor is made smaller first."""


@dataclass(frozen=True)
class T:
    """A tensor of the graph being drawn."""

    name: str
    shape: tuple[int, ...]
    bound: float


@dataclass
class Sketch:
    """The graph so far."""

    rng: np.random.Generator
    lines: list[str] = field(default_factory=list)
    constants: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, tuple[int, ...]] = field(default_factory=dict)
    tensors: list[T] = field(default_factory=list)
    unread: dict[str, T] = field(default_factory=dict)

    def put(self, text: str, *read: T, shape: tuple[int, ...], bound: float, outputs: int = 1) -> T:
        """One operator; `text` names its operands, the tensors among them are `read`."""
        made = [T(f"t{len(self.tensors) + i}", shape, bound) for i in range(outputs)]
        self.lines.append(f"{', '.join(t.name for t in made)} = {text}")
        for t in read:
            self.unread.pop(t.name, None)
        self.tensors += made
        self.unread |= {t.name: t for t in made}
        return made[0]

    def pick(self, choices: Sequence[Any]) -> Any:
        return choices[int(self.rng.integers(len(choices)))]

    def number(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))

    def constant(self, value: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = np.asarray(value)
        return name

    def normal(self, *shape: int) -> str:
        return self.constant(self.rng.normal(size=shape))

    def axis(self, t: T) -> int:
        return self.number(1, len(t.shape) - 1)

    def partner(self, t: T) -> T | None:
        """Another tensor that broadcasts with t."""
        fits = [
            o
            for o in self.tensors
            if o.bound <= HIGHEST
            and len(o.shape) == len(t.shape)
            and all(a == b or 1 in (a, b) for a, b in zip(o.shape, t.shape, strict=True))
        ]
        return self.pick(fits) if fits else None


UNARY: dict[str, Callable[[float], float]] = {
    "Relu": lambda b: b,
    "Tanh": lambda b: 1,
    "Sigmoid": lambda b: 1,
    "Softplus": lambda b: b + 1,
    "Erf": lambda b: 1,
    "Sin": lambda b: 1,
    "Atan": lambda b: 2,
    "Elu": lambda b: b,
    "LeakyRelu<alpha=0.2>": lambda b: b,
    "Abs": lambda b: b,
    "Neg": lambda b: b,
    "Exp": lambda b: float(np.exp(b)),
    "HardSwish": lambda b: b,
    "HardSigmoid": lambda b: 1,
    "Mish": lambda b: b,
    "Softsign": lambda b: 1,
    "Identity": lambda b: b,
}
BINARY: dict[str, Callable[[float, float], float]] = {
    "Add": lambda a, b: a + b,
    "Sub": lambda a, b: a + b,
    "Mul": lambda a, b: a * b,
    "Max": max,
    "Min": max,
}


def unary(g: Sketch, t: T) -> None:
    op = g.pick(sorted(UNARY))
    if op != "Exp" or t.bound < 2:
        g.put(f"{op}({t.name})", t, shape=t.shape, bound=UNARY[op](t.bound))


def binary(g: Sketch, t: T) -> None:
    o, op = g.partner(t), g.pick(sorted(BINARY))
    if o is not None:
        shape = np.broadcast_shapes(t.shape, o.shape)
        text = f"{op}({t.name}, {o.name})"
        g.put(text, t, o, shape=shape, bound=BINARY[op](t.bound, o.bound))


def quotient(g: Sketch, t: T) -> None:
    """o / (1 + t^2), or the logarithm, root or power of its denominator."""
    square = g.put(f"Mul({t.name}, {t.name})", t, shape=t.shape, bound=t.bound**2)
    one = g.constant(1.0)
    below = g.put(f"Add({square.name}, {one})", square, shape=t.shape, bound=t.bound**2 + 1)
    kind, o = g.pick(["Div", "Log", "Sqrt", "Reciprocal", "Pow"]), g.partner(t)
    if kind == "Div" and o is not None:
        shape = np.broadcast_shapes(t.shape, o.shape)
        g.put(f"Div({o.name}, {below.name})", o, below, shape=shape, bound=o.bound)
    elif kind == "Pow":
        text = f"Pow({below.name}, {g.constant(0.7)})"
        g.put(text, below, shape=t.shape, bound=below.bound)
    elif kind != "Div":
        g.put(f"{kind}({below.name})", below, shape=t.shape, bound=t.bound + 1)


def gate(g: Sketch, t: T) -> None:
    """SiLU and Gelu as exporters write them."""
    if g.pick([False, True]):
        scaled = g.put(f"Div({t.name}, {g.constant(2**0.5)})", t, shape=t.shape, bound=t.bound)
        erf = g.put(f"Erf({scaled.name})", scaled, shape=t.shape, bound=1)
        more = g.put(f"Add({erf.name}, {g.constant(1.0)})", erf, shape=t.shape, bound=2)
        twice = g.put(f"Mul({t.name}, {more.name})", t, more, shape=t.shape, bound=2 * t.bound)
        g.put(f"Mul({twice.name}, {g.constant(0.5)})", twice, shape=t.shape, bound=t.bound)
        return
    s = g.put(f"Sigmoid({t.name})", t, shape=t.shape, bound=1)
    g.put(f"Mul({t.name}, {s.name})", t, s, shape=t.shape, bound=t.bound)


def norm(g: Sketch, t: T) -> None:
    axis = g.axis(t)
    kind = g.pick(["Softmax", "LogSoftmax", "Standard", "Instance", "Batch"])
    if "Softmax" in kind:
        g.put(f"{kind}<axis={axis}>({t.name})", t, shape=t.shape, bound=2 * t.bound + 4)
    elif kind == "Standard":  # LayerNormalization as exporters write it
        axes = g.constant(np.array([axis - len(t.shape)]))
        small = tuple(1 if i == axis else n for i, n in enumerate(t.shape))
        mean = g.put(f"ReduceMean({t.name}, {axes})", t, shape=small, bound=t.bound)
        centred = g.put(f"Sub({t.name}, {mean.name})", t, mean, shape=t.shape, bound=2 * t.bound)
        two, epsilon = g.constant(2.0), g.constant(1e-3)
        text = f"Pow({centred.name}, {two})"
        square = g.put(text, centred, shape=t.shape, bound=4 * t.bound**2)
        text = f"ReduceMean({square.name}, {axes})"
        variance = g.put(text, square, shape=small, bound=square.bound)
        text = f"Add({variance.name}, {epsilon})"
        guarded = g.put(text, variance, shape=small, bound=square.bound)
        root = g.put(f"Sqrt({guarded.name})", guarded, shape=small, bound=2 * t.bound)
        text = f"Div({centred.name}, {root.name})"
        g.put(text, centred, root, shape=t.shape, bound=float(np.sqrt(t.shape[axis])))
    elif len(t.shape) > 2:
        c = t.shape[1]
        scale, bias = g.normal(c), g.normal(c)
        if kind == "Instance":
            text = f"InstanceNormalization<epsilon=0.001>({t.name}, {scale}, {bias})"
        else:
            variance = g.constant(g.rng.uniform(0.5, 2, size=c))
            text = f"BatchNormalization({t.name}, {scale}, {bias}, {g.normal(c)}, {variance})"
        g.put(text, t, shape=t.shape, bound=3 * t.bound + 3)


def reduction(g: Sketch, t: T) -> None:
    axis, keep = g.axis(t), g.number(0, 1) if len(t.shape) > 2 else 1
    names = ["Mean", "Sum", "Max", "Min", "LogSumExp", "SumSquare"]
    kind = g.pick(names)
    axes = g.constant(np.array([axis]))
    kept = [1 if i == axis else n for i, n in enumerate(t.shape)]
    shape = tuple(kept if keep else kept[:axis] + kept[axis + 1 :])
    grown = {"Sum": t.shape[axis] * t.bound, "SumSquare": t.shape[axis] * t.bound**2}
    text = f"Reduce{kind}<keepdims={keep}>({t.name}, {axes})"
    g.put(text, t, shape=shape, bound=grown.get(kind, t.bound + 2))


def view(g: Sketch, t: T) -> None:
    rest, rank = t.shape[1:], len(t.shape)
    kind = g.pick(["flat", "split", "Transpose", "Unsqueeze"])
    even = [i for i, n in enumerate(rest) if n % 2 == 0 and n > 2]
    if kind == "Transpose":
        order = [0, *(1 + g.rng.permutation(rank - 1)).tolist()]
        shape = tuple(t.shape[i] for i in order)
        g.put(f"Transpose<perm={order}>({t.name})", t, shape=shape, bound=t.bound)
    elif kind == "Unsqueeze" and rank < 4:
        at = g.number(1, rank)
        shape = (*t.shape[:at], 1, *t.shape[at:])
        text = f"Unsqueeze({t.name}, {g.constant(np.array([at]))})"
        g.put(text, t, shape=shape, bound=t.bound)
    elif kind == "split" and even and rank < 4:
        i = even[0]
        sizes = (*rest[:i], 2, rest[i] // 2, *rest[i + 1 :])
        text = f"Reshape({t.name}, {g.constant(np.array([0, *sizes[:-1], -1]))})"
        g.put(text, t, shape=(t.shape[0], *sizes), bound=t.bound)
    else:
        g.put(f"Flatten({t.name})", t, shape=(t.shape[0], int(np.prod(rest))), bound=t.bound)


def product(g: Sketch, t: T) -> None:
    """With weights, or of the rows with one another, as attention has it."""
    k, m = t.shape[-1], g.number(1, 4)
    if len(t.shape) > 2 and g.pick([False, True]):
        order = [*range(len(t.shape) - 2), len(t.shape) - 1, len(t.shape) - 2]
        turned = tuple(t.shape[i] for i in order)
        text = f"Transpose<perm={order}>({t.name})"
        other = g.put(text, t, shape=turned, bound=t.bound)
        shape, bound = (*t.shape[:-1], t.shape[-2]), k * t.bound**2
        g.put(f"MatMul({t.name}, {other.name})", t, other, shape=shape, bound=bound)
    elif len(t.shape) == 2 and g.pick([False, True]):
        text = f"Gemm<transB=1, alpha=0.7>({t.name}, {g.normal(m, k)}, {g.normal(m)})"
        g.put(text, t, shape=(t.shape[0], m), bound=2 * k * t.bound + 2)
    else:
        text = f"MatMul({t.name}, {g.normal(k, m)})"
        g.put(text, t, shape=(*t.shape[:-1], m), bound=2 * k * t.bound)


def window(g: Sketch, t: T) -> None:
    rank = len(t.shape) - 2
    if rank < 1:
        return
    kind = g.pick(["Conv", "MaxPool", "AveragePool"])
    if kind == "Conv":
        m, k = g.number(1, 4), g.pick([1, 3])
        weights = g.normal(m, t.shape[1], *[k] * rank)
        text = f"Conv<pads={[k // 2] * 2 * rank}>({t.name}, {weights})"
        bound = 2 * t.shape[1] * k**rank * t.bound
        g.put(text, t, shape=(t.shape[0], m, *t.shape[2:]), bound=bound)
    elif min(t.shape[2:]) > 1:
        space = tuple((n - 2) // 2 + 1 for n in t.shape[2:])
        text = f"{kind}<kernel_shape={[2] * rank}, strides={[2] * rank}>({t.name})"
        g.put(text, t, shape=(*t.shape[:2], *space), bound=t.bound)


def arrangement(g: Sketch, t: T) -> None:
    axis, n = (a := g.axis(t)), t.shape[a]
    kinds = ["Concat", "Split", "Slice", "Pad", "Gather", "Tile", "CumSum", "Clip", "Where"]
    kind = g.pick(kinds)
    at = g.constant(np.array([axis]))

    def of(extent: int) -> tuple[int, ...]:
        return (*t.shape[:axis], extent, *t.shape[axis + 1 :])

    if kind == "Concat":
        o = g.pick([o for o in g.tensors if o.shape == t.shape])
        text = f"Concat<axis={axis}>({t.name}, {o.name})"
        g.put(text, t, o, shape=of(2 * n), bound=max(t.bound, o.bound))
    elif kind == "Split" and n % 2 == 0:
        text = f"Split<axis={axis}, num_outputs=2>({t.name})"
        g.put(text, t, shape=of(n // 2), bound=t.bound, outputs=2)
    elif kind == "Slice" and n > 1:
        start, end = g.constant(np.array([n - 1])), g.constant(np.array([-n - 1]))
        text = f"Slice({t.name}, {start}, {end}, {at}, {g.constant(np.array([-2]))})"
        g.put(text, t, shape=of((n + 1) // 2), bound=t.bound)
    elif kind == "Pad":
        text = f'Pad({t.name}, {g.constant(np.array([1, 2]))}, "", {at})'
        g.put(text, t, shape=of(n + 3), bound=t.bound)
    elif kind == "Gather":
        places = g.constant(g.rng.integers(-n, n, size=3))
        g.put(f"Gather<axis={axis}>({t.name}, {places})", t, shape=of(3), bound=t.bound)
    elif kind == "Tile":
        repeats = g.constant(np.array([2 if i == axis else 1 for i in range(len(t.shape))]))
        g.put(f"Tile({t.name}, {repeats})", t, shape=of(2 * n), bound=t.bound)
    elif kind == "CumSum":
        text = f"CumSum({t.name}, {g.constant(np.array(axis))})"
        g.put(text, t, shape=t.shape, bound=n * t.bound)
    elif kind == "Clip":
        text = f"Clip({t.name}, {g.constant(-0.5)}, {g.constant(0.8)})"
        g.put(text, t, shape=t.shape, bound=1)
    elif kind == "Where" and (o := g.partner(t)) is not None:
        shape = np.broadcast_shapes(t.shape, o.shape)
        chosen = g.constant(g.rng.random(shape[1:]) < 0.5)
        text = f"Where({chosen}, {t.name}, {o.name})"
        g.put(text, t, o, shape=shape, bound=max(t.bound, o.bound))


def tame(g: Sketch, t: T) -> T:
    """Fewer elements, smaller values."""
    while int(np.prod(t.shape)) > LARGEST:
        axis = 1 + int(np.argmax(t.shape[1:]))
        small = (*t.shape[:axis], t.shape[axis] // 2, *t.shape[axis + 1 :])
        ends = g.constant(np.array([t.shape[axis] // 2]))
        zero, at = g.constant(np.array([0])), g.constant(np.array([axis]))
        t = g.put(f"Slice({t.name}, {zero}, {ends}, {at})", t, shape=small, bound=t.bound)
    if t.bound > HIGHEST:
        t = g.put(f"Mul({t.name}, {g.constant(2 / t.bound)})", t, shape=t.shape, bound=2)
    return t


MENU = (unary, unary, binary, binary, quotient, gate, norm, reduction, view, product, window)
MENU += (window, arrangement, arrangement)


def graph(count: int, seed: int) -> Any:
    """A graph of about `count` operators; a smaller count begins alike."""
    g = Sketch(np.random.default_rng(seed))
    x = (2, *(g.number(1, 6) for _ in range(g.number(1, 3))))
    symbolic = g.pick([False, True])
    g.inputs["x"] = x
    g.put("Identity(x)", shape=x, bound=3)
    while len(g.lines) + len(g.unread) + 1 < count:
        pool = g.tensors if g.pick([False, False, True]) else list(g.unread.values())
        g.pick(MENU)(g, tame(g, g.pick(pool)))
        if len(g.inputs) < 3 and g.number(0, 7) == 0:  # what an inner tensor's G would be
            t = g.tensors[-1]
            name = f"e{len(g.inputs)}"
            g.inputs[name] = t.shape
            g.put(f"Add({t.name}, {name})", t, shape=t.shape, bound=t.bound + 3)
    leaves = [tame(g, t) for t in list(g.unread.values())]
    flat = [g.put(f"Flatten({t.name})", t, shape=(2, 1), bound=1).name for t in leaves]
    g.lines.append(f"y = Concat<axis=1>({', '.join(flat)})")
    declared = {n: ("N", *s[1:]) for n, s in g.inputs.items()} if symbolic else {}
    return Drawn("\n".join(g.lines), g.inputs, g.constants, declared, opset=20)
