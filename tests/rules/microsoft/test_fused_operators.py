"""What onnxruntime fuses, operator by operator, against its formula in NumPy.

The rows stand in `fused_*.py`:

    (operator, text, inputs, formula, options)

`inputs` maps the names of the differentiated inputs to shapes, `formula` takes them in that order.
Options: `opsets` (default: 17), `weights` (what else is read), `dynamic` (declared shapes, besides
the static ones), `made` (what the text makes besides y, by name, from the same inputs), `kernel`
(False: onnxruntime has none for the CPU, its documentation is followed).
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnx.parser
import onnx_graphsurgeon as gs
import pytest
from onnx.reference import ReferenceEvaluator

from backends.onnx.differentiating.reverse import reverse
from backends.onnx.reading.graph import Graph
from backends.onnx.reading.prepare import prepare
from backends.onnx.rules import VJP_RULES
from backends.onnx.writing.emit import Emitter
from tests.differences import slope
from tests.sessions import open_session

ONNX_NAME = {"float32": "float", "float64": "double", "int32": "int32", "int64": "int64"}
STEP = 1e-6


class Case(NamedTuple):
    op: str
    text: str
    inputs: dict[str, Any]
    formula: Any
    options: dict[str, Any]
    opset: int = 17
    dynamic: bool = False

    def __str__(self) -> str:
        return f"{self.text}-{self.opset}{'-dynamic' if self.dynamic else ''}"


def _rows() -> list[Case]:
    cases = []
    for path in sorted(Path(__file__).parent.glob("fused_*.py")):
        for row in import_module(f"tests.rules.microsoft.{path.stem}").CASES:
            for opset in row[4].get("opsets", (17,)):
                for dynamic in (False, True) if "dynamic" in row[4] else (False,):
                    cases.append(Case(*row, opset, dynamic))
    return cases


CASES = _rows()
RUN = [c for c in CASES if c.options.get("kernel", True) and not c.dynamic]


def _model(case: Case, values: dict[str, Any], kind: str) -> onnx.ModelProto:
    declared = case.options["dynamic"] if case.dynamic else {}
    given = ", ".join(
        f"{ONNX_NAME[value.dtype.name]}[{','.join(map(str, declared.get(name, value.shape)))}] "
        f"{name}"
        for name, value in values.items()
    )
    return onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {case.opset}, "com.microsoft" : 1]> '
        f"g ({given}) => ({ONNX_NAME[kind]} y) {{ {case.text} }}"
    )


def _values(case: Case, rng: np.random.Generator, kind: str) -> dict[str, Any]:
    """The differentiated inputs and the others, by name."""
    found = {name: rng.normal(size=shape).astype(kind) for name, shape in case.inputs.items()}
    others = case.options.get("weights", {})
    return found | {n: v.astype(kind) if v.dtype.kind == "f" else v for n, v in others.items()}


def _emitted(graph: Graph, nodes: list[Any], results: list[Any], opset: int) -> onnx.ModelProto:
    """What was emitted as a model of its own, which reads what the fused model reads or makes."""
    made = {t.name for node in nodes for t in node.outputs}
    read = {t.name: t for node in nodes for t in node.inputs if t.name and t.name not in made}
    inputs = [t for t in read.values() if isinstance(t, gs.Variable)]
    model = gs.Graph(nodes, inputs, results, opset=opset, import_domains=None, ir_version=8)
    return gs.export_onnx(model, do_type_check=False)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_equals_differences(case: Case, rng: np.random.Generator) -> None:
    values = _values(case, rng, "float64")
    moved = [values[name] for name in case.inputs]
    y = case.formula(*moved)
    graph = prepare(_model(case, values, "float64"))
    assert len(graph.tensors["y"].shape) == y.ndim
    if not case.dynamic:
        assert graph.tensors["y"].shape == y.shape
    op = Emitter(graph)
    cot = gs.Variable("cot", np.dtype(np.float64), graph.tensors["y"].shape)
    found = reverse(op, graph.tensors["y"], cot, list(case.inputs))
    results = [op.Identity(g) for g in found.values()]
    nodes = op.needed(results)
    assert not {node.domain for node in nodes} & {"com.microsoft"}
    model = _emitted(graph, nodes, results, case.opset)
    made = case.options["made"](*moved) if "made" in case.options else {}
    given = values | made | {"y": y, "cot": rng.normal(size=y.shape)}
    feed = {i.name: given[i.name] for i in model.graph.input}
    gradients = ReferenceEvaluator(model).run(None, feed)
    for position, (name, g) in enumerate(zip(case.inputs, gradients, strict=True)):
        assert g.shape == values[name].shape
        for _ in range(3):
            v = rng.normal(size=g.shape)
            expected = np.sum(given["cot"] * _slope(case.formula, moved, position, v))
            scale = np.linalg.norm(g) * np.linalg.norm(v) + 1e-9
            assert abs(np.sum(g * v) - expected) < 1e-6 * scale, name


def _slope(formula: Any, at: list[Any], position: int, v: Any) -> Any:
    """The directional derivative by five points: exact up to the fourth power of the step."""

    def moved(step: float) -> Any:
        return formula(*at[:position], at[position] + step * v, *at[position + 1 :])

    return slope(moved, STEP)


@pytest.mark.parametrize("case", RUN, ids=str)
def test_the_formula_is_the_kernels(case: Case, rng: np.random.Generator) -> None:
    pytest.importorskip("onnxruntime")
    values = _values(case, rng, "float32")
    model = _model(case, values, "float32")
    session = open_session(model)
    y = session.run(["y"], values)[0]
    expected = case.formula(*(values[name].astype(np.float64) for name in case.inputs))
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


def test_every_fused_operator_has_a_row() -> None:
    covered = {case.op for case in CASES}
    ours = {
        op
        for (_, op), rule in VJP_RULES.items()
        if rule.function.__module__.startswith(
            ("backends.onnx.rules.microsoft.fused", "backends.onnx.rules.microsoft.contrib")
        )
    }
    assert ours == covered
