"""Models as onnxruntime saves them optimised explain as they did before."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnx.parser
import pytest

from backends.onnx import instrument
from backends.onnx.finding.analysis import analyse
from backends.torch import TorchBackend
from cam_core.errors import ModelError, UnsupportedOpError
from cam_core.targets import ClassTarget
from converters.torch import to_onnx

ort = pytest.importorskip("onnxruntime")
pytest.importorskip("torch")

from tests.differences import assert_near  # noqa: E402
from tests.models.networks import NETS, randomise  # noqa: E402
from tests.models.optimised import (  # noqa: E402
    CLASSES,
    LEVELS,
    fused,
    gradients,
    save,
)

FUSED = {
    "resnet basic-dynamo-18": "FusedConv",
    "vgg-torchscript-11": "FusedConv FusedGemm",
    "mobilenet v2-torchscript-11": "FusedConv",
    "mobilenet v3-torchscript-13": "FusedConv",
    "efficientnet-torchscript-17": "FusedConv QuickGelu",
    "squeezenet-torchscript-11": "FusedConv",
    "convnext-torchscript-13": "BiasGelu SimplifiedLayerNormalization",
    "vit-dynamo-20": "BiasGelu FusedMatMul SkipLayerNormalization",
    "vit-torchscript-13": "Gelu",
}
"""Network and export -> what the extended level is known to fuse in it."""


class Saved(NamedTuple):
    """One network in three forms, two images, and what the extended level fuses."""

    net: Any
    plain: Path
    extended: onnx.ModelProto
    x: Any
    gradients: tuple[Any, Any]
    """Of the plain model: the default layer's, the image's."""
    expected: str


@pytest.fixture(scope="module", params=FUSED)
def saved(request: Any, tmp_path_factory: Any) -> Saved:
    name, exporter, opset = request.param.rsplit("-", 2)
    row = NETS[name]
    net = randomise(row.build(), sum(map(ord, name)))
    x = np.random.default_rng(7).normal(size=(2, 3, row.size, row.size)).astype(np.float32)
    folder = tmp_path_factory.mktemp("saved")
    plain = folder / "net.onnx"
    to_onnx(net, x, plain, exporter=exporter, opset=int(opset))
    extended = save(plain, folder / "extended.onnx")
    return Saved(net, plain, extended, x, gradients(plain, x), FUSED[request.param])


def test_it_explains_as_before_and_as_autograd(saved: Saved) -> None:
    assert set(fused(saved.extended)) == set(saved.expected.split())
    found = gradients(saved.extended, saved.x)
    for got, expected in zip(found, saved.gradients, strict=True):
        assert_near(got, expected)
    torch = TorchBackend(saved.net)
    (seen,) = torch.capture(saved.x, ClassTarget(list(CLASSES)), input_gradients=True)
    assert_near(found[1], next(iter(seen.input_gradients.values())))


def test_the_default_layer_is_the_same(saved: Saved) -> None:
    plain, extended = analyse(saved.plain), analyse(saved.extended)
    assert extended.score.name == plain.score.name
    assert extended.choices[0].name == plain.choices[0].name
    assert extended.choices[0].layout == plain.choices[0].layout


def test_nothing_of_it_is_lost(saved: Saved, tmp_path: Path) -> None:
    """Its outputs to the bit, and every fused node, in the file and as onnxruntime runs it."""
    made = instrument(saved.extended, verify=True)
    assert fused(made) == fused(saved.extended)
    for level in (LEVELS.ORT_DISABLE_ALL, LEVELS.ORT_ENABLE_EXTENDED):
        runs = fused(save(made, tmp_path / "again.onnx", level))
        assert all(runs[op] >= count for op, count in fused(saved.extended).items())


def test_the_basic_level_too(saved: Saved, tmp_path: Path) -> None:
    basic = save(saved.plain, tmp_path / "basic.onnx", LEVELS.ORT_ENABLE_BASIC)
    for got, expected in zip(gradients(basic, saved.x), saved.gradients, strict=True):
        assert_near(got, expected)


def test_guided_backpropagation_sees_the_relu_inside(tmp_path: Path) -> None:
    row = NETS["vgg"]
    x = np.random.default_rng(3).normal(size=(1, 3, 32, 32)).astype(np.float32)
    plain = tmp_path / "net.onnx"
    to_onnx(randomise(row.build(), 5), x, plain, exporter="torchscript", opset=11)
    extended = save(plain, tmp_path / "extended.onnx")
    assert fused(extended)["FusedConv"] == 3

    layer = analyse(plain).choices[0].name

    def image_gradients(model: Any, *, guided: bool) -> Any:
        made = instrument(model, target=2, guided=guided, outputs=("input_gradients",), layer=layer)
        session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
        return session.run(["cam_input_gradients"], {made.graph.input[0].name: x})[0]

    found = image_gradients(extended, guided=True)
    assert_near(found, image_gradients(plain, guided=True))
    unguided = image_gradients(extended, guided=False)
    assert np.linalg.norm(found - unguided) > 0.1 * np.linalg.norm(unguided)


def test_the_level_for_one_processor_is_refused(tmp_path: Path) -> None:
    source = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17]> g (float[1,16,8,8] x, float[16,16,3,3] w) => '
        "(float[1,16,6,6] y) { c = Conv(x, w) y = Relu(c) }"
    )
    kernel = np.ones((16, 16, 3, 3), np.float32)
    source.graph.initializer.append(onnx.numpy_helper.from_array(kernel, "w"))
    del source.graph.input[1]
    saved = save(source, tmp_path / "all.onnx", LEVELS.ORT_ENABLE_ALL)
    if not any(n.domain == "com.microsoft.nchwc" for n in saved.graph.node):
        pytest.skip("this processor has no layout of its own")
    with pytest.raises(ModelError, match=r"level 'all'.*save it at the extended level"):
        instrument(saved)


REFUSED = {
    'FusedConv<activation="Swirl">(x, w)': "its activation is Swirl",
    'FusedConv<activation="LeakyRelu">(x, w)': "its LeakyRelu lacks alpha",
    'FusedConv<activation="Clip", activation_params=[0.0]>(x, w)': "its Clip lacks max",
    "Attention<num_heads=2, do_rotary=1>(t, p)": "do_rotary is set",
    "Attention<num_heads=2>(t, p,, m)": "its mask has 5 columns for 8 keys",
    "Attention<num_heads=2>(t, p,, i)": "its mask has 5 entries for 1 rows",
    "MultiHeadAttention<num_heads=2>(t)": "its keys are missing",
    "MultiHeadAttention<num_heads=2, unidirectional=1>(t, k, k)": "it is unidirectional over keys",
    "RotaryEmbedding<is_packed_batching=1>(t, j, c, c)": "its batch is packed",
    "GroupQueryAttention<num_heads=2, kv_num_heads=2>(t, t, t,,, i, n,,, j)": "its positions are",
    "GroupQueryAttention<num_heads=2, kv_num_heads=2, sliding_window_cache=1>(t, t, t,,, i, n)": (
        "sliding_window_cache is set"
    ),
    "BiasDropout(t, e,, r, yes)": "it is in training mode",
}


@pytest.mark.parametrize("call", REFUSED)
def test_an_unknown_form_is_refused_by_name(call: str) -> None:
    """Whatever else is wrong with it; and also where later shapes hang on it."""
    model = onnx.parser.parse_model(
        '<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]> '
        "g (float[1,4,8,8] i4, float[4,4,3,3] w, float[32,96] p, int32[1,5] m, int32[5] i, "
        "float[1,3,32] k, int64[1,8] j, float[9,8] c, int32 n, float[32] e, float r, bool yes) "
        "=> (float[1,4] y) { x = Relu(i4) s = Reshape(x, shape) t = Cast<to=1>(s) "
        f"o = com.microsoft.{call} r1 = Relu(o) q = ReduceMean<axes=[2], keepdims=0>(r1) "
        "y = Flatten(q) }"
    )
    shape = np.array([1, 8, 32])
    model.graph.initializer.append(onnx.numpy_helper.from_array(shape, "shape"))
    operator = call.partition("<")[0].partition("(")[0]
    with pytest.raises(UnsupportedOpError, match=f"com.microsoft.{operator} where {REFUSED[call]}"):
        instrument(model, layer="x")
