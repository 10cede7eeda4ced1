"""Attention that a file holds fused: written out in a copy, the same function, the same maps."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest

ort = pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
optimizer = pytest.importorskip("onnxruntime.transformers.optimizer")
from onnxruntime.transformers.fusion_options import FusionOptions  # noqa: E402

from backends.onnx import OnnxBackend, instrument  # noqa: E402
from backends.onnx.rules.microsoft.attention_in_full import attention_in_full  # noqa: E402
from cam_core import explain  # noqa: E402
from cam_core.errors import InputError  # noqa: E402
from tests.attentive import exported, made, pictures  # noqa: E402
from tests.models import networks_bert  # noqa: E402
from tests.models.networks import randomise  # noqa: E402

FUSED = {"Attention", "MultiHeadAttention", "FusedMatMul"}
IMAGE = np.random.default_rng(7).normal(size=(2, 3, 32, 32)).astype(np.float32)
METHODS = ("rollout", "gradrollout", "legrad", "legrad-final", "gradeclip")


def opset_23() -> onnx.ModelProto:
    """torch writes the operator of ai.onnx for its own fused function."""
    return onnx.load_from_string(exported(made("class", "sdpa"), "dynamo", 23))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ViT as transformers writes it, which the tool for transformers knows."""
    path = tmp_path_factory.mktemp("vit") / "vit.onnx"
    x = torch.from_numpy(IMAGE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter announces its end
        net = randomise(networks_bert.ViT(), 3)
        names = {"input_names": ["x"], "opset_version": 17}
        torch.onnx.export(net, (x,), str(path), dynamo=False, **names)
    return path


def tool(path: Path, *, apart: bool) -> onnx.ModelProto:
    """What `python -m onnxruntime.transformers.optimizer` makes of a file; `apart`: Q, K and V."""
    options = FusionOptions("vit")
    options.use_multi_head_attention = apart
    found = optimizer.optimize_model(
        str(path), "vit", 2, networks_bert.WIDTH, opt_level=0, optimization_options=options
    )
    found.save_model_to_file(str(path.with_name("tool.onnx")))
    return onnx.load(path.with_name("tool.onnx"))


def rows(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(
        None, {"x": x}
    )[0]


def whole(model: onnx.ModelProto, x: np.ndarray) -> OnnxBackend:
    """A backend, if the copy with attention in full computes the same."""
    backend = OnnxBackend(model)
    copy = attention_in_full(backend.analysis.graph)
    assert copy is not None
    assert not FUSED & {node.op_type for node in copy.graph.node}
    onnx.checker.check_model(copy)
    np.testing.assert_allclose(rows(copy, x), rows(model, x), rtol=1e-4, atol=1e-5)
    return backend


def alike(one: OnnxBackend, other: OnnxBackend, x: np.ndarray, methods: Sequence[str]) -> None:
    for name in methods:
        found, expected = (explain(backend, x, 3, name).map for backend in (one, other))
        assert expected.max() > 0
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * expected.max())


def written(model: onnx.ModelProto, x: np.ndarray, methods: Sequence[str]) -> None:
    """The file of each method: the fused operators in it as they were, beside them ONNX's own."""
    backend = OnnxBackend(model)
    for name in methods:
        made = instrument(model, method=name, target="3")
        own = len(model.graph.node)
        assert list(made.graph.node)[:own] == list(model.graph.node)
        assert not {node.domain for node in made.graph.node[own:]} - {""}
        session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
        expected = explain(backend, x, 3, name).map
        (found,) = session.run(["cam_map"], {"x": x})
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * expected.max())


def test_opset_23() -> None:
    model = onnx.load_from_string(exported(made("class", "sdpa"), "dynamo", 23))
    assert "Attention" in {node.op_type for node in model.graph.node}
    other = OnnxBackend(exported(made("class", "after"), "torchscript", 17))
    x = pictures().numpy()
    alike(whole(model, x), other, x, METHODS)


@pytest.mark.parametrize("apart", [False, True], ids=["Attention", "MultiHeadAttention"])
def test_fused_for_transformers(plain: Path, apart: bool) -> None:
    model = tool(plain, apart=apart)
    assert ("MultiHeadAttention" if apart else "Attention") in {n.op_type for n in model.graph.node}
    backend = whole(model, IMAGE)
    alike(backend, OnnxBackend(plain), IMAGE, ("rollout", "gradrollout", "legrad-final"))
    written(model, IMAGE, ("rollout", "gradrollout", "legrad-final", "gradeclip"))
    with pytest.raises(InputError, match="legrad-final needs none"):  # the sums are fused as well
        explain(backend, IMAGE, 3, "legrad")


def test_no_attention_is_no_copy() -> None:
    backend = OnnxBackend(exported(made("class", "after"), "torchscript", 17))
    assert attention_in_full(backend.analysis.graph) is None
