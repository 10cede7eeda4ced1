"""The kinds of operators, held against ONNX's own schemas and what the operators do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from backends.onnx.reading import kinds
from tests.sessions import run

SCHEMAS = onnx.defs.get_all_schemas_with_history()
STANDARD = {schema.name for schema in SCHEMAS if schema.domain == ""}
OTHERS = {
    *("ImageScaler", "Affine", "ScaledTanh", "ParametricSoftplus"),  # of the oldest exporters
    "NhwcMaxPool",  # of onnxruntime
    "Standardise",  # our own composite
}
"""Operators that no version of the standard has."""
TABLES = {
    name: value
    for name, value in vars(kinds).items()
    if name.isupper() and name != "RANDOM" and isinstance(value, Iterable)
}
CALLS = {
    "Cast": "y = Cast<to = 11>(x)",
    "DepthToSpace": "y = DepthToSpace<blocksize = 2>(x)",
    "Dropout": "y = Dropout(x)",
    "Expand": "k = Constant<value_ints = [3, 1, 1, 1, 1]>() y = Expand(x, k)",
    "Flatten": "y = Flatten<axis = 2>(x)",
    "Gather": "k = Constant<value_ints = [1, 0, 1]>() y = Gather<axis = 2>(x, k)",
    "Identity": "y = Identity(x)",
    "MaxPool": "y = MaxPool<kernel_shape = [2, 2]>(x)",
    "Pad": "k = Constant<value_ints = [0, 0, 1, 1, 0, 0, 0, 2]>() y = Pad(x, k)",
    "Reshape": "k = Constant<value_ints = [4, -1]>() y = Reshape(x, k)",
    "Resize": "k = Constant<value_floats = [1.0, 1.0, 2.0, 2.0]>() y = Resize(x, , k)",
    "Slice": """k = Constant<value_ints = [1, 0]>() m = Constant<value_ints = [2, 3]>()
        y = Slice(x, k, m)""",
    "SpaceToDepth": "y = SpaceToDepth<blocksize = 2>(x)",
    "Split": "y, z = Split<axis = 1, num_outputs = 2>(x)",
    "Squeeze": "s = Constant<value_ints = [1]>() z = Unsqueeze(x, s) y = Squeeze(z, s)",
    "Tile": "k = Constant<value_ints = [1, 2, 1, 1]>() y = Tile(x, k)",
    "Transpose": "y = Transpose(x)",
    "Unsqueeze": "k = Constant<value_ints = [0, 3]>() y = Unsqueeze(x, k)",
}
SHAPE = (2, 4, 2, 4)


def called(body: str, x: Any, shape: Any = SHAPE) -> Any:
    extents = ",".join(map(str, shape))
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 18]> g (float[{extents}] x) => (y) {{ {body} }}'
    )
    return run(model, x=x.astype(np.float32))["y"]


@pytest.mark.parametrize("table", TABLES)
def test_no_kind_holds_what_is_no_operator(table: str) -> None:
    assert TABLES[table]
    assert set(TABLES[table]) <= STANDARD | OTHERS


def test_no_operator_is_left_out_of_the_reductions() -> None:
    assert len(kinds.REDUCTIONS) == len({*kinds.REDUCTIONS})
    assert {*kinds.REDUCTIONS} == {name for name in STANDARD if name.startswith("Reduce")}


@pytest.mark.parametrize("operator", sorted(kinds.VIEWS))
def test_a_view_shows_the_same_numbers(operator: str, rng: np.random.Generator) -> None:
    x = rng.permutation(np.prod(SHAPE)).reshape(SHAPE)
    y = called(CALLS[operator], x)
    assert sorted(y.ravel()) == sorted(x.ravel())
    if operator in kinds.RESHAPING:
        np.testing.assert_array_equal(y.ravel(), x.ravel())


@pytest.mark.parametrize("operator", sorted(kinds.MOVES - {"NhwcMaxPool"}))
def test_a_move_makes_no_new_number(operator: str, rng: np.random.Generator) -> None:
    """Else its result had other units than its input; a Pad adds its zeros."""
    x = 1 + rng.permutation(np.prod(SHAPE)).reshape(SHAPE)
    found = {*called(CALLS[operator], x).ravel().tolist()}
    assert found - ({0} if operator == "Pad" else set()) <= {*x.ravel().tolist()}
    assert len(found) > 3


@pytest.mark.parametrize("operator", sorted(kinds.EXTENTS))
def test_extents_do_not_depend_on_the_numbers(operator: str, rng: np.random.Generator) -> None:
    one, other = (called(f"y = {operator}(x)", x) for x in rng.normal(size=(2, *SHAPE)))
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("operator", sorted(kinds.SAME_TYPE & STANDARD))
def test_what_keeps_its_type(operator: str) -> None:
    for schema in (s for s in SCHEMAS if s.name == operator):
        assert schema.inputs[0].type_str == schema.outputs[0].type_str


@pytest.mark.parametrize("operator", sorted(kinds.FLATTENING))
def test_since_opset_13_the_axis_is_one_alone(operator: str) -> None:
    default = [
        onnx.helper.get_attribute_value(
            onnx.defs.get_schema(operator, opset).attributes["axis"].default_value
        )
        for opset in (12, 13)
    ]
    assert default == [1, -1]


def test_channels_are_at_one_place() -> None:
    assert not kinds.CHANNELS_FIRST & kinds.CHANNELS_LAST
    assert kinds.WINDOWED_PRODUCTS <= kinds.MIXERS & kinds.CHANNELS_FIRST
    assert kinds.POOLS <= kinds.CHANNELS_FIRST & kinds.WINDOWS
    assert kinds.CHANNEL_NORMS == kinds.NORMS & kinds.CHANNELS_LAST
