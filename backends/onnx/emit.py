"""Writes new nodes: `op.Mul(a, b)` makes a Mul and returns its output, typed and named.

Operands are tensors of the graph, tensors made before, NumPy arrays, lists of int (int64 vectors)
or Python scalars (of the first tensor's type). Everything is written in the newest form; what the
model's own opset spells otherwise is translated by `spelling`. An Expand is carried as a promise:
arithmetic and reductions read what lies under it, so it costs nothing unless somebody needs it.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnx import TypeProto, numpy_helper, shape_inference

from . import lowering, spelling
from .export import exported
from .fold import FOLD_LIMIT
from .normalise import NEWEST, normalise
from .prepare import Graph, Node, Tensor, names_in, reads
from .shapes import Shape, static
from .shortcuts import Shortcuts


class Emitter:
    """Collects the nodes that are added to one graph."""

    def __init__(self, graph: Graph, prefix: str = "cam.") -> None:
        self.graph = graph
        self.opset = graph.opset
        self.prefix = prefix
        self.nodes: list[Node] = [*graph.extra]
        self._taken = {name for node in graph.nodes for name in names_in(node)} | set(graph.tensors)
        self._numbers = itertools.count(1)
        self._types: dict[str, TypeProto] = {}
        self._memo: dict[Any, Any] = {}
        self._constants: dict[Any, gs.Constant] = {}
        self.shortcuts = Shortcuts(self)
        self.made: dict[str, Node] = {}
        self.promised: set[str] = set()
        """Tensors whose shape was said, for inference cannot know it."""
        self._tape: list[Node] | None = None

    def __getattr__(self, op_type: str) -> Callable[..., Any]:
        if not op_type[0].isupper():
            raise AttributeError(op_type)
        return functools.partial(self.emit, op_type)

    def emit(self, op_type: str, *operands: Any, outputs: int = 1, **attrs: Any) -> Any:
        """Adds one operator; returns its output, or a tuple when `outputs` is above 1."""
        inputs = self.operands(operands, skip=op_type == "Where")
        while inputs and not inputs[-1].name:
            inputs.pop()
        if self._tape is not None:
            made = self._recorded(op_type, inputs, outputs, attrs)
            return made[0] if outputs == 1 else made
        if op_type == "Shape" and not attrs and static(inputs[0].shape):
            return self.constant(np.array(inputs[0].shape, np.int64))
        shorter = self.shortcuts.find(op_type, inputs, attrs) if outputs == 1 else None
        if shorter is not None:
            return shorter
        if any(isinstance(value, gs.Graph) for value in attrs.values()):
            made = self._write(op_type, inputs, outputs, attrs)
            return made[0] if outputs == 1 else made
        made = self._once(op_type, inputs, outputs, attrs)
        return made[0] if outputs == 1 else made

    def plain(self, op_type: str, *operands: Any, **attrs: Any) -> Any:
        """Adds one operator as it is asked for, whatever is known of its operands."""
        return self._once(op_type, self.operands(operands), 1, attrs)[0]

    def _once(
        self, op_type: str, inputs: list[Tensor], outputs: int, attrs: dict[str, Any]
    ) -> tuple[Tensor, ...]:
        """What was made before of the same inputs is taken again."""
        key = (op_type, outputs, *(t.name for t in inputs), repr(sorted(attrs.items())))
        if key not in self._memo:
            self._memo[key] = self._write(op_type, inputs, outputs, attrs)
            self.shortcuts.keep(op_type, inputs, self._memo[key][0])
        made: tuple[Tensor, ...] = self._memo[key]
        return made

    def within(self, graph: Graph, nodes: Iterable[Node]) -> Emitter:
        """What writes after `nodes` into a body; its names differ from all around it."""
        inner = Emitter(graph, self.prefix)
        inner._taken, inner._numbers = self._taken, self._numbers
        inner.nodes.extend(nodes)
        return inner

    def adopt(self, inner: Emitter) -> None:
        """Takes over what `inner` wrote, into this graph itself."""
        self.nodes.extend(inner.nodes)
        self.made.update(inner.made)
        self.promised |= inner.promised

    @contextmanager
    def recorded(self) -> Iterator[list[Node]]:
        """What is emitted meanwhile: each operator in normal form, written anew, not shortened."""
        outer, self._tape = self._tape, []
        try:
            yield self._tape
        finally:
            self._tape = outer

    def _recorded(
        self, op_type: str, inputs: list[Tensor], outputs: int, attrs: dict[str, Any]
    ) -> tuple[Tensor, ...]:
        tape, self._tape = self._tape, None
        made = self._write(op_type, inputs, outputs, attrs)
        self._tape = tape
        assert tape is not None
        given = {k: v for k, v in attrs.items() if v is not None}
        kept = gs.Node(op_type, made[0].name, given, list(inputs), list(made), "")
        normalise(kept, NEWEST, np.dtype(np.float32))
        tape.append(kept)
        return made

    def operands(self, operands: Sequence[Any], *, skip: bool = False) -> list[Tensor]:
        """Tensors for whatever a rule handed over; `skip`: the first one is a condition."""
        typed = (o for o in operands[skip:] if isinstance(o, gs.Tensor) and o.name)
        first = next(typed, None)
        kind = np.float32 if first is None or first.dtype is None else first.dtype
        tensors = []
        for operand in operands:
            if operand is None:
                tensors.append(gs.Variable.empty())
            elif isinstance(operand, gs.Tensor):
                tensors.append(operand)
            elif isinstance(operand, int | float | np.generic) and not isinstance(operand, bool):
                tensors.append(self.constant(np.array(operand, kind)))
            elif isinstance(operand, np.ndarray):
                tensors.append(self.constant(operand))
            else:
                tensors.append(self.constant(np.array(operand, np.int64)))
        return tensors

    def constant(self, value: np.ndarray[Any, Any]) -> gs.Constant:
        """A constant of this value; equal small ones are one."""
        value = np.ascontiguousarray(value).reshape(value.shape)
        key = (value.dtype.str, value.shape, value.tobytes()) if value.size <= FOLD_LIMIT else None
        if key is None:
            return gs.Constant(self.name("const"), value)
        if key not in self._constants:
            self._constants[key] = gs.Constant(self.name("const"), value)
        return self._constants[key]

    def value(self, tensor: Tensor | None) -> np.ndarray[Any, Any] | None:
        """The value of a small constant, else None."""
        return self.graph.value(tensor)

    def name(self, stem: str) -> str:
        """A tensor or node name nobody has."""
        names = (f"{self.prefix}{stem}_{number}" for number in self._numbers)
        name = next(name for name in names if name not in self._taken)
        self._taken.add(name)
        return name

    def named(self, tensor: Tensor, name: str) -> Tensor:
        """A copy of the tensor under a name that is promised to users."""
        copy = gs.Variable(name, tensor.dtype, tensor.shape)
        self.nodes.append(gs.Node("Identity", self.name("Identity"), {}, [tensor], [copy], ""))
        return copy

    # shapes

    def extent(self, x: Tensor, axis: int) -> Tensor:
        """x's extent along `axis` as an int64 vector of one element."""
        size = x.shape[axis]
        if isinstance(size, int):
            return self.constant(np.array([size], np.int64))
        return self.Slice(self.Shape(x), [axis % len(x.shape)], [axis % len(x.shape) + 1], [0])

    def reshape_like(self, g: Tensor, x: Tensor) -> Tensor:
        """g with the shape of x."""
        if x.shape is not None and g.shape == x.shape and None not in x.shape:
            return g
        out = self.Reshape(g, self._target(x))
        return self.typed(out, x.shape)

    def reshape(self, g: Tensor, shape: Sequence[Any], like: Shape | None = None) -> Tensor:
        """g reshaped to ints, one -1 and `Tensor` extents (int64 vectors of one element).

        `like` says what the symbolic extents are, where inference cannot know.
        """
        if all(isinstance(s, int) for s in shape):
            out = self.Reshape(g, list(shape))
        else:
            parts = [s if isinstance(s, gs.Tensor) else [s] for s in shape]
            out = self.Reshape(g, self.Concat(*self.operands(parts), axis=0))
        return out if like is None else self.typed(out, like)

    def _target(self, x: Tensor) -> Any:
        if x.shape is None or 0 in x.shape or sum(not isinstance(d, int) for d in x.shape) > 1:
            return self.Shape(x)
        return [d if isinstance(d, int) else -1 for d in x.shape]

    def expand_like(self, g: Tensor, x: Tensor) -> Tensor:
        """g broadcast to the shape of x (a promise until somebody needs it)."""
        if x.shape is not None and g.shape == x.shape and None not in x.shape:
            return g
        target: Any = self.Shape(x) if x.shape is None else self._expand_target(g, x)
        return self.shortcuts.promise(g, target, x.shape)

    def _expand_target(self, g: Tensor, x: Tensor) -> Any:
        have = (1,) * (len(x.shape) - len(g.shape)) + tuple(g.shape)
        dims = []
        for mine, theirs in zip(have, x.shape, strict=True):
            if isinstance(theirs, int):
                dims.append(theirs)
            elif theirs is not None and mine == theirs:
                dims.append(1)
            else:
                return self.Shape(x)
        return dims

    def sum_to(self, g: Tensor, x: Tensor) -> Tensor:
        """g summed over what broadcasting made of x, so that it has x's shape."""
        if g.shape is None or x.shape is None:
            return self._sum_dynamic(g, x)
        lead = len(g.shape) - len(x.shape)
        axes = list(range(lead))
        for axis, (have, want) in enumerate(zip(g.shape[lead:], x.shape, strict=True), lead):
            if want == 1 and have != 1:
                axes.append(axis)
            elif have not in (1, want) and not isinstance(want, int):
                return self._sum_dynamic(g, x)
        if not axes:
            return g
        kept = self.ReduceSum(g, axes, keepdims=1)
        return kept if lead == 0 else self.reshape_like(kept, x)

    def _sum_dynamic(self, g: Tensor, x: Tensor) -> Tensor:
        """The same where an extent may or may not be 1 at run time."""
        wide, mine = self.Shape(g), self.Shape(x)
        lead = self.Sub(self.Shape(wide), self.Shape(mine))
        padded = self.Concat(self.ConstantOfShape(lead, value=np.ones(1, np.int64)), mine, axis=0)
        shrunk = self.And(self.Equal(padded, np.array([1])), self.Not(self.Equal(wide, padded)))
        axes = self.Reshape(self.NonZero(shrunk), [-1])
        summed = self.ReduceSum(g, axes, keepdims=1, noop_with_empty_axes=1)
        return self.typed(self.Reshape(summed, mine), x.shape)

    # inside

    def _write(
        self, op_type: str, inputs: list[Tensor], outputs: int, attrs: dict[str, Any]
    ) -> tuple[Tensor, ...]:
        lowered = lowering.lower(self, op_type, inputs, attrs)
        return (lowered,) if lowered is not None else self._add(op_type, inputs, outputs, attrs)

    def _add(
        self, op_type: str, inputs: list[Tensor], outputs: int, attrs: dict[str, Any]
    ) -> tuple[Tensor, ...]:
        inputs, attrs = spelling.spell(op_type, inputs, attrs, self.opset, self.value)
        made = tuple(gs.Variable(self.name(op_type)) for _ in range(outputs))
        node = gs.Node(op_type, self.name(op_type), attrs, inputs, list(made), "")
        self.nodes.append(node)
        self.made.update((t.name, node) for t in made)
        for tensor, (dtype, shape) in zip(made, self._infer(node), strict=True):
            tensor.dtype, tensor.shape = dtype, shape
        return made

    def typed(self, tensor: Tensor, shape: Shape | None) -> Tensor:
        """`tensor`, said to have this shape where inference cannot know."""
        if shape is not None and isinstance(tensor, gs.Variable):
            tensor.shape = tuple(shape)
            self._types.pop(tensor.name, None)
            self.promised.add(tensor.name)
        return tensor

    def _infer(self, node: Node) -> list[tuple[Any, Shape | None]]:
        proto = exported(node)
        schema = onnx.defs.get_schema(node.op, self.opset)
        values = {t.name: self.value(t) for t in node.inputs if t.name}
        found = shape_inference.infer_node_outputs(
            schema,
            proto,
            {t.name: self.type_of(t) for t in node.inputs if t.name},
            input_data={n: numpy_helper.from_array(v) for n, v in values.items() if v is not None},
            opset_imports=[onnx.helper.make_opsetid("", self.opset)],
        )
        return [_read_type(found.get(t.name)) for t in node.outputs]

    def type_of(self, tensor: Tensor) -> TypeProto:
        """The tensor's type as ONNX writes it."""
        if tensor.name not in self._types:
            elem = tensor.dtype
            if not isinstance(elem, int):
                elem = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(elem or np.float32))
            self._types[tensor.name] = onnx.helper.make_tensor_type_proto(elem, tensor.shape)
        return self._types[tensor.name]

    def needed(self, wanted: Iterable[Tensor]) -> list[Node]:
        """The emitted nodes that `wanted` depend on, in order."""
        names = {t.name for t in wanted}
        kept = []
        for node in reversed(self.nodes):
            if any(t.name in names for t in node.outputs):
                kept.append(node)
                names.update(t.name for t in reads(node))
        return kept[::-1]


def _read_type(kind: TypeProto | None) -> tuple[Any, Shape | None]:
    if kind is None:
        return np.dtype(np.float32), None
    tensor = kind.tensor_type
    dtype = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    if not tensor.HasField("shape"):
        return dtype, None
    return dtype, tuple(
        d.dim_value if d.HasField("dim_value") else (d.dim_param or None) for d in tensor.shape.dim
    )
