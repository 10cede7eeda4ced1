"""ONNX's own single-node test cases, as models that onnxruntime loads and inputs off their kinks.

`node_cases_check.py` differentiates them, `node_cases_oracle.py` says what must come out, and
`node_cases.tsv` holds what did (`python -m benchmarks.operators` writes it).
"""

from __future__ import annotations

import functools
import warnings
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from tests.sessions import open_session as session

OLDEST, NEWEST, NEWEST_IR = 7, 26, 13
"""What onnxruntime loads; cases of newer opsets are lowered, and must still give their values."""
FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16}
"""Those that NumPy and onnxruntime exchange; bfloat16 and float8 are constants of their cases."""
Array = np.ndarray[Any, Any]
Feed = dict[str, Any]


@dataclass
class NodeCase:
    """One operator and its inputs; `twins` are the same by the operator's function body."""

    name: str
    op: str
    model: onnx.ModelProto
    feed: Feed
    expected: dict[str, Any]
    stamped: bool
    """Is it at another opset than it was written for?"""
    twins: list[onnx.ModelProto] = field(default_factory=list)

    @property
    def wanted(self) -> list[str]:
        """The inputs that a derivative may be taken by; an empty one has none."""
        return [i.name for i in self.model.graph.input if is_float(i) and self.feed[i.name].size]

    @property
    def scores(self) -> list[str]:
        """The outputs that a derivative may be taken of."""
        return [o.name for o in self.model.graph.output if is_float(o)]


def is_float(info: onnx.ValueInfoProto) -> bool:
    """Is it a tensor of one of FLOATS?"""
    return info.type.HasField("tensor_type") and info.type.tensor_type.elem_type in FLOATS


@functools.cache
def cases() -> dict[str, NodeCase]:
    """The cases of one ai.onnx operator with a float input and a float output, by name.

    To them come the older versions of an operator's definition that none is written for.
    """
    twins: dict[str, list[onnx.ModelProto]] = defaultdict(list)
    found = {}
    for case in _collected():
        origin, expanded, _ = case.name.partition("_expanded")
        if expanded:
            twins[origin].append(lowered(case.model))
            continue
        if len(case.model.graph.node) == 1 and case.model.graph.node[0].domain == "":
            made = _case(case)
            if made.wanted and made.scores:
                found[case.name] = made
    for name in found.keys() & twins.keys():
        found[name].twins = twins[name]
    found |= {case.name: case for case in _older(sorted(found.values(), key=lambda c: c.name))}
    return dict(sorted(found.items()))


def _older(written: list[NodeCase]) -> Iterator[NodeCase]:
    """For each such version the first case that means the same there."""
    met = {(case.op, version(case.op, opset_of(case.model))) for case in written}
    for case in written:
        for opset in range(NEWEST, OLDEST - 1, -1):  # the last opset that a version holds at
            key = case.op, version(case.op, opset)
            if not key[1] or key in met:
                continue
            older = replace(case, name=f"{case.name}@{opset}", model=at_opset(case.model, opset))
            older = replace(older, stamped=True, twins=[])
            if valid(older.model) and gives_expected(older):
                met.add(key)
                yield older


def version(op: str, opset: int) -> int:
    """The version of the operator's definition at this opset; 0 where it has none."""
    try:
        schema = onnx.defs.get_schema(op, opset)
    except onnx.defs.SchemaError:
        return 0
    return 0 if schema.deprecated else int(schema.since_version)


def opset_of(model: onnx.ModelProto) -> int:
    return next(e.version for e in model.opset_import if e.domain in ("", "ai.onnx"))


def valid(model: onnx.ModelProto) -> bool:
    """Is it valid ONNX?"""
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception:  # the checker's and the inference's share no base class
        return False
    return True


def gives_expected(case: NodeCase) -> bool:
    """Does it still mean what the case expects, in onnxruntime?"""
    try:
        found = session(case.model).run(case.scores, case.feed)
    except Exception:  # onnxruntime's exceptions share no base class
        return False
    return all(alike(a, case.expected[n]) for n, a in zip(case.scores, found, strict=True))


def alike(a: Any, b: Any) -> bool:
    """The same values, to what a half precision keeps."""
    a, b = np.asarray(a), np.asarray(b)
    if a.shape != b.shape or a.dtype.kind not in "fiub":
        return bool(a.shape == b.shape)
    single = (v.astype(np.float64) for v in (a, b))
    return bool(np.allclose(*single, rtol=1e-2, atol=1e-3, equal_nan=True))


def _collected() -> Iterable[Any]:
    """The generators draw from NumPy's global state and divide by zero on purpose."""
    kept = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from onnx.backend.test.case.node import collect_testcases

            return list(collect_testcases(None))
    finally:
        np.random.set_state(kept)  # noqa: NPY002


def _case(case: Any) -> NodeCase:
    graph = case.model.graph
    given, expected = case.data_sets[0]
    feed = {i.name: _array(v) for i, v in zip(graph.input, given, strict=True)}
    after = {o.name: _array(v) for o, v in zip(graph.output, expected, strict=True)}
    model = lowered(case.model)
    strange = [n for n, v in feed.items() if isinstance(v, np.ndarray) and v.dtype.isbuiltin != 1]
    model = frozen(model, feed, strange)
    feed = {n: v for n, v in feed.items() if n not in strange}
    stamped = opset_of(model) != opset_of(case.model)
    return NodeCase(case.name, graph.node[0].op_type, model, feed, after, stamped)


def _array(value: Any) -> Any:
    """As onnxruntime takes it: an array, also where NumPy gives a scalar; lists as they are."""
    if isinstance(value, TensorProto):
        return numpy_helper.to_array(value)
    return value if isinstance(value, list) or value is None else np.asarray(value)


def lowered(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy at an opset and a version of the format that onnxruntime knows."""
    copy = at_opset(model, min(opset_of(model), NEWEST))
    copy.ir_version = min(copy.ir_version, NEWEST_IR)
    return copy


def at_opset(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """A copy that says it is of this opset."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for entry in copy.opset_import:
        if entry.domain in ("", "ai.onnx"):
            entry.version = opset
    return copy


def frozen(model: onnx.ModelProto, feed: Feed, names: Iterable[str]) -> onnx.ModelProto:
    """A copy in which these inputs are constants."""
    chosen = set(names)
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    kept = [i for i in copy.graph.input if i.name not in chosen]
    del copy.graph.input[:]
    copy.graph.input.extend(kept)
    copy.graph.initializer.extend(
        numpy_helper.from_array(feed[name], name) for name in sorted(chosen)
    )
    return copy


def draws(case: NodeCase) -> Iterator[Feed]:
    """The case's inputs, its floats moved off the kinks of whole numbers; at last as they are.

    A draw may leave the operator's domain (asin beyond 1) or change a shape.
    """
    rng = np.random.default_rng(zlib.crc32(case.name.encode()))
    for low, high, relative in (
        *((-0.05, 0.05, 0.05), (0, 0.05, 0.02), (0, 0, 0.02)) * 3,
        (0, 0, 0),
    ):
        feed = dict(case.feed)
        for name in case.wanted:
            x = feed[name]
            factor = 1 + rng.uniform(-relative, relative, x.shape)
            feed[name] = np.asarray(x * factor + rng.uniform(low, high, x.shape), x.dtype)
        yield feed
