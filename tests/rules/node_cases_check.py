"""Differentiates ONNX's node cases and says what came of each."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnx_graphsurgeon as gs
from onnx.reference import ReferenceEvaluator

from backends.onnx.differentiating.reverse import reverse
from backends.onnx.reading.prepare import prepare
from backends.onnx.rules import NOT_YET, ZERO, RefusedError
from backends.onnx.writing.append import append
from backends.onnx.writing.emit import Emitter
from cam_core.errors import CamError, LayerError
from tests.rules.node_cases import draws, frozen, gives_expected, opset_of, session
from tests.rules.node_cases_oracle import slope, typed, widened
from tests.rules.node_cases_record import Entry

Array = np.ndarray[Any, Any]
Feed = dict[str, Any]

RTOL = {"float64": 1e-6, "float32": 2e-5, "float16": 2e-2}
"""What onnxruntime's kernels of a type keep of a dot product."""


class Finding(NamedTuple):
    """What came of a case, or of one output's derivative by one input."""

    verdict: str
    """passed, partly (some inputs are refused), zero, refused, not run; wrong, unknown."""
    reason: str = ""


SEPARATOR = " | "
"""Between the reasons of a case."""


class WrongError(Exception):
    """The gradient cannot be made or run, other than by a refusal."""


def check(case: Any) -> Finding:
    """The verdict on a case: every float output by every float input."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # the reference evaluator's, where it divides by zero
        found = Finding("not run", "onnxruntime does not run it")
        pairs = [(y, x) for y in case.scores for x in case.wanted]
        for feed, values in points(case):
            found = summary({(y, x): _pair(case, feed, y, x, values[y]) for y, x in pairs})
            if found.verdict != "unknown":  # else it lies too near a kink or a pole
                break
        return found


def summary(found: dict[tuple[str, str], Finding]) -> Finding:
    """One verdict: the worst, but what passed in part has passed in part."""
    verdicts = {f.verdict for f in found.values()}
    for bad in ("wrong", "unknown"):
        if bad in verdicts:
            told = [f"d{y}/d{x}: {f.reason}" for (y, x), f in found.items() if f.verdict == bad]
            return Finding(bad, "; ".join(told))
    reasons = dict.fromkeys(f.reason for f in found.values() if f.verdict == "refused")
    if "refused" not in verdicts:
        return Finding("zero" if verdicts == {"zero"} else "passed")
    return Finding("refused" if verdicts == {"refused"} else "partly", SEPARATOR.join(reasons))


def points(case: Any) -> Iterator[tuple[Feed, dict[str, Array]]]:
    """Inputs off the kinks, with the outputs there; none where onnxruntime does not run it.

    Last come those that change a shape, for operators that always do (Unique, where values tie).
    """
    try:
        plain = session(case.model)
        first = plain.run(case.scores, case.feed)
    except Exception:  # onnxruntime's exceptions share no base class
        return
    if case.stamped and not gives_expected(case):
        return
    others = []
    for feed in draws(case):
        try:
            values = plain.run(case.scores, feed)
        except Exception:
            continue  # the point left the operator's domain
        point = feed, dict(zip(case.scores, values, strict=True))
        if all(_same_form(a, b) for a, b in zip(values, first, strict=True)):
            yield point
        elif all(np.isfinite(a).all() for a in values):
            others.append(point)
    yield from others


def _same_form(a: Array, b: Array) -> bool:
    return a.shape == b.shape and np.array_equal(np.isfinite(a), np.isfinite(b))


def _pair(case: Any, feed: Feed, y: str, x: str, value: Array) -> Finding:
    rng = np.random.default_rng(len(y) + 7 * len(x))
    cot = np.asarray(rng.normal(size=value.shape) * np.isfinite(value), value.dtype)
    declared_zero = ("", case.op) in ZERO
    try:
        g = np.zeros(feed[x].shape) if declared_zero else cotangent(case.model, feed, y, x, cot)
    except LayerError:  # no derivative is said to arrive: zero, then
        g = np.zeros(feed[x].shape)
    except CamError as error:
        return Finding("refused", reason(error))
    except WrongError as error:
        return Finding("wrong", str(error))
    if g.shape != feed[x].shape:
        return Finding("wrong", f"of shape {g.shape}")
    direction = _direction(rng, g)
    expected = slope(case.model, feed, y, x, cot, direction)
    if isinstance(expected, str):
        return Finding("unknown", expected)
    rtol = max(expected.rtol, RTOL[str(value.dtype)], RTOL[str(feed[x].dtype)])

    def gap_of(g: Array) -> tuple[float, float]:
        """How far it is from what is expected, and how far it may be."""
        got = float(np.sum(g.astype(np.float64) * direction))
        size = max(_norm(g) * _norm(direction), abs(expected.value))
        return abs(got - expected.value), rtol * (size + 1e-2 * _norm(cot))

    gap, allowed = gap_of(g)
    if not gap <= allowed:
        rounding = gap <= 1e-4 * _norm(cot) * _norm(direction)
        exact = _in_float64(case.model, feed, y, x, cot) if rounding else None
        if exact is None or not np.less_equal(*gap_of(exact)):
            return Finding("wrong", f"{gap:.2g} from {expected.value:.7g} by {expected.source}")
    for twin in case.twins:
        try:
            gap = _gap(twin, feed, y, x, cot, g)
        except WrongError as error:
            return Finding("wrong", f"function body: {error}")
        if not gap <= 4 * rtol * (_norm(g) + 1e-2 * _norm(cot)):
            return Finding("wrong", f"{gap:.2g} of {_norm(g):.2g} from the function body's")
    return Finding("zero" if declared_zero else "passed", expected.source)


def _in_float64(model: onnx.ModelProto, feed: Feed, y: str, x: str, cot: Array) -> Array | None:
    """The same rule where nothing is rounded: a saturated tanh leaves float32 few digits."""
    double = widened(model, onnx.TensorProto.DOUBLE)
    try:
        full, name = gradient(double, y, x)
        run = typed(ReferenceEvaluator(full), full, name)
        found: Array = run(feed | {"cot": cot})
    except Exception:  # not every operator has float64, nor does the reference run all
        return None
    return found


def _direction(rng: np.random.Generator, g: Array) -> Array:
    """Random, and half along g: so that a wrong size of g shows as clearly as a wrong element."""
    random = np.asarray(rng.normal(size=g.shape))
    size = _norm(g)
    if not 0 < size < np.inf:
        return random
    return random + g.astype(np.float64) * (_norm(random) / size)


def _gap(twin: onnx.ModelProto, feed: Feed, y: str, x: str, cot: Array, g: Array) -> float:
    """How far the body's cotangent is from the operator's; 0 where it has none or does not run."""
    if not loads(twin):
        return 0.0
    try:
        other = cotangent(twin, feed, y, x, cot)
    except CamError:
        return 0.0
    return _norm(np.where(np.isfinite(other), other - g.astype(np.float64), 0))


def _norm(a: Array) -> float:
    return float(np.linalg.norm(a.astype(np.float64)))


def reason(error: CamError) -> str:
    """Why, without the node's name."""
    if not isinstance(error, RefusedError):
        return str(error)
    return error.why or NOT_YET.get(error.node.op, "no rule")


