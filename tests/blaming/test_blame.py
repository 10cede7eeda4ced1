"""Blame names the defect that was planted, and what is kept in float is as in the float model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend
from backends.onnx.blaming.blame import Blame
from backends.onnx.blaming.curve import Case, case_of, drift, layer_of
from backends.onnx.blaming.rating import Rating, by_blame, by_sqnr
from cam_core.backend import Layer
from cam_core.errors import InputError
from cam_core.targets.classes.one_class import ClassTarget
from tests.blaming.quantised import ROUNDED, SHAPES, halved, plain, quantised, ranges
from tests.sessions import run

OPTIONS: dict[str, Any] = {"providers": ["cpu"], "optimization": "disabled"}
"""Every rounding where the file has it: no fused kernel, whose own rounding is another."""


@pytest.fixture
def model(rng: np.random.Generator) -> onnx.ModelProto:
    return plain(rng)


@pytest.fixture
def photos(rng: np.random.Generator) -> Any:
    return rng.normal(size=(4, 3, 8, 8)).astype(np.float32)


def blamed(model: onnx.ModelProto, other: onnx.ModelProto) -> Blame:
    a, b = (OnnxBackend(m.SerializeToString(), **OPTIONS) for m in (model, other))
    return Blame(a, b, OPTIONS)


def cases(blame: Blame, photos: Any) -> list[Case]:
    best = blame.plain.forward(photos)["y"].argmax(axis=1)
    return [
        case_of(blame.plain, str(i), photos[i : i + 1], ClassTarget(int(c)))
        for i, c in enumerate(best)
    ]


def names(ratings: Sequence[Rating]) -> list[str]:
    return [r.suspect.name for r in ratings]


def test_all_rounded_tensors_are_found(model: onnx.ModelProto, photos: Any) -> None:
    blame = blamed(model, quantised(model, ranges(model, photos)))
    kinds = {s.name: s.kind for s in blame.suspects.found}
    assert kinds == dict.fromkeys(ROUNDED, "activation") | {f"{n}_dq": "weight" for n in SHAPES}


def test_all_kept_in_float_is_the_float_model(model: onnx.ModelProto, photos: Any) -> None:
    """The ReLUs are back, though the file has them in its ranges alone."""
    blame = blamed(model, quantised(model, ranges(model, photos)))
    whole = blame.model_with([s.name for s in blame.suspects.found])
    assert not {"QuantizeLinear", "DequantizeLinear"} & {n.op_type for n in whole.graph.node}
    found, expected = (run(m, x=photos, level="ORT_DISABLE_ALL")["y"] for m in (whole, model))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)  # float32 kernels


def test_blame_is_the_slope_times_the_error(model: onnx.ModelProto, photos: Any) -> None:
    """Of the last tensor, whose way to the score is a product: Y moves by exactly <G, e>."""
    blame = blamed(model, quantised(model, ranges(model, photos)))
    known = cases(blame, photos)
    rated = {r.suspect.name: r for r in blame.rate(known)}
    moved = []
    for case in known:
        two = (blame.model_with([]), blame.model_with(["f"]))
        y = [run(m, x=case.x, level="ORT_DISABLE_ALL")["y"] for m in two]
        moved.append(abs(float((case.target.score(y[0]) - case.target.score(y[1]))[0])))
    # G is the mean of both models' columns of v, which differ by their rounding: under 1 %
    assert rated["f"].blame == pytest.approx(float(np.mean(moved)), rel=0.02)


def test_a_doubled_scale_is_named(model: onnx.ModelProto, photos: Any) -> None:
    blame = blamed(model, quantised(model, ranges(model, photos), {"w2": 2.0}))
    known = cases(blame, photos)
    ratings = by_blame(blame.rate(known))
    assert names(ratings)[0] == "w2_dq"
    assert ratings[0].suspect.nodes == ("second",)
    before, after = drift(blame.quantised, known), drift(blame.restored(["w2_dq"]), known)
    assert after.rms < 0.2 * before.rms


@pytest.mark.parametrize("defect", ["a tenth", "ten times"])
def test_a_badly_calibrated_tensor_is_named(
    model: onnx.ModelProto, photos: Any, defect: str
) -> None:
    """Too narrow a range cuts off, too wide a one has few steps."""
    found = ranges(model, photos)
    low, high = found["c2"]
    span = (low, high * (0.1 if defect == "a tenth" else 20))
    blame = blamed(model, quantised(model, {**found, "c2": span}))
    assert names(by_blame(blame.rate(cases(blame, photos))))[0] == "c2"


def test_sqnr_knows_nothing_of_the_answer(model: onnx.ModelProto, photos: Any) -> None:
    """A tensor whose error the score does not see is the noisiest, and has no blame."""
    made = quantised(model, ranges(model, photos))
    held = {t.name: t for t in made.graph.initializer}
    v = numpy_helper.to_array(held["v_quantized"]).copy()
    v[0] = 0  # nothing is read of the first channel ...
    held["v_quantized"].CopyFrom(numpy_helper.from_array(v, "v_quantized"))
    theirs = next(t for t in model.graph.initializer if t.name == "v")
    w = numpy_helper.to_array(theirs).copy()
    w[0] = 0
    theirs.CopyFrom(numpy_helper.from_array(w, "v"))
    third = numpy_helper.to_array(held["w3_quantized"]).copy()
    third[0] = -third[0]  # ... which the third convolution makes wrong
    held["w3_quantized"].CopyFrom(numpy_helper.from_array(third, "w3_quantized"))
    blame = blamed(model, made)
    rated = blame.rate(cases(blame, photos))
    assert names(by_sqnr(rated))[0] == "w3_dq"
    assert names(by_blame(rated)).index("w3_dq") > 1


def test_an_overflow_of_float16_is_named(model: onnx.ModelProto, photos: Any) -> None:
    """The second block makes numbers of 1e5, the third brings them down again."""
    big = onnx.ModelProto()
    big.CopyFrom(model)
    by = {"w1": 300.0, "w2": 300.0, "w3": 1 / 9e4}
    for tensor in big.graph.initializer:
        w = numpy_helper.to_array(tensor) * np.float32(by.get(tensor.name, 1.0))
        tensor.CopyFrom(numpy_helper.from_array(w, tensor.name))
    blame = blamed(big, halved(big))
    first = by_blame(blame.rate(cases(blame, photos)))[0]
    assert first.suspect.name == "c2"
    assert np.isinf(first.blame)


def test_float16_tensors_are_rated(model: onnx.ModelProto, photos: Any) -> None:
    """All of them kept in float32 is the float model."""
    blame = blamed(model, halved(model))
    known = cases(blame, photos)
    assert {s.kind for s in blame.suspects.found} == {"node"}
    whole = blame.restored([s.name for s in blame.suspects.found])
    assert drift(blame.quantised, known).rms > 2e-5
    assert drift(whole, known).rms < 1e-6  # float32 kernels
    assert all(np.isfinite(r.blame) for r in blame.rate(known))


SPLIT = """<ir_version: 8, opset_import: ["" : 17]>
g (float[N,8] x) => (float[N,4] y)
{
  [turn] x1 = Tanh(x)
  [parts] a, b = Split<axis=1>(x1)
  [join] c = Mul(a, b)
  [head] y = MatMul(c, v)
}"""


def split(rng: np.random.Generator) -> onnx.ModelProto:
    model = onnx.parser.parse_model(SPLIT)
    v = rng.normal(size=(4, 4)).astype(np.float32)
    model.graph.initializer.append(numpy_helper.from_array(v, "v"))
    return model


def test_an_operator_of_several_results_runs_beside_itself(rng: np.random.Generator) -> None:
    """A runtime may read all results of a Split, be they wanted or not."""
    model = split(rng)
    every = blamed(model, halved(model)).suspects
    extra = {n.output[0]: list(n.output) for n in every.nodes}
    assert len(extra["blame.a.float"]) == 2
    assert all(extra["blame.a.float"])


def test_what_shows_others_numbers_is_not_blamed(rng: np.random.Generator) -> None:
    """Nor does it round what is kept in float before it."""
    model = split(rng)
    blame = blamed(model, halved(model))
    assert [s.name for s in blame.suspects.found] == ["x1", "c", "y_half"]
    kept = blame.model_with(["x1"])
    makers = {name: n for n in kept.graph.node for name in n.output}
    product = next(n for n in kept.graph.node if n.op_type == "Mul")
    cast = [makers[name] for name in product.input]
    assert [n.input[0] for n in cast] == ["blame.a.float", "blame.a.float.1"]
    cast.append(makers[makers["blame.a.float"].input[0]])
    assert cast[-1].input[0] == "blame.x1.float"
    assert {n.attribute[0].i for n in cast} == {onnx.TensorProto.FLOAT}


def test_maps_are_of_one_layer_whatever_is_kept(model: onnx.ModelProto, photos: Any) -> None:
    """A file's default layer may be another once a tensor is kept in float."""
    blame = blamed(model, halved(model))
    known = [replace(case, layer=Layer("a1", "Relu", ())) for case in cases(blame, photos)]
    assert layer_of(blame.quantised, known) == "a1"
    found = layer_of(blame.restored(["a1"]), known)
    assert found is not None
    A = blame.restored(["a1"]).look(known[0].x, layers=[found]).activations[found]
    a1 = blame.plain.look(known[0].x, layers=["a1"]).activations["a1"]
    np.testing.assert_allclose(A, a1, rtol=0.01, atol=0.01)  # what is before it is in float16


