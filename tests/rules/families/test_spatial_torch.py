"""Convolutions, pools and resizing against torch.autograd, ties of the maximum included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

from cam_core.errors import ModelError, UnsupportedOpError
from tests.gradients import with_gradient
from tests.sessions import open_session

torch = pytest.importorskip("torch")
functional = torch.nn.functional

PORTABLE = {
    *("Add", "AveragePool", "Cast", "Concat", "Conv", "ConvTranspose", "Div", "Equal", "Expand"),
    *(
        "Gather",
        "Identity",
        "MatMul",
        "MaxPool",
        "Mul",
        "Neg",
        "Pad",
        "ReduceSum",
        "Reshape",
        "Slice",
    ),
    *("Split", "Squeeze", "Sub", "Sum", "Transpose", "Unsqueeze", "Where", "ArgMax", "Resize"),
}


def differentiate(
    body: str, declared: str, constants: dict[str, Any] | None = None, opset: int = 17
) -> tuple[onnx.ModelProto, str]:
    """The one-operator model with the input `cot`, and the name of x's cotangent."""
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}]> g ({declared} x) => (float y) {{ {body} }}'
    )
    for name, value in (constants or {}).items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    model = onnx.shape_inference.infer_shapes(model)
    full, (name,) = with_gradient(model, ["x"])
    return full, name


def run(model: onnx.ModelProto, name: str, x: Any, cot: Any) -> Any:
    return open_session(model).run([name], {"x": x, "cot": cot})[0]


