"""Which tokens the one that is read is made of."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from backends.onnx.finding.analysis import analyse
from backends.onnx.finding.tokens import needed_tokens
from tests.finding.nets import TOKENS, VIT

pytest.importorskip("onnxruntime")


@pytest.mark.parametrize(
    ("body", "needed"),
    [
        ("n = LayerNormalization<axis = -1>(tokens, g, h)", {0}),
        ("n = LayerNormalization<axis = 1>(tokens, wide, wide)", None),
        ("n = RMSNormalization<axis = 1>(tokens, wide)", None),
        ("n = GroupNormalization<num_groups = 1>(tokens, rows, rows)", None),
        ("n = Pad<mode = \"reflect\">(tokens, front)", None),
        ("n = Pad(tokens, front)", set()),
        ("r = Reshape(tokens, apart) u = Relu(r) n = Reshape(u, whole)", None),
        ("r = Transpose<perm = [1, 0, 2]>(tokens) u = Relu(r) n = Transpose<perm = [1, 0, 2]>(u)",
         {0}),
        ("t = Transpose<perm = [0, 2, 1]>(tokens) b = BatchNormalization(t, g, h, g, h) "
         "n = Transpose<perm = [0, 2, 1]>(b)", {0}),
    ],
)  # fmt: skip
def test_the_tokens_that_one_of_them_is_made_of(body: str, needed: set[int] | None) -> None:
    """That of a norm over all tokens is made of all of them."""
    model = onnx.parser.parse_model(
        f'<ir_version: 10, opset_import: ["" : 23]> net (float[1,3,16,16] x) => (float[1,5] y) {{'
        f"{TOKENS} tokens = Concat<axis = 1>(cls, tk) {body} "
        "first = Gather<axis = 1>(n, zero) y = MatMul(first, head) }"
    )
    rng = np.random.default_rng(4)
    shapes = {**VIT, "wide": (17, 8), "rows": (17,), "head": (8, 5)}
    values = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    values |= {"zero": np.array(0), "front": np.array([0, 1, 0, 0, 0, 0])}
    values |= {"apart": np.array([1, 4, 34]), "whole": np.array([1, 17, 8])}
    model.graph.initializer.extend(numpy_helper.from_array(v, n) for n, v in values.items())
    found = needed_tokens(analyse(model, ["tokens"]).layers.route)["tokens"]
    assert (None if found is None else set(found.at)) == needed
