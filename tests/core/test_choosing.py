"""What `auto` and `best` turn out to be, and that they then are that method and say why."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from backends.onnx import OnnxBackend
from cam_core import explain
from cam_core.cli.group import gradcam
from cam_core.demo import MODEL
from cam_core.errors import InputError, UnsupportedOpError
from tests.core.methods.forward_net import net, pictures
from tests.heads_net import HEADS
from tests.heads_net import backend as headed

pytest.importorskip("onnxruntime")
Array = np.ndarray


@pytest.fixture(scope="module")
def backend() -> OnnxBackend:
    return OnnxBackend(MODEL.read_bytes())


@pytest.fixture
def x(rng: np.random.Generator) -> Array:
    return rng.random((2, 3, 128, 128), dtype=np.float32)


@pytest.mark.usefixtures("no_norm_pools")
def test_auto_goes_without_gradients_where_there_are_none() -> None:
    plain, refused = (OnnxBackend(net(pool)) for pool in ("GlobalAveragePool", "GlobalLpPool"))
    found, usual = explain(plain, pictures(), 1, "auto"), explain(plain, pictures(), 1)
    assert found.method == usual.method == "gradcam"
    np.testing.assert_array_equal(found.signed, usual.signed)
    assert found.diagnosis == usual.diagnosis
    with pytest.raises(UnsupportedOpError):
        explain(refused, pictures(), 1)
    found, other = (explain(refused, pictures(), 1, m) for m in ("auto", "reciprocam"))
    assert found.method == "reciprocam"
    np.testing.assert_array_equal(found.signed, other.signed)
    assert all(
        said.startswith("reciprocam in place of gradcam: no VJP rule for GlobalLpPool")
        for said in found.diagnosis
    )


def test_auto_asks_a_named_layer_and_takes_the_options_of_the_usual(backend: OnnxBackend) -> None:
    x = np.zeros((1, 3, 128, 128), np.float32)
    assert explain(backend, x, 1, "auto", layer="relu_1").layer == "relu_1"
    with pytest.raises(InputError, match="'gradcam' has no option 'epsilon'; it takes none"):
        explain(backend, x, 1, "auto", epsilon=1)


def test_best_of_a_mean_is_hirescam_and_says_that_it_is_a_tie(
    backend: OnnxBackend, x: Array
) -> None:
    found, own = (explain(backend, x, 1, method) for method in ("best", "hirescam"))
    np.testing.assert_array_equal(found.signed, own.signed)
    assert found.method == "hirescam"
    assert found.chosen == found[0].facts()["chosen"]
    assert found.chosen.startswith("the head takes a mean of the layer: a tie")
    assert "chosen" not in own[0].facts()


TAKEN = {"mean": "hirescam", "maximum": "eigengradcam", "flattened": "eigengradcam", "": "hirescam"}


@pytest.mark.parametrize("name", HEADS)
def test_best_follows_how_the_head_reads_the_layer(name: str, rng: np.random.Generator) -> None:
    head, reads, width = HEADS[name]
    model, image = headed(head, width), rng.normal(size=(2, 3, 6, 6)).astype(np.float32)
    found = explain(model, image, 1, "best", layer="a")
    assert found.method == TAKEN[reads]
    own = explain(model, image, 1, TAKEN[reads], layer="a")
    np.testing.assert_array_equal(found.signed, own.signed)
    assert explain(model, image, 1, "best", layer="a", smooth="eigen").method == TAKEN[reads]


def test_best_of_windows_is_another_method(tmp_path: Path, rng: np.random.Generator) -> None:
    torch = pytest.importorskip("torch")
    nets = pytest.importorskip("benchmarks.ranking.nets")
    training = pytest.importorskip("examples.training")
    one, free = torch.rand(1, 3, nets.SIDE, nets.SIDE), {0: "rows"}
    swin = nets.Transformer(4, windows=True)
    named = {"image": free, "y": free}
    training.export(swin, {"image": one}, named, "y", tmp_path / "net.onnx", {})
    found = explain(OnnxBackend(tmp_path / "net.onnx"), one.numpy(), 1, "best")
    assert (found.method, "within windows" in found.chosen) == ("gradcam++", True)


def test_why_is_printed_and_recorded(tmp_path: Path) -> None:
    scene = MODEL.parent / "scenes" / "scene-1.png"
    call = ["explain", str(MODEL), str(scene), "--target", "3", "--method", "best"]
    done = CliRunner().invoke(gradcam, [*call, "-o", str(tmp_path)])
    assert done.exit_code == 0, done.output
    why = "the head takes a mean of the layer: a tie for first by energy in box"
    assert f"hirescam (best, as {why}" in " ".join(done.stdout.split())
    (record,) = tmp_path.glob("*.json")
    said = json.loads(record.read_text())
    assert (said["method"], said["chosen"][: len(why)]) == ("hirescam", why)


def attending(depth: int) -> tuple[OnnxBackend, Array]:
    """A transformer of so many blocks, in a file, and two pictures."""
    pytest.importorskip("torch")
    from tests import attentive

    file = attentive.exported(attentive.made(depth=depth), "torchscript", 17)
    return OnnxBackend(file), attentive.pictures().numpy()


def test_best_of_a_transformer_follows_its_attention() -> None:
    """At a layer that is named, or with weights to smooth, it is hirescam all the same."""
    backend, x = attending(2)
    found, own = (explain(backend, x, 1, method) for method in ("best", "gradrollout"))
    np.testing.assert_array_equal(found.signed, own.signed)
    assert found.method == "gradrollout"
    others = [layer.name for layer in backend.layers() if layer.name != backend.default_layer]
    assert others
    for name in others:
        assert explain(backend, x, 1, "best", layer=name).method == "hirescam"
    assert explain(backend, x, 1, "best", smooth="eigen").method == "hirescam"


def test_one_block_of_attention_makes_no_transformer() -> None:
    """Many networks pool by one."""
    backend, x = attending(1)
    assert explain(backend, x, 1, "gradrollout").method == "gradrollout"
    assert explain(backend, x, 1, "best").method == "hirescam"
