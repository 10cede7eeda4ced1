"""What rules and steps write with; `emit` has the class that does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
import onnx_graphsurgeon as gs
from onnx import TypeProto

from ..reading.graph import Graph, Node, Shape, Tensor
from .promises import Promises


class Op(Protocol):
    """`op.Mul(a, b)` makes a Mul and returns its output, typed and named.

    Operands are tensors of the graph, tensors made before, NumPy arrays, lists of int (int64
    vectors) or Python scalars (of the first tensor's type), in the newest form of the operator.
    """

    graph: Graph
    """What is added to."""
    opset: int
    prefix: str
    """Of the names that are given."""
    nodes: list[Node]
    """What was written, in order."""
    made: dict[str, Node]
    """Who made a tensor that was written."""
    promises: Promises
    shaped: set[str]
    """Tensors whose shape was said, for inference cannot know it."""

    def __getattr__(self, op_type: str) -> Callable[..., Any]:
        """One operator of ONNX by its name: `emit` with its first argument given."""
        ...

    def emit(self, op_type: str, *operands: Any, outputs: int = 1, **attrs: Any) -> Any:
        """Adds one operator; returns its output, or a tuple when `outputs` is above 1."""
        ...

    def plain(self, op_type: str, *operands: Any, **attrs: Any) -> Any:
        """Adds one operator as it is asked for, whatever is known of its operands."""
        ...

    def constant(self, value: np.ndarray[Any, Any]) -> gs.Constant:
        """A constant of this value; equal small ones are one."""
        ...

    def value(self, tensor: Tensor | None) -> np.ndarray[Any, Any] | None:
        """The value of a small constant, else None."""
        ...

    def name(self, stem: str) -> str:
        """A tensor or node name nobody has."""
        ...

    def named(self, tensor: Tensor, name: str) -> Tensor:
        """A copy of the tensor under a name that is promised to users."""
        ...

    def typed(self, tensor: Tensor, shape: Shape | None) -> Tensor:
        """`tensor`, said to have this shape where inference cannot know."""
        ...

    def type_of(self, tensor: Tensor) -> TypeProto:
        """The tensor's type as ONNX writes it."""
        ...

    def operands(self, operands: Sequence[Any], *, skip: bool = False) -> list[Tensor]:
        """Tensors for whatever a rule handed over; `skip`: the first one is a condition."""
        ...

    def cast_like(self, g: Tensor, x: Tensor) -> Tensor:
        """g in x's type."""
        ...

    def extent(self, x: Tensor, axis: int) -> Tensor:
        """x's extent along `axis` as an int64 vector of one element."""
        ...

    def reshape_like(self, g: Tensor, x: Tensor) -> Tensor:
        """g with the shape of x."""
        ...

    def reshape(self, g: Tensor, shape: Sequence[Any], like: Shape | None = None) -> Tensor:
        """g reshaped to ints, one -1 and `Tensor` extents (int64 vectors of one element).

        `like` says what the symbolic extents are, where inference cannot know.
        """
        ...

    def expand_like(self, g: Tensor, x: Tensor) -> Tensor:
        """g broadcast to the shape of x (a promise until somebody needs it)."""
        ...

    def broadcast(self, g: Tensor, target: Any, shape: Shape | None) -> Tensor:
        """g broadcast to `target`; the Expand is dead code if nobody reads it."""
        ...

    def sum_to(self, g: Tensor, x: Tensor) -> Tensor:
        """g summed over what broadcasting made of x, so that it has x's shape."""
        ...

    def needed(self, wanted: Iterable[Tensor]) -> list[Node]:
        """The emitted nodes that `wanted` depend on, in order."""
        ...

    def within(self, graph: Graph, nodes: Iterable[Node]) -> Op:
        """What writes after `nodes` into a body; its names differ from all around it."""
        ...

    def adopt(self, inner: Op) -> None:
        """Takes over what `inner` wrote, into this graph itself."""
        ...

    def recorded(self) -> AbstractContextManager[list[Node]]:
        """What is emitted meanwhile: each operator in normal form, written anew, not shortened."""
        ...
