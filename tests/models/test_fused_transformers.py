"""Transformers with their attention fused, by onnxruntime and by its tool for transformers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend, instrument
from backends.onnx.finding.analysis import analyse
from cam_core.targets import ClassTarget

ort = pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
optimizer = pytest.importorskip("onnxruntime.transformers.optimizer")
from onnxruntime.transformers.fusion_options import FusionOptions  # noqa: E402

from tests.differences import assert_near  # noqa: E402
from tests.models import networks_bert, optimised  # noqa: E402
from tests.models.networks import randomise  # noqa: E402

TEXT = {
    "ids": np.random.default_rng(2).integers(0, 50, (2, 9)),
    "attended": np.array([[1] * 6 + [0] * 3, [1] * 9]),
    "segments": np.array([[0] * 5 + [1] * 4] * 2),
}
IMAGE = {"x": np.random.default_rng(7).normal(size=(2, 3, 32, 32)).astype(np.float32)}


def basic(path: Path) -> onnx.ModelProto:
    return optimised.save(path, path.with_name("basic.onnx"), optimised.LEVELS.ORT_ENABLE_BASIC)


def extended(path: Path) -> onnx.ModelProto:
    return optimised.save(path, path.with_name("extended.onnx"))


def tool(path: Path) -> onnx.ModelProto:
    """What `python -m onnxruntime.transformers.optimizer` makes of it."""
    kind = "vit" if "vit" in path.name else "bert"
    made = optimizer.optimize_model(
        str(path),
        kind,
        2,
        networks_bert.WIDTH,
        opt_level=0,
        optimization_options=FusionOptions(kind),
    )
    made.save_model_to_file(str(path.with_name("tool.onnx")))
    return onnx.load(path.with_name("tool.onnx"))


def export(folder: Path, name: str, feed: dict[str, Any], opset: int) -> tuple[Any, Path]:
    """Static shapes: so MatMul and Add become a Gemm between two Reshapes."""
    net = randomise(networks_bert.ViT() if name == "vit" else networks_bert.Bert(), 3)
    path = folder / f"{name}.onnx"
    inputs = tuple(torch.from_numpy(value) for value in feed.values())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter announces its end
        torch.onnx.export(
            net, inputs, str(path), opset_version=opset, dynamo=False, input_names=list(feed)
        )
    return net, path


@pytest.fixture(scope="module", params=(14, 17))
def vit(request: Any, tmp_path_factory: Any) -> tuple[Any, Path]:
    return export(tmp_path_factory.mktemp("vit"), "vit", IMAGE, request.param)


@pytest.fixture(scope="module", params=(11, 17))
def bert(request: Any, tmp_path_factory: Any) -> tuple[Any, Path]:
    return export(tmp_path_factory.mktemp("bert"), "bert", TEXT, request.param)


FORMS: dict[Callable[[Path], onnx.ModelProto], set[str]] = {
    basic: set(),
    extended: {"FusedMatMul", "SkipLayerNormalization"},
    tool: {"Attention", "SkipLayerNormalization", "BiasGelu"},
}
"""How a transformer is optimised -> what is surely fused."""
name_of = lambda form: form.__name__  # noqa: E731


@pytest.mark.parametrize("form", FORMS, ids=name_of)
def test_a_vit_explains_as_autograd_does(vit: tuple[Any, Path], form: Any) -> None:
    net, path = vit
    model = form(path)
    assert FORMS[form] <= set(optimised.fused(model))
    assert analyse(model).choices[0].name == analyse(path).choices[0].name
    found = optimised.gradients(model, IMAGE["x"])
    for got, expected in zip(found, optimised.gradients(path, IMAGE["x"]), strict=True):
        assert_near(got, expected)
    x = torch.from_numpy(IMAGE["x"]).requires_grad_()
    y = net(x)
    y[0, optimised.CLASSES[0]].backward(retain_graph=True)
    y[1, optimised.CLASSES[1]].backward()
    assert_near(found[1], x.grad.numpy())
    assert optimised.fused(instrument(model, verify=True)) == optimised.fused(model)


@pytest.mark.parametrize("form", [extended, tool], ids=name_of)
def test_a_bert_explains_under_its_mask(bert: tuple[Any, Path], form: Any) -> None:
    net, path = bert
    model = form(path)
    assert FORMS[form] <= set(optimised.fused(model))
    tensors = {name for node in onnx.load(path).graph.node for name in node.output}
    layer = next(
        name
        for node in model.graph.node
        for name in node.output
        if name in tensors
        and "block1/norm2" in name
        and name.endswith(("Add_1_output_0", "n_output_0"))
    )
    kinds = {i.name: i.type.tensor_type.elem_type for i in model.graph.input}
    feed = {
        name: value.astype(onnx.helper.tensor_dtype_to_np_dtype(kinds[name]))
        for name, value in TEXT.items()
    }
    (seen,) = OnnxBackend(model, layer=layer).capture(feed, ClassTarget([1, 3]))
    inside: list[Any] = []
    hook = net.block1.norm2.register_forward_hook(lambda *at: inside.append(at[2]))
    y = net(*(torch.from_numpy(value) for value in TEXT.values()))
    hook.remove()
    (expected,) = torch.autograd.grad(y[0, 1] + y[1, 3], inside[0])
    assert_near(seen.activations.swapaxes(1, 2), inside[0].detach().numpy())
    assert_near(seen.gradients.swapaxes(1, 2), expected.numpy())
