"""Every VJP rule against central differences of the plain operator: the rows of `cases.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx.reference import ReferenceEvaluator

from backends.onnx.reading.shapes import OUTSIDE
from backends.onnx.rules import VJP_RULES
from tests.differences import slope
from tests.gradients import with_gradient
from tests.rules.cases import CASES, Case, model_of, values_of, wanted
from tests.sessions import open_session


def _differences(
    case: Case, model: Any, variable: dict[str, Any], cot: Any, directions: dict[str, Any]
) -> float:
    """<cot, directional derivative> by central differences in float64 on the reference."""
    run = ReferenceEvaluator(model)

    def at(step: float) -> Any:
        moved = {n: v + step * directions[n] if n in directions else v for n, v in variable.items()}
        y = run.run(["y"], moved)[0]
        assert y.dtype == np.float64, "the reference does not compute in float64: mark it frozen"
        return y

    return float(np.sum(cot * slope(at, 1e-4)))  # that step leaves 1e-10


@pytest.mark.parametrize("case", [c for c in CASES if "frozen" not in c.options], ids=str)
def test_rule_equals_differences(case: Case, rng: np.random.Generator) -> None:
    variable, constant = values_of(case, rng)
    model = model_of(case, variable, constant, np.float64)
    reference = ReferenceEvaluator(model).run(["y"], variable)[0]
    cot = rng.normal(size=reference.shape)
    gradient, names = with_gradient(model, wanted(case, variable))
    found = ReferenceEvaluator(gradient).run(names, variable | {"cot": cot})
    for name, g in zip(wanted(case, variable), found, strict=True):
        assert g.shape == variable[name].shape, f"cotangent of {name} has shape {g.shape}"
        for _ in range(3):
            v = rng.normal(size=g.shape)
            expected = _differences(case, model, variable, cot, {name: v})
            scale = float(np.sqrt(np.sum(g**2) * np.sum(v**2))) + 1e-9
            assert abs(float(np.sum(g * v)) - expected) < 1e-6 * scale, name


@pytest.mark.parametrize("case", CASES, ids=str)
def test_rule_in_onnxruntime(case: Case, rng: np.random.Generator) -> None:
    """The same in float32 in onnxruntime, against float64 differences (or its own, if frozen)."""
    variable, constant = values_of(case, rng)
    single = {n: v.astype(np.float32) for n, v in variable.items()}
    model = model_of(case, variable, constant, np.float32)
    gradient, names = with_gradient(model, wanted(case, variable))
    onnx.checker.check_model(gradient, full_check=True)
    session = open_session(gradient)
    y = session.run(["y"], single | {"cot": np.zeros(_shape(case, model, variable), np.float32)})[0]
    cot = rng.normal(size=y.shape)
    found = session.run(names, single | {"cot": cot.astype(np.float32)})
    exact = model_of(case, variable, constant, np.float64)
    for name, g in zip(wanted(case, variable), found, strict=True):
        v = rng.normal(size=g.shape)
        if "frozen" in case.options:
            expected, rtol = _coarse(session, single, cot, name, v), 1e-3
        else:
            expected, rtol = _differences(case, exact, variable, cot, {name: v}), 1e-5
        scale = float(np.sqrt(np.sum(g.astype(np.float64) ** 2) * np.sum(v**2))) + 1e-6
        assert abs(float(np.sum(g * v)) - expected) < case.options.get("rtol", rtol) * scale, name


def _shape(case: Case, model: Any, variable: dict[str, Any]) -> tuple[int, ...]:
    """y's shape, from onnxruntime itself on the plain model."""
    single = {n: v.astype(np.float32) for n, v in variable.items()}
    return tuple(open_session(model).run(["y"], single)[0].shape)


def _coarse(session: Any, single: dict[str, Any], cot: Any, name: str, v: Any) -> float:
    """Central differences of onnxruntime's float32 forward (exact for linear operators)."""
    step = 1e-2

    def at(sign: int) -> Any:
        moved = single | {name: (single[name] + sign * step * v).astype(np.float32)}
        feed = moved | {"cot": cot.astype(np.float32)}
        return session.run(["y"], feed)[0].astype(np.float64)

    return float(np.sum(cot * (at(1) - at(-1))) / (2 * step))


def test_every_rule_has_a_case() -> None:
    """Straight-through rules have no differences to be compared with: see
    families/test_quantisation.py; what ONNX has no schema of is onnxruntime's own: see
    microsoft/test_fused_operators.py.
    """
    covered = {case.op for case in CASES}
    missing = sorted(
        op
        for (domain, op), rule in VJP_RULES.items()
        if domain == "" and op not in covered and not rule.quantises and (domain, op) not in OUTSIDE
    )
    assert not missing, f"rules without a row in cases_*.py: {missing}"
