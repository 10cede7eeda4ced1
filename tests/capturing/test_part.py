"""The derivative of a part by itself, against finite differences of that part."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from backends.onnx.capturing.cut import between
from backends.onnx.capturing.part import Part, part
from backends.onnx.finding.analysis import analyse
from cam_core.errors import LayerError
from tests.differences import slope
from tests.scaled_detector import LAYERS, scaled_detector
from tests.sessions import run


def opened():
    return analyse(scaled_detector(), LAYERS, "=y")


def gradient(made: Part, layer: str, feed: dict[str, np.ndarray]) -> np.ndarray:
    return run(made.model, feed)[made.gradients[layer]]


@pytest.mark.parametrize("size", [None, (3, 4)], ids=["whole", "window"])
def test_its_gradient_is_the_slope_of_the_part(size) -> None:
    """Of the heads' convolutions, as they are and as those of a smaller map."""
    rng, seen = np.random.default_rng(0), opened()
    shapes = None if size is None else {"nf": [None, None, *size]}
    made = part(seen, ["nf"], ["pf"], ["nf"], shapes=shapes)
    A = rng.normal(size=(1, 6, *(size or (8, 8)))).astype(np.float32)
    cot = rng.normal(size=(1, 4, *A.shape[2:])).astype(np.float32)
    along = rng.normal(size=A.shape).astype(np.float32)
    forward = between(seen, ["nf"], ["pf"])
    for info in (*forward.graph.input, *forward.graph.output):
        info.type.tensor_type.ClearField("shape")
    del forward.graph.value_info[:]

    def at(t: float) -> float:
        return float(np.sum(cot * run(forward, {"nf": A + np.float32(t) * along})["pf"]))

    found = gradient(made, "nf", {"nf": A, made.cotangents["pf"]: cot})
    # float32 forward passes, whose rounding the difference divides by h
    assert np.sum(found * along) == pytest.approx(slope(at, 0.05), rel=1e-3)


def test_it_holds_what_it_needs_and_no_more() -> None:
    made = part(opened(), ["nc"], ["pc"], ["nc"])
    assert {i.name for i in made.model.graph.input} == {"nc", *made.cotangents.values()}
    weights = {t.name for t in made.model.graph.initializer}
    assert {"vc", "k", "c", "o"} <= weights
    assert weights.isdisjoint({"vf", "w1", "w2", "w3", "w4", "w5"})
    onnx.checker.check_model(made.model)


def test_a_layer_that_no_derivative_reaches() -> None:
    with pytest.raises(LayerError, match="no derivative arrives at 'nc'"):
        part(opened(), ["nf", "nc"], ["pf"], ["nc"])
