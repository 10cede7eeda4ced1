"""The derivative of a node case along a direction, from what does not know our rules.

The first of these that applies: differences of onnxruntime's own kernel in float64; the exact
difference where it is linear around the point (the adjoint test); differences of onnx's reference
evaluator in float64; differences of the kernel in float32, to three digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto
from onnx.reference import ReferenceEvaluator

from tests.rules.node_cases import FLOATS, alike, is_float, opset_of, session

Array = np.ndarray[Any, Any]
Feed = dict[str, Any]
Forward = Callable[[Feed], Array]
Along = Callable[[float], float]
"""A step along the direction -> <cot, y>."""
Measure = Callable[[Along, float], float | None]
"""The slope of an `Along`, given |cot| |y|; None where its own steps disagree."""

FINE = ((1e-5, 1e-7), (1e-6, 1e-8))
"""Pairs of steps that must agree, so far apart that a float32 in between shows; the smaller where
many elements lie near kinks."""


class Slope(NamedTuple):
    """A directional derivative, and how far it can be trusted."""

    value: float
    rtol: float
    source: str


def slope(model: Any, feed: Feed, y: str, x: str, cot: Array, direction: Array) -> Slope | str:
    """d<cot, y>/dt at x + t direction; or why nothing can tell."""
    plain = session(model).run([y], feed)[0]
    why = []
    for source, forward, measure, rtol in _sources(model, y, x):
        along = _along(forward, feed, x, cot, direction)
        try:
            if not alike(forward(feed), plain):
                why.append(f"{source}: other values")
                continue
            if measure is _fine and _single(forward, feed, x, direction):
                why.append(f"{source}: computes in float32")
                continue
            found = measure(along, float(np.linalg.norm(cot.astype(np.float64)) * _largest(plain)))
        except Exception as error:  # each engine has its own
            why.append(f"{source}: {' '.join(str(error).split())[:100]}")
            continue
        if found is not None:
            return Slope(found, rtol, source)
        why.append(f"{source}: steps disagree")
    return "; ".join(why)


def _largest(y: Array) -> float:
    return float(np.max(np.abs(y, where=np.isfinite(y), out=np.ones(y.shape)), initial=1.0))


def _moved(feed: Feed, x: str, step: float, direction: Array) -> Feed:
    return feed | {x: np.asarray(feed[x].astype(np.float64) + step * direction)}


def _single(forward: Forward, feed: Feed, x: str, direction: Array) -> bool:
    """Does it round to float32 on its way, whatever it declares?"""
    here, there = forward(feed), forward(_moved(feed, x, 1e-3, direction))
    rounded = np.array_equal(there, there.astype(np.float32), equal_nan=True)
    return rounded and not np.array_equal(here, there, equal_nan=True)


def _along(forward: Forward, feed: Feed, x: str, cot: Array, direction: Array) -> Along:
    weight = cot.astype(np.float64)

    def along(step: float) -> float:
        y = np.asarray(forward(_moved(feed, x, step, direction)), np.float64)
        if y.shape != weight.shape:
            raise ValueError("the shape changes")
        return float(np.sum(np.where(weight != 0, y, 0) * weight))

    return along


def _sources(
    model: onnx.ModelProto, y: str, x: str
) -> Iterator[tuple[str, Forward, Measure, float]]:
    double = widened(model, TensorProto.DOUBLE)
    both = {i.name: i for i in (*double.graph.input, *double.graph.output)}
    exact = all(both[n].type.tensor_type.elem_type == TensorProto.DOUBLE for n in (x, y))
    if exact and (kernel := _session(double)):
        yield "float64 differences", typed(kernel, double, y), _fine, 1e-5
    single = widened(model, TensorProto.FLOAT)
    if not (kernel := _session(single)):
        single, kernel = model, session(model)
    yield "adjoint", typed(kernel, single, y), _linear, 1e-5
    if exact:
        reference = ReferenceEvaluator(double)
        yield "float64 reference", typed(reference, double, y), _fine, 1e-5
    yield "float32 differences", typed(kernel, single, y), _coarse, 2e-3


def _session(model: onnx.ModelProto) -> Any:
    """None where onnxruntime has no kernel of this type."""
    try:
        return session(model)
    except Exception:  # onnxruntime's exceptions share no base class
        return None


def typed(engine: Any, model: onnx.ModelProto, y: str) -> Forward:
    """Runs `model`, each input cast to what it declares."""
    kinds = {
        i.name: onnx.helper.tensor_dtype_to_np_dtype(i.type.tensor_type.elem_type)
        for i in model.graph.input
        if is_float(i)
    }

    def forward(feed: Feed) -> Array:
        given = {n: v.astype(kinds[n]) if n in kinds else v for n, v in feed.items()}
        y_value: Array = engine.run([y], given)[0]
        return y_value

    return forward


def _fine(along: Along, scale: float) -> float | None:
    for steps in FINE:
        found = [(along(h) - along(-h)) / (2 * h) for h in steps]
        if abs(found[0] - found[1]) <= 1e-5 * max(map(abs, found)) + 1e-7 * scale:
            return found[0]
    return None


def _linear(along: Along, scale: float) -> float | None:
    """None where it hardly moves: a saturated function looks linear and is all rounding."""
    middle = along(0)
    for h in (1.0, 0.1):
        up, down, half = along(h), along(-h), along(h / 2)
        bend = max(abs(up + down - 2 * middle), abs(2 * half - up - middle))
        size = max(map(abs, (up, middle, down)))
        if bend <= 1e-6 * size and abs(up - down) >= 1e-3 * size:
            return (up - down) / (2 * h)
    return None


def _coarse(along: Along, scale: float) -> float | None:
    """Five points, twice: exact up to h^4."""

    def at(h: float) -> float:
        return (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h)

    found = [at(h) for h in (0.01, 0.02)]
    close = abs(found[0] - found[1]) <= 1e-3 * max(map(abs, found)) + 1e-4 * scale
    return sum(found) / 2 if close else None


def widened(model: onnx.ModelProto, kind: int) -> onnx.ModelProto:
    """The same operator in float32 or float64, wherever its schema allows that."""
    name = f"tensor({'double' if kind == TensorProto.DOUBLE else 'float'})"
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    (node,) = copy.graph.node
    schema = onnx.defs.get_schema(node.op_type, opset_of(copy))
    declared = {i.name: i for i in (*copy.graph.input, *copy.graph.output) if _narrower(i, kind)}
    for names, formals in ((node.input, schema.inputs), (node.output, schema.outputs)):
        for position, tensor in enumerate(names):
            formal = formals[min(position, len(formals) - 1)]
            if tensor in declared and name in formal.types:
                declared[tensor].type.tensor_type.elem_type = kind
    for attribute in node.attribute:
        if attribute.name in ("to", "dtype", "output_dtype") and attribute.i in FLOATS:
            attribute.i = kind
    return copy


def _narrower(info: onnx.ValueInfoProto, kind: int) -> bool:
    return is_float(info) and info.type.tensor_type.elem_type in (
        TensorProto.FLOAT16,
        *((TensorProto.FLOAT,) if kind == TensorProto.DOUBLE else ()),
    )