def by_torch(function: Callable[[Any], Any], x: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    """(a random cotangent, the gradient) of `function` at x."""
    leaf = torch.tensor(x, requires_grad=True)
    y = function(leaf)
    cot = rng.normal(size=tuple(y.shape)).astype(np.float32)
    y.backward(torch.tensor(cot))
    return cot, leaf.grad.numpy()


def shape_text(x: Any, dynamic: bool) -> str:
    sizes = ["N", x.shape[1], *"DHW"[: x.ndim - 2]] if dynamic else x.shape
    return f"float[{','.join(map(str, sizes))}]"


MAX_POOLS = [
    ((2, 3, 9, 8), {"kernel_size": 2}),
    ((2, 3, 9, 8), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ((2, 3, 9, 8), {"kernel_size": (5, 4), "stride": 1, "padding": 2}),
    ((2, 3, 9, 8), {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    ((2, 3, 9, 8), {"kernel_size": (2, 3), "stride": 2, "dilation": (3, 2), "padding": 1}),
    ((2, 3, 9, 8), {"kernel_size": 2, "stride": 3}),
    ((2, 3, 9, 8), {"kernel_size": (9, 8)}),
    ((2, 3, 11), {"kernel_size": 3, "stride": 2, "padding": 1}),
    ((2, 2, 5, 6, 4), {"kernel_size": (2, 3, 2), "stride": (1, 2, 2), "padding": (1, 1, 0)}),
]


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize(("shape", "options"), MAX_POOLS, ids=str)
def test_max_pool_breaks_ties_as_torch(
    shape: tuple[int, ...], options: dict[str, Any], dynamic: bool, rng: np.random.Generator
) -> None:
    """On a map of few values, most windows tie: rectified zeros, and equal maxima."""
    rank = len(shape) - 2
    x = np.maximum(rng.integers(-3, 3, shape), 0).astype(np.float32)
    pool = getattr(functional, f"max_pool{rank}d")
    cot, expected = by_torch(lambda t: pool(t, **options), x, rng)
    body = f"y = MaxPool<{attributes(rank, **options)}>(x)"
    model, name = differentiate(body, shape_text(x, dynamic))
    np.testing.assert_allclose(run(model, name, x, cot), expected, atol=1e-5)


def attributes(
    rank: int,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    count_include_pad: bool | None = None,
) -> str:
    """torch's options of a pool as ONNX text."""

    def each(value: Any) -> list[int]:
        return list(value) if isinstance(value, tuple) else [value] * rank

    text = f"kernel_shape={each(kernel_size)}, strides={each(stride or kernel_size)}"
    text += f", pads={each(padding) * 2}, ceil_mode={int(ceil_mode)}"
    if count_include_pad is not None:
        return text + f", count_include_pad={int(count_include_pad)}"
    return text + f", dilations={each(dilation)}"


AVERAGE_POOLS = [
    {"kernel_size": 2},
    {"kernel_size": 3, "stride": 1, "padding": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": (3, 2), "stride": (2, 3), "padding": (1, 0)},
    {"kernel_size": 3, "stride": 2, "ceil_mode": True},
    {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
]


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize("counts", [False, True], ids=["", "pads count"])
@pytest.mark.parametrize("options", AVERAGE_POOLS, ids=str)
def test_average_pool(
    options: dict[str, Any], counts: bool, dynamic: bool, rng: np.random.Generator
) -> None:
    x = rng.normal(size=(2, 3, 8, 8)).astype(np.float32)
    options = options | {"count_include_pad": counts}
    cot, expected = by_torch(lambda t: functional.avg_pool2d(t, **options), x, rng)
    body = f"y = AveragePool<{attributes(2, **options)}>(x)"
    model, name = differentiate(body, shape_text(x, dynamic))
    np.testing.assert_allclose(run(model, name, x, cot), expected, atol=1e-5)


def test_global_max_pool_takes_the_first(rng: np.random.Generator) -> None:
    x = rng.integers(0, 2, (2, 3, 4, 5)).astype(np.float32)
    cot, expected = by_torch(lambda t: functional.adaptive_max_pool2d(t, 1), x, rng)
    model, name = differentiate("y = GlobalMaxPool(x)", "float[N,3,4,5]")
    np.testing.assert_allclose(run(model, name, x, cot), expected, atol=1e-6)


RESIZES = [
    ({"scale_factor": 2, "mode": "nearest"}, 'mode="nearest"', "asymmetric", "floor"),
    ({"size": (9, 5), "mode": "nearest"}, 'mode="nearest"', "asymmetric", "floor"),
    ({"size": (9, 5), "mode": "bilinear"}, 'mode="linear"', "pytorch_half_pixel", "floor"),
    ({"size": (3, 4), "mode": "bilinear"}, 'mode="linear"', "pytorch_half_pixel", "floor"),
    (
        {"size": (9, 5), "mode": "bilinear", "align_corners": True},
        'mode="linear"',
        "align_corners",
        "floor",
    ),
    (
        {"size": (9, 5), "mode": "bicubic"},
        'mode="cubic", cubic_coeff_a=-0.75',
        "pytorch_half_pixel",
        "floor",
    ),
]


@pytest.mark.parametrize("dynamic", [False, True], ids=["static", "dynamic"])
@pytest.mark.parametrize(("options", "mode", "coordinates", "nearest"), RESIZES, ids=str)
def test_resize(
    options: dict[str, Any],
    mode: str,
    coordinates: str,
    nearest: str,
    dynamic: bool,
    rng: np.random.Generator,
) -> None:
    x = rng.normal(size=(2, 3, 6, 7)).astype(np.float32)
    cot, expected = by_torch(lambda t: functional.interpolate(t, **options), x, rng)
    mode += f', coordinate_transformation_mode="{coordinates}", nearest_mode="{nearest}"'
    sizes = np.array([2, 3, *cot.shape[2:]])
    declared = "float[2,3,H,W]" if dynamic else "float[2,3,6,7]"
    model, name = differentiate(f'y = Resize<{mode}>(x, "", "", sizes)', declared, {"sizes": sizes})
    np.testing.assert_allclose(run(model, name, x, cot), expected, atol=1e-5)


CONVOLUTIONS = [
    ((2, 6, 9, 8), (8, 3, 3, 3), {"stride": 2, "padding": 1, "groups": 2}),
    ((2, 6, 9, 8), (6, 1, 5, 5), {"padding": 2, "groups": 6}),
    ((2, 6, 9, 8), (12, 1, 3, 3), {"stride": 2, "padding": 1, "groups": 6}),
    ((2, 6, 9, 8), (4, 6, 3, 3), {"dilation": 2, "padding": 3}),
    ((2, 3, 20), (4, 3, 5), {"stride": 3}),
    ((1, 2, 5, 6, 7), (3, 2, 2, 3, 3), {"stride": (2, 1, 2), "padding": 1}),
]


@pytest.mark.parametrize(("shape", "kernel", "options"), CONVOLUTIONS, ids=str)
def test_convolution(
    shape: tuple[int, ...], kernel: tuple[int, ...], options: dict[str, Any], rng: Any
) -> None:
    rank = len(shape) - 2
    x, w = (rng.normal(size=size).astype(np.float32) for size in (shape, kernel))
    convolve = getattr(functional, f"conv{rank}d")
    cot, expected = by_torch(lambda t: convolve(t, torch.tensor(w), **options), x, rng)

    def each(name: str, default: int) -> list[int]:
        value = options.get(name, default)
        return list(value) if isinstance(value, tuple) else [value] * rank

    text = f"strides={each('stride', 1)}, pads={each('padding', 0) * 2}"
    text += f", dilations={each('dilation', 1)}, group={options.get('groups', 1)}"
    model, name = differentiate(f"y = Conv<{text}>(x, w)", shape_text(x, False), {"w": w})
    np.testing.assert_allclose(run(model, name, x, cot), expected, atol=1e-4)


PORTABLE_BODIES = [
    "y = MaxPool<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]>(x)",
    'y = MaxPool<kernel_shape=[2,2], strides=[2,2], auto_pad="SAME_UPPER">(x)',
    "y = AveragePool<kernel_shape=[3,3], pads=[1,1,1,1]>(x)",
    "y = AveragePool<kernel_shape=[3,3], strides=[2,2], ceil_mode=1>(x)",
    "y = GlobalAveragePool(x)",
    "y = GlobalMaxPool(x)",
    "y = Conv<strides=[2,2], pads=[0,0,1,1]>(x, w)",
    "y = Conv<pads=[1,1,1,1]>(x, w)",
    "y = ConvTranspose<strides=[2,2]>(x, w)",
    'y = Resize<mode="linear">(x, "", scales)',
]


@pytest.mark.parametrize("declared", ["float[2,4,8,6]", "float[N,4,8,6]"], ids=["", "batch"])
@pytest.mark.parametrize("body", PORTABLE_BODIES)
def test_portable_operators_only(body: str, declared: str) -> None:
    scales = np.array([1, 1, 2, 2.5], np.float32)
    w = np.ones((4, 4, 3, 3), np.float32)
    given = {"scales": scales} if "scales" in body else {"w": w} if "w)" in body else {}
    model, _ = differentiate(body, declared, given)
    assert {node.op_type for node in model.graph.node[1:]} <= PORTABLE


@pytest.mark.parametrize("opset", [7, 9])
@pytest.mark.parametrize(
    "body",
    [
        "y = MaxPool<kernel_shape=[3,3], strides=[2,2]>(x)",
        "y = Conv<strides=[2,2]>(x, w)",
    ],
)
def test_dynamic_extents_need_a_newer_opset(body: str, opset: int) -> None:
    given = {"w": np.ones((2, 2, 3, 3), np.float32)} if "w)" in body else {}
    with pytest.raises(ModelError, match=r"opset 1[13]"):
        differentiate(body, "float[N,2,H,W]", given, opset)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('y = Resize<keep_aspect_ratio_policy="not_larger">(x, "", "", sizes)', "aspect"),
        (
            'y = Resize<coordinate_transformation_mode="tf_crop_and_resize">(x, roi, scales)',
            "scales a region",
        ),
    ],
)
def test_what_is_refused(body: str, reason: str) -> None:
    given = {
        "roi": np.array([0, 0, 0, 0, 1, 1, 1, 1], np.float32),
        "scales": np.array([1, 1, 2, 2], np.float32),
        "sizes": np.array([1, 2, 7, 9]),
    }
    with pytest.raises(UnsupportedOpError, match=reason):
        differentiate(body, "float[1,2,4,4]", given, 18)
