"""Regions and places in the file and through the backend, against torch's own derivative."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from backends.onnx import OnnxBackend, instrument
from cam_core import explain
from cam_core.errors import TargetError

ort = pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch", reason="torch differentiates it")

RNG = np.random.default_rng(7)
K, V = (RNG.normal(size=s).astype(np.float32) for s in ((6, 3, 3, 3), (4, 6, 1, 1)))
X = RNG.normal(size=(2, 3, 8, 12)).astype(np.float32)
TAILS = {"NCHW": "y = Identity(z)", "NHWC": "y = Transpose<perm = [0, 2, 3, 1]>(z)"}
QUESTIONS: dict[str, Any] = {  # (maps of class scores [4, 8, 12] of one row) -> Y
    "region:2": lambda z: z[2][z.argmax(0) == 2].mean(),
    "3@7,2": lambda z: z[3, 2, 7],
    "3@2,1,7,6": lambda z: z[3, 1:6, 2:7].mean(),
    "mask:@3": lambda z: z[3, 4:, :3].mean(),
}


def network(layout: str, opset: int = 17, rows: str = "N") -> onnx.ModelProto:
    shape = {"NCHW": "4, 8, 12", "NHWC": "8, 12, 4"}[layout]
    model = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : {opset}]> net (float[{rows}, 3, 8, 12] x) => '
        f"(float[{rows}, {shape}] y) {{ c = Conv<pads = [1, 1, 1, 1]>(x, k) a = Relu(c) "
        f"z = Conv(a, v) {TAILS[layout]} }}"
    )
    for name, weight in (("k", K), ("v", V)):
        model.graph.initializer.append(numpy_helper.from_array(weight, name))
    return model


def expected(text: str) -> tuple[Any, Any]:
    """Y [N] and sum_k G^k A^k [N, 8, 12] by torch."""
    A = torch.relu(torch.conv2d(torch.tensor(X), torch.tensor(K), padding=1)).detach()
    A.requires_grad_()
    Y = torch.stack([QUESTIONS[text](z) for z in torch.conv2d(A, torch.tensor(V))])
    Y.sum().backward()
    return Y.detach().numpy(), (A.grad * A).sum(1).detach().numpy()


@pytest.fixture
def mask(tmp_path: Any) -> str:
    chosen = np.zeros((8, 12), bool)
    chosen[4:, :3] = True
    np.save(tmp_path / "mask.npy", chosen)
    return str(tmp_path / "mask.npy")


@pytest.mark.parametrize("opset", [9, 17])
@pytest.mark.parametrize("layout", TAILS)
@pytest.mark.parametrize("text", QUESTIONS)
def test_explained_and_in_the_file_it_is_torchs(
    text: str, layout: str, opset: int, mask: str
) -> None:
    score, signed = expected(text)
    asked = text.replace("mask:", f"mask:{mask}")
    model = network(layout, opset)
    found = explain(OnnxBackend(model), X, asked)
    assert (found.method, found.layer) == ("hirescam", "a")
    np.testing.assert_allclose(found.score, score, rtol=1e-5)
    np.testing.assert_allclose(found.signed, signed, rtol=1e-4, atol=1e-6)
    made = instrument(model, target=asked, outputs=["signed", "score"])
    session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    cam, own = session.run(["cam_signed", "cam_score"], {"x": X})
    np.testing.assert_allclose(own, score, rtol=1e-5)
    np.testing.assert_allclose(cam, signed, rtol=1e-4, atol=1e-6)


def test_the_default_is_the_largest_region_but_class_0() -> None:
    found = explain(OnnxBackend(network("NHWC")), X)
    assert found.classes is not None
    z = torch.conv2d(
        torch.relu(torch.conv2d(torch.tensor(X), torch.tensor(K), padding=1)), torch.tensor(V)
    )
    for n, c in enumerate(found.classes):
        counts = np.bincount(z[n].argmax(0).reshape(-1), minlength=4)
        assert c == 1 + counts[1:].argmax()
        assert found.detail[n]["region"]["places"] == counts[c]


def test_what_a_file_cannot_know_is_refused() -> None:
    with pytest.raises(TargetError, match=r"target 'region' depends on what .*region:12"):
        instrument(network("NCHW"), target="region")
    model = network("NCHW")
    for value in (*model.graph.input, *model.graph.output):
        dims = value.type.tensor_type.shape.dim
        dims[-1].dim_param = "W"
    with pytest.raises(TargetError, match="a place where all sizes are fixed"):
        instrument(model, target="3@1,1")
    instrument(model, target="region:3")