def test_files_without_anything_to_blame(model: onnx.ModelProto) -> None:
    other = onnx.ModelProto()
    other.CopyFrom(model)
    for node in other.graph.node:
        node.name = f"other_{node.name}"
        node.output[:] = ["y" if n == "y" else f"o_{n}" for n in node.output]
        node.input[:] = [n if n in ("x", *SHAPES) else f"o_{n}" for n in node.input]
    other.graph.node[-1].op_type = "Gemm"
    with pytest.raises(InputError, match="no operator of one name in both"):
        _ = blamed(model, other).suspects


def test_an_opset_in_common_helps_those_of_one_export_alone(model: onnx.ModelProto) -> None:
    """Another one of the same operators can be exported anew; of other operators it is no cure."""
    later = onnx.ModelProto()
    later.CopyFrom(halved(model))
    later.opset_import[0].version += 1
    with pytest.raises(InputError, match="export both with one opset"):
        _ = blamed(model, later).suspects
    for node in later.graph.node:
        node.name = f"other_{node.name}"
        node.output[:] = ["y" if n == "y" else f"o_{n}" for n in node.output]
        node.input[:] = [n if n in ("x", *initial(later)) else f"o_{n}" for n in node.input]
    with pytest.raises(InputError, match="no operator of one name in both"):
        _ = blamed(model, later).suspects


def initial(model: onnx.ModelProto) -> set[str]:
    return {one.name for one in model.graph.initializer}


def test_a_model_of_another_training(
    model: onnx.ModelProto, photos: Any, rng: np.random.Generator
) -> None:
    made = quantised(model, ranges(model, photos))
    with pytest.raises(InputError, match="other weights"):
        _ = blamed(plain(rng), made).suspects
