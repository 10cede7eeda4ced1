"""Which layer of B is that of A."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")

from backends.onnx import OnnxBackend  # noqa: E402
from backends.torch import TorchBackend  # noqa: E402
from cam_core.compare.layers import QUANTISED, correlation, match_layers  # noqa: E402
from cam_core.errors import InputError, LayerError  # noqa: E402
from tests.core.two_networks import BACKENDS, MODELS, network, written  # noqa: E402

CNN = MODELS["cnn"]


@pytest.fixture
def x() -> Any:
    return np.random.default_rng(2).normal(size=(1, *CNN.size)).astype(np.float32)


def renamed(**names: str) -> OnnxBackend:
    """The file with other names of tensors; the outputs keep theirs."""
    model = onnx.ModelProto()
    model.CopyFrom(written(CNN))
    del model.graph.output[1:]
    for node in model.graph.node:
        for names_of in (node.input, node.output):
            for i, name in enumerate(names_of):
                names_of[i] = names.get(name, name)
    return OnnxBackend(model)


def test_by_module_path(x: Any) -> None:
    original = TorchBackend(network(CNN), example=x)
    (found,) = match_layers(original, BACKENDS["onnx"](CNN), (x, x))
    assert (found.a, found.b, found.by) == ("late", "late", "module path")
    assert found.alike == pytest.approx(1)
    (back,) = match_layers(BACKENDS["onnx"](CNN), original, (x, x), ["early"])
    assert (back.a, back.b, back.by) == ("early", "early", "name")


def test_by_activations_where_names_are_others(x: Any) -> None:
    (found,) = match_layers(BACKENDS["onnx"](CNN), renamed(late="t7", conv2="t6"), (x, x))
    assert found.said == "late = t7 (by activations, correlation 1.000)"


@pytest.mark.parametrize("ending", QUANTISED)
def test_by_the_name_that_a_quantiser_gave_it(ending: str, x: Any) -> None:
    """A copy so far off that no activations tell; either side may be the copy."""
    rng = np.random.default_rng(0)
    copy = renamed(late=f"late{ending}", conv2="late_other").with_weights(
        lambda name, weight: rng.permutation(weight.ravel()).reshape(weight.shape)
    )
    plain = BACKENDS["onnx"](CNN)
    (found,) = match_layers(plain, copy, (x, x), ["late"])
    assert (found.a, found.b, found.by) == ("late", f"late{ending}", "name")
    assert found.alike < 0.5
    (back,) = match_layers(copy, plain, (x, x), [f"late{ending}"])
    assert (back.b, back.by) == ("late", "name")


def test_a_name_that_means_another_tensor_is_not_believed(x: Any) -> None:
    other = renamed(late="t7", conv2="late")
    (found,) = match_layers(BACKENDS["onnx"](CNN), other, (x, x))
    assert found.b in ("t7", "late")
    assert found.alike > 0.5
    crossed = renamed(late="conv2", conv2="late", early="conv1", conv1="early")
    (early,) = match_layers(BACKENDS["onnx"](CNN), crossed, (x, x), ["early"])
    assert early.alike > 0.8


BLOCK = """<ir_version: 8, opset_import: ["" : 17]>
block (float[N, 3, H, W] x) => (float[N, 4] y) {
    ["/block/Conv"] {conv} = Conv(x, w)
    ["/block/Mul"] {mul} = Mul({conv}, k)
    ["/block/Relu"] {relu} = Relu({mul})
    pool = GlobalAveragePool({relu})
    y = Flatten(pool)
}"""
NAMES = {
    "conv": "/block/Conv_output_0",
    "mul": "/block/Mul_output_0",
    "relu": "/block/Relu_output_0",
}


def block(factor: float = 1.0, **names: str) -> OnnxBackend:
    """Three tensors of one module; factor: of every second channel after the convolution."""
    text = BLOCK
    for key, name in (NAMES | names).items():
        text = text.replace(f"{{{key}}}", f'"{name}"')
    model = onnx.parser.parse_model(text)
    rng = np.random.default_rng(3)
    k = np.where(np.arange(4) % 2, factor, 1.0).reshape(4, 1, 1)
    for name, value in {"w": rng.normal(size=(4, 3, 3, 3)), "k": k}.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(value.astype(np.float32), name))
    return OnnxBackend(model)


def test_of_a_module_the_tensor_of_the_same_name(x: Any) -> None:
    """A defect makes another tensor of it more alike by chance."""
    (found,) = match_layers(block(3.0), block(-9.0), (x, x), [NAMES["mul"]])
    assert (found.b, found.by) == (NAMES["mul"], "module path")
    assert found.alike < 0.5


def test_of_a_module_at_another_size_too(x: Any) -> None:
    (found,) = match_layers(block(), block(), (x, x[..., :-2]), [NAMES["relu"]])
    assert (found.b, found.by) == (NAMES["relu"], "module path")


def test_the_same_numbers_go_before_a_name_of_others(x: Any) -> None:
    """As of an export that folds what is behind a convolution into it."""
    crossed = block(3.0, conv=NAMES["mul"], mul=NAMES["conv"])
    (found,) = match_layers(block(3.0), crossed, (x, x), [NAMES["mul"]])
    assert found.b == NAMES["conv"]
    assert found.alike == pytest.approx(1)


def test_rows_of_a_fixed_batch_are_one_photo(x: Any) -> None:
    (found,) = match_layers(block(), block(), (x, np.repeat(x, 4, axis=0)), [NAMES["relu"]])
    assert (found.b, found.alike) == (NAMES["relu"], pytest.approx(1))


def test_an_input_that_b_does_not_take_is_no_lack_of_layers(x: Any) -> None:
    with pytest.raises(InputError, match="input 'x'"):
        match_layers(block(), block(), (x, x[:, :2]))


def test_none_is_told_with_the_nearest(x: Any) -> None:
    ours = BACKENDS["onnx"](CNN)
    other = renamed(late="t7", conv2="t6").with_weights(
        lambda name, w: np.random.default_rng(len(name)).normal(size=w.shape).astype(w.dtype)
    )
    with pytest.raises(LayerError) as error:
        match_layers(ours, other, (x, x))
    text = str(error.value)
    assert "no layer of B is A's 'late' [6 x 3 x 5]: the nearest by its activations is 't" in text
    assert "The last of A: " in text
    assert "--layer-b" in text


def test_what_is_named_is_taken(x: Any) -> None:
    other = renamed(late="t7", conv2="t6")
    (found,) = match_layers(BACKENDS["onnx"](CNN), other, (x, x), ["early"], ["t7"])
    assert (found.a, found.b, np.isnan(found.alike)) == ("early", "t7", True)
    (own,) = match_layers(BACKENDS["onnx"](CNN), other, (x, x), None, ["default"])
    assert own.b == "t7"
    with pytest.raises(LayerError, match=r"1 layers of A \(late\) and 2 of B"):
        match_layers(BACKENDS["onnx"](CNN), other, (x, x), None, ["t7", "early"])


def test_a_module_of_several_operators_is_what_it_gives() -> None:
    """The path of a module that holds others, of which the file's tensors know the inner paths."""
    from cam_core.backend import Layer
    from cam_core.compare.layers import _by_name

    theirs = [Layer(n, "Conv", (), m) for n, m in (("t1", "stem"), ("t2", "body.1.relu"))]
    found = dict(_by_name(Layer("body", "Sequential", (), "body"), theirs))
    assert found["module path"] == ["body"]
    assert found["name"] == []


def test_a_loose_match_is_doubted() -> None:
    from cam_core.compare.layers import Matched

    loose = Matched("a", "b", "activations", 0.7)
    assert "'b' of B is A's 'a' by activations of correlation 0.70 alone" in loose.doubt
    sure = [Matched("a", "b", "activations", 0.9), Matched("a", "b", "name", 0.3)]
    assert [one.doubt for one in sure] == ["", ""]


def test_the_correlation_is_pearsons() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 1, 3, 4, 4))
    assert correlation(a, b) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1])
    assert np.isnan(correlation(a, b[:, :2]))
    assert np.isnan(correlation(a, np.ones_like(b)))
