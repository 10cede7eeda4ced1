"""The rows that every rule is tested with, as models of one operator.

They stand in `cases_*.py`, one file a family:

    (operator, body in ONNX text, inputs, note, options)

`inputs` maps a name to a shape (random, differentiated), to an array (a constant of the model) or
to a pair (shape, function of the random values) that keeps the input inside the operator's domain.
Options: `opsets` (default: 17), `dynamic` (declared shapes by input name, besides the static ones),
`wrt` (the inputs to differentiate), `frozen` (why no float64 difference is possible: the row is
then checked in onnxruntime's float32 alone), `rtol`, `shape` (y's, where inference finds none).
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnx.parser
from onnx.reference import ReferenceEvaluator

ONNX_NAME = {np.float32: "float", np.float64: "double"}


class Case(NamedTuple):
    op: str
    body: str
    inputs: dict[str, Any]
    note: str
    options: dict[str, Any]
    opset: int
    dynamic: bool

    def __str__(self) -> str:
        return f"{self.op}-{self.opset}{'-dynamic' if self.dynamic else ''}-{self.note}"


def tables() -> Iterator[list[Any]]:
    """The rows of each family."""
    for path in sorted(Path(__file__).parent.glob("cases_*.py")):
        yield import_module(f"tests.rules.{path.stem}").CASES


def _rows() -> list[Case]:
    cases = []
    for table in tables():
        for op, body, inputs, note, *options in table:
            given = options[0] if options else {}
            for opset in given.get("opsets", (17,)):
                for dynamic in (False, True) if "dynamic" in given else (False,):
                    cases.append(Case(op, body, inputs, note, given, opset, dynamic))
    return cases


CASES = _rows()


def values_of(case: Case, rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any]]:
    """(differentiable float64 inputs, constants)."""
    variable, constant = {}, {}
    for name, spec in case.inputs.items():
        if isinstance(spec, np.ndarray):
            constant[name] = spec
        elif spec and callable(spec[-1]):
            variable[name] = spec[1](rng.normal(size=spec[0]))
        else:
            variable[name] = rng.normal(size=spec)
    return variable, constant


def _dims(shape: Any) -> str:
    """A shape in ONNX text, where brackets around nothing mean an unknown rank."""
    return f"[{','.join(map(str, shape))}]" if shape else ""


def model_of(case: Case, variable: dict[str, Any], constant: dict[str, Any], dtype: Any) -> Any:
    """The case's one-operator model in `dtype`."""
    declared = case.options["dynamic"] if case.dynamic else {}
    parameters = [
        f"{ONNX_NAME[dtype]}{_dims(declared.get(name, value.shape))} {name}"
        for name, value in variable.items()
    ]
    text = (
        f'<ir_version: 8, opset_import: ["" : {case.opset}]> '
        f"g ({', '.join(parameters)}) => ({ONNX_NAME[dtype]} y) {{ {case.body} }}"
    )
    model = onnx.parser.parse_model(text)
    for name, value in constant.items():
        floats = np.issubdtype(value.dtype, np.floating)
        kept = value.astype(dtype) if floats and value.dtype != np.float32 else value
        kept = value.astype(dtype) if floats and name not in ("scales", "roi") else kept
        model.graph.initializer.append(onnx.numpy_helper.from_array(kept, name))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(model)
    model.graph.output[0].CopyFrom(inferred.graph.output[0])
    for extent in case.options.get("shape", ()):
        model.graph.output[0].type.tensor_type.shape.dim.add().dim_value = extent
    if not model.graph.output[0].type.tensor_type.HasField("shape"):  # the checker wants a rank
        kept = {name: value.astype(dtype) for name, value in variable.items()}
        rank = ReferenceEvaluator(inferred).run(["y"], kept)[0].ndim
        elem = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        declaration = onnx.helper.make_tensor_value_info("y", elem, [None] * rank)
        model.graph.output[0].CopyFrom(declaration)
    return model


def wanted(case: Case, variable: dict[str, Any]) -> list[str]:
    return list(case.options.get("wrt", variable))