def cotangent(model: onnx.ModelProto, feed: Feed, y: str, x: str, cot: Array) -> Array:
    """<cot, dy/dx> by our rules in onnxruntime.

    What is refused as shipped is tried with the integer inputs (axes, shapes, indices) as
    constants, as models have them, then with all other inputs as constants.

    Raises:
        CamError: refused in every form that onnxruntime loads.
        WrongError: the gradient's model does not load or run, or a rule fails.
    """
    arrays = [i.name for i in model.graph.input if i.name != x]
    arrays = [n for n in arrays if isinstance(feed[n], np.ndarray)]
    integers = [n for n in arrays if feed[n].dtype.kind != "f"]
    refusal: CamError | None = None
    for constant in dict.fromkeys(((), tuple(integers), tuple(arrays))):
        fixed = frozen(model, feed, constant)
        if constant and not loads(fixed):
            continue
        try:
            full, name = gradient(fixed, y, x)
        except CamError as error:
            if isinstance(error, LayerError):
                raise
            if "please report" in str(error):
                raise WrongError(str(error)) from error
            refusal = error
            continue
        except Exception as error:
            raise WrongError(f"{type(error).__name__}: {_line(error)}") from error
        given = {n: v for n, v in feed.items() if n not in constant}
        try:
            found: Array = session(full).run([name], given | {"cot": cot})[0]
        except Exception as error:
            raise WrongError(f"the gradient does not run: {_line(error)}") from error
        return found
    assert refusal is not None
    raise refusal


def loads(model: onnx.ModelProto) -> bool:
    """Does onnxruntime take the model without its gradient?"""
    try:
        session(model)
    except Exception:  # its exceptions share no base class
        return False
    return True


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def gradient(model: onnx.ModelProto, y: str, x: str) -> tuple[onnx.ModelProto, str]:
    """The model with an input `cot` for `y`, and the name of `x`'s cotangent."""
    graph = prepare(model)
    op = Emitter(graph)
    score = graph.tensors[y]
    cot = gs.Variable("cot", score.dtype, score.shape)
    found = op.Identity(reverse(op, score, cot, [x])[x])
    return append(op, inputs=[cot], outputs=[found]), found.name


def entry(case: Any) -> Entry:
    """The case's line of the record."""
    return Entry(case.name, case.op, opset_of(case.model), *check(case))
