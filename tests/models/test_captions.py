"""A picture against several captions, in the outputs and names that CLIP's exports have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from click.testing import CliRunner
from onnx import numpy_helper
from PIL import Image

from cam_core import explain, explain_all
from cam_core.cli.group import gradcam
from cam_core.errors import TargetError
from cam_core.targets import SimilarTarget

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from backends.onnx import OnnxBackend  # noqa: E402
from tests.asked import require_all  # noqa: E402

IMAGE = """a = Conv<strides = [8, 8]>(pixel_values, w) t = Tanh(a)
    g = GlobalAveragePool(t) f = Flatten(g) e = Gemm<transB = 1>(f, v)
    en = ReduceL2<axes = [1], keepdims = 1>(e) image_embeds = Div(e, en)"""
CLIP = f"""<ir_version: 8, opset_import: ["" : 17]>
clip (int64[M, 5] input_ids, float[N, 3, 32, 32] pixel_values)
  => (float[N, M] logits_per_image, float[M, N] logits_per_text, float[M, 4] text_embeds,
      float[N, 4] image_embeds) {{
    words = Gather<axis = 0>(table, input_ids)
    mean = ReduceMean<axes = [1], keepdims = 0>(words)
    tn = ReduceL2<axes = [1], keepdims = 1>(mean) text_embeds = Div(mean, tn)
    {IMAGE}
    across = Transpose<perm = [1, 0]>(image_embeds)
    cosines = MatMul(text_embeds, across)
    logits_per_text = Mul(cosines, scale)
    logits_per_image = Transpose<perm = [1, 0]>(logits_per_text)
}}"""
TOWER = f"""<ir_version: 8, opset_import: ["" : 17]>
tower (float[N, 3, 32, 32] pixel_values) => (float[N, 4] image_embeds) {{ {IMAGE} }}"""
IDS = np.random.default_rng(1).integers(0, 9, (3, 5))
SHAPES = {"w": (6, 3, 8, 8), "v": (4, 6), "table": (9, 4)}


def weights() -> dict[str, Any]:
    rng = np.random.default_rng(2)
    found = {n: rng.normal(scale=0.2, size=s).astype(np.float32) for n, s in SHAPES.items()}
    return found | {"scale": np.array(10, np.float32)}


def written(text: str) -> onnx.ModelProto:
    model = onnx.parser.parse_model(text)
    used = {name for node in model.graph.node for name in node.input}
    given = [numpy_helper.from_array(v, n) for n, v in weights().items() if n in used]
    model.graph.initializer.extend(given)
    return model


@pytest.fixture
def x(rng: np.random.Generator) -> Any:
    return rng.normal(size=(2, 3, 32, 32)).astype(np.float32)


def by_torch(x: Any) -> tuple[Any, Any, Any]:
    """A, the similarities [N, M], and the captions' vectors."""
    w = {n: torch.from_numpy(v) for n, v in weights().items()}
    A = torch.tanh(torch.nn.functional.conv2d(torch.from_numpy(x), w["w"], stride=8))
    A = A.detach().requires_grad_()
    image = torch.nn.functional.normalize(A.mean((2, 3)) @ w["v"].T)
    text = torch.nn.functional.normalize(w["table"][torch.from_numpy(IDS)].mean(1))
    return A, 10 * image @ text.T, text


def test_each_caption_has_its_gradient(x: Any) -> None:
    backend = OnnxBackend(written(CLIP))
    assert backend.heads()[0].kind == "similarity"
    feed = {"input_ids": IDS, "pixel_values": x}
    found = explain_all(backend, feed, ["caption:all", "caption:1"], ["hirescam"])
    assert [one.target for one in found] == ["caption:0", "caption:1", "caption:2", "caption:1"]
    A, y, _ = by_torch(x)
    for i, one in enumerate(found[:3]):
        (G,) = torch.autograd.grad(y[:, i].sum(), A, retain_graph=True)
        np.testing.assert_allclose(one.score, y[:, i].detach(), rtol=1e-4, atol=1e-5)
        expected = (A * G).sum(1).detach()
        np.testing.assert_allclose(one.signed, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(found[3].map, found[1].map)


def test_what_is_listed_can_be_asked(x: Any) -> None:
    listed = require_all(OnnxBackend(written(CLIP)), {"input_ids": IDS, "pixel_values": x[:1]})
    assert {"caption:0", "prob:0"} <= listed
    assert {"norm", "like:other.jpg"} <= require_all(OnnxBackend(written(TOWER)), x[:1])


def test_a_caption_against_an_empty_one_is_the_difference(x: Any) -> None:
    backend = OnnxBackend(written(CLIP))
    feed = {"input_ids": IDS, "pixel_values": x}
    (one,) = explain_all(backend, feed, ["caption:2-0"], ["hirescam"])
    A, y, _ = by_torch(x)
    Y = y[:, 2] - y[:, 0]
    (G,) = torch.autograd.grad(Y.sum(), A)
    np.testing.assert_allclose(one.score, Y.detach(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(one.signed, (A * G).sum(1).detach(), rtol=1e-4, atol=1e-5)
    assert one.target == "caption:2-0"
    with pytest.raises(TargetError, match="caption:1-1: a class cannot be contrasted"):
        explain_all(backend, feed, ["caption:1-1"])


def test_one_tower_with_a_kept_text_is_the_whole_model(x: Any) -> None:
    _, y, text = by_torch(x)
    target = SimilarTarget(text[2].numpy(), "like:text.npy")
    tower = explain(OnnxBackend(written(TOWER)), x, target, "hirescam", layer="t")
    whole = explain(
        OnnxBackend(written(CLIP)),
        {"input_ids": IDS, "pixel_values": x},
        "caption:2",
        "hirescam",
        layer="t",
    )
    np.testing.assert_allclose(10 * tower.signed, whole.signed, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(10 * tower.score, y[:, 2].detach(), rtol=1e-4, atol=1e-5)


def test_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    pixels = np.random.default_rng(3).integers(0, 256, (32, 32, 3), np.uint8)
    Image.fromarray(pixels).save("photo.png")
    onnx.save(written(CLIP), "clip.onnx")
    np.save("ids.npy", IDS)
    given = ["clip.onnx", "photo.png", "--input", "input_ids=ids.npy", "--preprocess", "unit"]
    Path("captions.txt").write_text("a red cat\na dog\ntwo boats\n")
    given += ["--labels", "captions.txt", "--json"]
    _, y, _ = by_torch(pixels.astype(np.float32).transpose(2, 0, 1)[None] / 255)
    p = torch.softmax(y[0], 0).detach().numpy()
    listed = CliRunner().invoke(gradcam, ["targets", *given])
    assert listed.exit_code == 0, listed.output
    answers = json.loads(listed.stdout)["answers"]
    assert [a["label"] for a in answers] == ["a red cat", "a dog", "two boats"]
    np.testing.assert_allclose([a["score"] for a in answers], y[0].detach(), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose([a["probability"] for a in answers], p, rtol=1e-3)
    done = CliRunner().invoke(gradcam, ["explain", *given, "--target", "caption:all", "-o", "out"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["explanations"]
    assert [one["target"] for one in found] == ["caption:0", "caption:1", "caption:2"]
    np.testing.assert_allclose([one["probability"] for one in found], p, rtol=1e-3)
    assert len(list(Path("out").glob("*.png"))) == 3
