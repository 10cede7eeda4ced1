"""Exports keep the module as it was, and say where they go wrong."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import onnx
import pytest

from cam_core.errors import InputError, MissingExtraError, ModelError
from converters.torch import to_onnx
from tests.converting.modules import EXPORTERS, Small
from tests.paths import ROOT
from tests.sessions import run

torch = pytest.importorskip("torch")
nn = torch.nn


class Several(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(5, 4)

    def forward(self, left: Any, right: Any) -> dict[str, Any]:
        y = self.mix(torch.cat([left, right], 1))
        return {"logits": y, "chance": y.softmax(1)}


class Branching(Small):
    """torch.export cannot follow a branch on a value."""

    def forward(self, image: Any) -> Any:
        return super().forward(image if image.sum() > 0 else -image)


class Attended(nn.MultiheadAttention):
    def forward(self, tokens: Any) -> Any:
        return super().forward(tokens, tokens, tokens)[0]


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_the_file_computes_what_the_module_does(exporter, tmp_path, image, capfd):
    net = Small().eval()
    path, _ = to_onnx(net, image, tmp_path / "net.onnx", exporter=exporter)
    assert [part.name for part in tmp_path.iterdir()] == ["net.onnx"]
    assert capfd.readouterr() == ("", "")
    x = np.random.default_rng(0).normal(size=(5, 1, 9, 8)).astype(np.float32)
    got = run(path, {"image": x})
    expected = net(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(got["output"], expected, rtol=1e-5, atol=1e-6)
    model = onnx.load(str(path))
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert model.ir_version <= 13


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_the_module_is_as_it_was(exporter, tmp_path, image):
    net = Small().train()
    net.body.eval()
    net.head.weight.requires_grad_(False)
    net.body.bias.grad = torch.ones(4)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    to_onnx(net, image, tmp_path / "net.onnx", exporter=exporter)
    assert [net.training, net.stem.training, net.body.training] == [True, True, False]
    assert not net.head.weight.requires_grad
    assert net.body.weight.requires_grad
    assert [name for name, p in net.named_parameters() if p.grad is not None] == ["body.bias"]
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert not any(part._forward_hooks for part in net.modules())


def test_a_fixed_batch_stays_fixed(tmp_path, image):
    path, _ = to_onnx(Small(), image, tmp_path / "net.onnx", dynamic_batch=False)
    assert onnx.load(str(path)).graph.input[0].type.tensor_type.shape.dim[0].dim_value == 1


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_several_inputs_and_outputs_keep_their_names(exporter, tmp_path):
    example = {"left": np.ones((1, 2), np.float32), "right": np.ones((1, 3), np.float32)}
    net = Several().eval()
    path, _ = to_onnx(net, example, tmp_path / "net.onnx", exporter=exporter)
    rng = np.random.default_rng(2)
    feed = {k: rng.normal(size=(4, x.shape[1])).astype(np.float32) for k, x in example.items()}
    got = run(path, feed)
    expected = net(**{name: torch.from_numpy(x) for name, x in feed.items()})
    assert list(got) == ["logits", "chance"]
    for name, y in got.items():
        np.testing.assert_allclose(y, expected[name].detach().numpy(), rtol=1e-5, atol=1e-6)


def test_names_may_be_given(tmp_path, image):
    path, _ = to_onnx(
        Small(), (image,), tmp_path / "n.onnx", input_names=["pixels"], output_names=["scores"]
    )
    graph = onnx.load(str(path)).graph
    assert [graph.input[0].name, graph.output[0].name] == ["pixels", "scores"]


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"opset": 27}, InputError, "at most 26"),
        ({"exporter": "tf"}, InputError, "'dynamo' or 'torchscript'"),
    ],
)
def test_impossible_options(options, error, match, tmp_path, image):
    with pytest.raises(error, match=match):
        to_onnx(Small(), image, tmp_path / "net.onnx", **options)


def test_a_failed_export_is_one_line(tmp_path, image):
    with pytest.raises(ModelError) as caught:
        to_onnx(Branching(), image, tmp_path / "net.onnx", exporter="dynamo")
    assert "the dynamo exporter failed" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("package", ["torch", "onnxscript", "onnxruntime"])
def test_a_missing_package_names_its_extra(package, monkeypatch, tmp_path, image):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else found(name)
    )
    with pytest.raises(MissingExtraError, match=rf"{package} is not installed.*cam-core\["):
        to_onnx(Small(), image, tmp_path / "net.onnx")


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_torchs_fused_attention_is_exported_in_parts(exporter, tmp_path):
    torch.backends.mha.set_fastpath_enabled(True)  # as torch has it, whatever ran before
    torch.manual_seed(0)
    net = Attended(8, 2, batch_first=True).requires_grad_(False)
    x = np.random.default_rng(3).normal(size=(2, 5, 8)).astype(np.float32)
    path, _ = to_onnx(net, {"tokens": x}, tmp_path / "net.onnx", exporter=exporter)
    got = run(path, {"tokens": x})["output"]
    np.testing.assert_allclose(got, net.eval()(torch.from_numpy(x)), rtol=1e-4, atol=1e-5)
    assert torch.backends.mha.get_fastpath_enabled()


def test_no_file_of_this_machine_is_named(tmp_path):
    """The dynamo exporter writes stack traces into every node."""
    path, _ = to_onnx(torch.nn.Conv2d(1, 2, 3), torch.rand(1, 1, 5, 5), tmp_path / "net.onnx")
    assert str(ROOT).encode() not in path.read_bytes()
    assert b"stack_trace" not in path.read_bytes()


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_weights_beyond_a_message_lie_beside_the_file(exporter, tmp_path, image, monkeypatch):
    monkeypatch.setattr("converters.torch.SINGLE_FILE", 2_000)
    monkeypatch.setattr(onnx.ModelProto, "ByteSize", None)  # it fails for what is that large
    net = nn.Sequential(Small(), nn.Linear(3, 5000))
    path, _ = to_onnx(net, image, tmp_path / "net.onnx", exporter=exporter)
    assert sorted(part.name for part in tmp_path.iterdir()) == ["net.onnx", "net.onnx.data"]
    assert path.stat().st_size < (tmp_path / "net.onnx.data").stat().st_size
    expected = net.eval()(torch.as_tensor(image)).detach()
    got = run(path, {"input": image.numpy()})["output"]
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-6)
