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
from onnx import TypeProto

from ..reading.fold import FOLD_LIMIT
from ..reading.graph import Graph, Node, Shape, Tensor, names_in, reads, static
from ..reading.names import PREFIX
from ..reading.normalise import NEWEST, normalise
from . import lowering, shaping, spelling
from .inference import inferred, type_of
from .op import Op
from .padded_views import outside
from .promises import Promises
from .shortcuts import shorter

Fit = Callable[[Op, str, list[Tensor], int, dict[str, Any]], tuple[Tensor, ...] | None]
"""(who writes, operator, operands, how many results, attributes) -> the results; None: as it is."""


class Emitter:
    """Collects the nodes that are added to one graph."""

    def __init__(self, graph: Graph, prefix: str = PREFIX, fit: Fit | None = None) -> None:
        """`fit`: what is otherwise said with what a certain runtime has."""
        self.graph, self.fit = graph, fit
        self.opset = graph.opset
        self.prefix = prefix
        self.nodes: list[Node] = [*graph.extra]
        self._taken = {name for node in graph.nodes for name in names_in(node)} | set(graph.tensors)
        self._numbers = itertools.count(1)
        self._types: dict[str, TypeProto] = {}
        self._memo: dict[Any, Any] = {}
        self._constants: dict[Any, gs.Constant] = {}
        self.promises = Promises()
        self.made: dict[str, Node] = {}
        self.shaped: set[str] = set()
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
        found = shorter(self, op_type, inputs, attrs) if outputs == 1 else None
        if found is not None:
            return found
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
            first = self._memo[key][0]
            self.promises.keep_rows(op_type, inputs, first)
            if op_type == "Slice" and outside(self, inputs):
                self.promises.zero.add(first.name)
        made: tuple[Tensor, ...] = self._memo[key]
        return made

    def within(self, graph: Graph, nodes: Iterable[Node]) -> Emitter:
        """What writes after `nodes` into a body; its names differ from all around it."""
        inner = Emitter(graph, self.prefix, self.fit)
        inner._taken, inner._numbers = self._taken, self._numbers
        inner.nodes.extend(nodes)
        return inner

    def adopt(self, inner: Op) -> None:
        """Takes over what `inner` wrote, into this graph itself."""
        self.nodes.extend(inner.nodes)
        self.made.update(inner.made)
        self.shaped |= inner.shaped

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
        narrow = self.promises.narrow.get(tensor.name)
        if narrow is None:
            node = gs.Node("Identity", self.name("Identity"), {}, [tensor], [copy], "")
        else:
            to = {"to": onnx.helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype))}
            node = gs.Node("Cast", self.name("Cast"), to, [narrow], [copy], "")
        self.nodes.append(node)
        return copy

    # shapes

    def cast_like(self, g: Tensor, x: Tensor) -> Tensor:
        return g if g.dtype == x.dtype else self.Cast(g, to=x.dtype)

    def extent(self, x: Tensor, axis: int) -> Tensor:
        return shaping.extent(self, x, axis)

    def reshape_like(self, g: Tensor, x: Tensor) -> Tensor:
        return shaping.reshape_like(self, g, x)

    def reshape(self, g: Tensor, shape: Sequence[Any], like: Shape | None = None) -> Tensor:
        return shaping.reshape(self, g, shape, like)

    def expand_like(self, g: Tensor, x: Tensor) -> Tensor:
        return shaping.expand_like(self, g, x)

    def broadcast(self, g: Tensor, target: Any, shape: Shape | None) -> Tensor:
        return shaping.broadcast(self, g, target, shape)

    def sum_to(self, g: Tensor, x: Tensor) -> Tensor:
        return shaping.sum_to(self, g, x)

    # inside

    def _write(
        self, op_type: str, inputs: list[Tensor], outputs: int, attrs: dict[str, Any]
    ) -> tuple[Tensor, ...]:
        lowered = lowering.lower(self, op_type, inputs, attrs)
        if lowered is not None:
            return (lowered,)
        fitting = None if self.fit is None else self.fit(self, op_type, inputs, outputs, attrs)
        return self._add(op_type, inputs, outputs, attrs) if fitting is None else fitting

    def _add(
        self, op_type: str, inputs: list[Tensor], outputs: int, attrs: dict[str, Any]
    ) -> tuple[Tensor, ...]:
        inputs, attrs = spelling.spell(op_type, inputs, attrs, self.opset, self.value)
        made = tuple(gs.Variable(self.name(op_type)) for _ in range(outputs))
        node = gs.Node(op_type, self.name(op_type), attrs, inputs, list(made), "")
        self.nodes.append(node)
        self.made.update((t.name, node) for t in made)
        for tensor, (dtype, shape) in zip(made, inferred(self, node), strict=True):
            tensor.dtype, tensor.shape = dtype, shape
        return made

    def typed(self, tensor: Tensor, shape: Shape | None) -> Tensor:
        """`tensor`, said to have this shape where inference cannot know."""
        if shape is not None and isinstance(tensor, gs.Variable):
            tensor.shape = tuple(shape)
            self._types.pop(tensor.name, None)
            self.shaped.add(tensor.name)
        return tensor

    def type_of(self, tensor: Tensor) -> TypeProto:
        """The tensor's type as ONNX writes it."""
        if tensor.name not in self._types:
            self._types[tensor.name] = type_of(tensor)
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
