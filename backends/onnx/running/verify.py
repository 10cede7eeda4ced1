"""Runs the model and its instrumented twin on the same input and compares their outputs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx

from cam_core.errors import CamError

from ..reading.graph import Shape
from ..reading.load import Source
from .runner import Runner
from .runtime import run

DYNAMIC = {0: 2}
"""Extent given to a dynamic axis; others get SPACE."""
SPACE = 224


LIMIT = 1e-6
NARROW_LIMITS = {onnx.TensorProto.FLOAT16: 1e-3, onnx.TensorProto.BFLOAT16: 1e-2}
"""How far rounding may move an output where the optimiser fuses less."""
NO_SHAPES: Mapping[str, Shape] = MappingProxyType({})


@dataclass(frozen=True)
class Verdict:
    """How far the original outputs moved."""

    identical: bool
    largest: float
    """Largest difference relative to the output's largest value."""
    output: str = ""


def require_same(
    result: onnx.ModelProto, source: Source, shapes: Mapping[str, Shape] = NO_SHAPES
) -> None:
    """Compares as `verify` does, and fails where the outputs moved by more than rounding.

    Raises:
        CamError: they differ by more than 1e-6 relative (1e-3 in float16, 1e-2 in bfloat16).
    """
    found = verify(result, source.model, Runner(folder=source.folder), shapes=shapes)
    if found.largest > limit(source.model):
        cure = signed_cure(source.model)
        raise CamError(f"output '{found.output}' moved by {found.largest:.1e} relative{cure}")


def signed_cure(model: onnx.ModelProto) -> str:
    """What helps where activations are int8 in QDQ form, else nothing.

    On x86 onnxruntime makes such pairs unsigned, but only those that nobody else reads.
    """
    made = {t.name: t.data_type for t in model.graph.initializer}
    quantisers = (n for n in model.graph.node if n.op_type == "QuantizeLinear")
    if not any(made.get(name) == onnx.TensorProto.INT8 for n in quantisers for name in n.input[2:]):
        return ""
    return "; its activations are int8: set session.qdqisint8allowed=1, or quantise them to uint8"


def limit(model: onnx.ModelProto) -> float:
    """LIMIT, or that of the narrowest type among the weights."""
    kinds = {t.data_type for t in model.graph.initializer}
    return max((NARROW_LIMITS[kind] for kind in kinds & set(NARROW_LIMITS)), default=LIMIT)


def verify(
    result: onnx.ModelProto,
    source: onnx.ModelProto,
    runner: Runner,
    *,
    given: Mapping[str, np.ndarray[Any, Any]] | None = None,
    shapes: Mapping[str, Shape] = NO_SHAPES,
    seed: int = 0,
) -> Verdict:
    """Compares the original outputs of both on the inputs `given`, random where they are not.

    `shapes`: what is known of the inputs beside what they declare.

    Raises:
        CamError: they cannot be run here, or one cannot be fed at random.
    """
    rng, fixed = np.random.default_rng(seed), dict(given or {})
    own = {i.name for i in source.graph.input}
    names = [o.name for o in source.graph.output]
    session = runner.open(result)  # first, for its shapes may be fixed
    feed = {
        i.name: fixed[i.name] if i.name in fixed else _random(i, rng, shapes.get(i.name, ()))
        for i in session.get_inputs()
        if i.name in own
    }
    added = {i.name: _added(i) for i in session.get_inputs() if i.name not in feed}
    after = run(session, names, feed | added)
    del session  # each holds all the weights
    before = run(runner.open(source), names, feed)
    worst = Verdict(True, 0.0)
    for name, a, b in zip(names, before, after, strict=True):
        difference = _difference(a, b)
        if difference > worst.largest or (difference and worst.identical):
            worst = Verdict(False, difference, name)
    return worst


def _random(info: Any, rng: np.random.Generator, known: Shape) -> np.ndarray[Any, Any]:
    either = itertools.zip_longest(info.shape, known)
    extents = [next((d for d in both if isinstance(d, int)), None) for both in either]
    shape = [DYNAMIC.get(i, SPACE) if d is None else d for i, d in enumerate(extents)]
    if info.type == "tensor(float16)":
        return rng.normal(size=shape).astype(np.float16)
    if info.type in ("tensor(float)", "tensor(double)"):
        kind = np.float32 if info.type == "tensor(float)" else np.float64
        return rng.normal(size=shape).astype(kind)
    if info.type in ("tensor(uint8)", "tensor(int64)", "tensor(int32)"):
        kind = np.dtype(info.type[7:-1])
        return rng.integers(0, 2, size=shape).astype(kind)
    raise CamError(f"input '{info.name}' of {info.type} cannot be filled at random")


def _added(info: Any) -> np.ndarray[Any, Any]:
    """A value for each input that instrumenting adds."""
    if info.type == "tensor(bool)":
        return np.array(True)
    if info.type == "tensor(int64)":
        return np.full([d if isinstance(d, int) else 1 for d in info.shape], -1, np.int64)
    shape = [d if isinstance(d, int) else DYNAMIC.get(i, SPACE) for i, d in enumerate(info.shape)]
    kinds = {"tensor(float16)": np.float16, "tensor(double)": np.float64}
    return np.zeros(shape, kinds.get(info.type, np.float32))


def _difference(a: Any, b: Any) -> float:
    if not isinstance(a, np.ndarray) or a.dtype.kind not in "fc":
        return 0.0 if np.array_equal(np.asarray(a), np.asarray(b)) else float("inf")
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    wide = a.astype(np.float64)
    scale = np.max(np.abs(wide), initial=0.0) or 1.0
    return float(np.max(np.abs(wide - b.astype(np.float64))) / scale)
