"""Maps of attention that the file makes itself, against `explain` on the source."""

from __future__ import annotations

import io
import warnings

import numpy as np
import onnx
import onnxruntime as ort
import pytest

pytest.importorskip("torch")
import torch
from torch import nn

from backends.onnx import OnnxBackend, instrument, strip
from cam_core import explain
from cam_core.errors import CamError
from tests.attentive import HEADS, WIDTH, TinyViT, exported, made, pictures
from tests.models.networks import randomise

Array = np.ndarray
WRITTEN = ("gradeclip", "gradrollout", "legrad", "legrad-final", "rollout")


def run(model: bytes, x: Array, *names: str, **options: object) -> tuple[list[Array], list[str]]:
    made = instrument(model, **options)  # type: ignore[arg-type]
    session = ort.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(list(names), {"x": x}), [i.name for i in session.get_inputs()]


@pytest.fixture(scope="module", params=["class", "last", "merged"])
def model(request: pytest.FixtureRequest) -> bytes:
    if request.param == "merged":
        return exported(made("class", "merged"), "torchscript", 13)
    return exported(made(request.param, "after"), "torchscript", 17)


@pytest.mark.parametrize("method", WRITTEN)
def test_the_file_makes_the_map_that_explain_makes(model: bytes, method: str) -> None:
    x = pictures(3).numpy()
    (lit, heat), fed = run(
        model, x, "cam_map", "cam_heatmap",
        method=method, target="3", outputs=("map", "heatmap"), static={"x": (3, 3, 8, 12)},
    )  # fmt: skip
    expected = explain(OnnxBackend(model), x, 3, method)
    np.testing.assert_allclose(lit, expected.map, rtol=1e-5, atol=1e-5 * expected.map.max())
    np.testing.assert_allclose(heat, expected.heatmap((8, 12)), atol=1e-4)
    assert fed == ["x"]


@pytest.mark.parametrize("method", WRITTEN)
def test_any_number_of_rows(model: bytes, method: str) -> None:
    for rows in (1, 4):
        x = pictures(rows).numpy()
        (lit,), _ = run(model, x, "cam_map", method=method, target="3")
        expected = explain(OnnxBackend(model), x, 3, method).map
        np.testing.assert_allclose(lit, expected, rtol=1e-5, atol=1e-5 * expected.max())


@pytest.mark.parametrize("head", ["mean", "patches"])
def test_a_mean_over_tokens(head: str) -> None:
    model, x = exported(made(head, "after"), "torchscript", 17), pictures().numpy()
    for method in WRITTEN:
        (lit,), _ = run(model, x, "cam_map", method=method, target="3")
        expected = explain(OnnxBackend(model), x, 3, method).map
        np.testing.assert_allclose(lit, expected, rtol=1e-5, atol=1e-5 * expected.max())


class Multihead(nn.MultiheadAttention):
    """Its exported file merges tokens and rows, so that no structure tells what the head reads."""

    def forward(self, x, *_):
        return super().forward(x, x, x, need_weights=False)[0]


def test_what_only_the_gradient_tells() -> None:
    net = TinyViT("class")
    for block in net.blocks:
        block.attn = Multihead(WIDTH, HEADS, batch_first=True)
    model, x = exported(randomise(net, 0), "torchscript", 17), pictures().numpy()
    (lit,), _ = run(model, x, "cam_map", method="gradrollout", target="3")
    expected = explain(OnnxBackend(model), x, 3, "gradrollout").map
    np.testing.assert_allclose(lit, expected, rtol=1e-5, atol=1e-5 * expected.max())
    (lit,), fed = run(model, x, "cam_map", method="rollout")
    expected = explain(OnnxBackend(model), x, 3, "rollout").map
    np.testing.assert_allclose(lit, expected, rtol=1e-5, atol=1e-5 * expected.max())
    assert fed == ["x"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "legrad", "target": "finer:3"}, "only targets that are sums of logits"),
        ({"method": "gradeclip", "options": {"one_head": True}}, "runs the model again"),
        ({"method": "rollout", "options": {"discard": 0.1}}, "no file does"),
        ({"method": "rollout", "options": {"block": 1}}, "takes heads=mean, discard=0"),
        ({"method": "gradrollout", "options": {"heads": "max"}}, "it takes none"),
        ({"method": "rollout", "outputs": ("map", "alpha")}, "gives a map and no weights"),
    ],
    ids=str,
)
def test_what_a_file_cannot_hold(model: bytes, options: dict, words: str) -> None:
    with pytest.raises(CamError, match=words):
        instrument(model, **{"target": "3"} | options)


@pytest.mark.parametrize("method", WRITTEN)
def test_the_weights_of_fused_attention_are_made_beside_it(method: str) -> None:
    model, x = exported(made("class", "sdpa"), "dynamo", 23), pictures(3).numpy()
    source = onnx.load_from_string(model)
    assert "Attention" in {node.op_type for node in source.graph.node}
    for options in ({}, {"gate": True}):
        whole = instrument(model, method=method, target="3", **options)
        assert list(whole.graph.node)[: len(source.graph.node)] == list(source.graph.node)
        assert strip(whole) == source
        facts = {entry.key: entry.value for entry in whole.metadata_props}
        fused = [node for node in source.graph.node if node.op_type == "Attention"]
        assert facts["cam.layer"] == fused[-1].output[0]
        assert facts["cam.layout"] == "NHQ(1+2*3) of its weights"
    (lit, y), _ = run(model, x, "cam_map", "y", method=method, target="3")
    expected = explain(OnnxBackend(model), x, 3, method).map
    np.testing.assert_allclose(lit, expected, rtol=1e-5, atol=1e-5 * expected.max())
    plain = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    # what else reads a tensor keeps the runtime from fusing its maker: other last digits
    np.testing.assert_allclose(y, plain.run(["y"], {"x": x})[0], rtol=1e-6, atol=1e-6)


def test_what_knows_no_class_adds_no_input_and_says_where_its_map_is(model: bytes) -> None:
    made = instrument(model, method="rollout")
    assert [i.name for i in made.graph.input] == ["x"]
    facts = {entry.key: entry.value for entry in made.metadata_props}
    made_by = next(n for n in made.graph.node if facts["cam.layer"] in n.output)
    assert made_by.op_type == "Softmax"
    assert facts["cam.layout"] in ("NHQ(1+2*3)", "NHQ(2*3+1)", "NQ(1+2*3)")
    fed = [i.name for i in instrument(model, method="legrad").graph.input]
    assert fed == ["x", "cam_class"]


@pytest.mark.parametrize(
    ("method", "options"),
    [("legrad", {"blocks": 1}), ("legrad-final", {"blocks": 1}), ("rollout", {"heads": "max"})],
    ids=str,
)
def test_options_are_those_that_explain_takes(model: bytes, method: str, options: dict) -> None:
    x = pictures().numpy()
    (lit,), _ = run(model, x, "cam_map", method=method, target="3", options=options)
    expected = explain(OnnxBackend(model), x, 3, method, **options).map
    np.testing.assert_allclose(lit, expected, rtol=1e-5, atol=1e-5 * expected.max())
    made = instrument(model, method=method, target="3", options=options)
    facts = {entry.key: entry.value for entry in made.metadata_props}
    (option,) = options.items()
    assert facts["cam.method"] == f"{method}:{option[0]}={option[1]}"
    (same,), _ = run(model, x, "cam_map", method=facts["cam.method"], target="3")
    np.testing.assert_array_equal(same, lit)
    whole = instrument(model, method=method, target="3")
    assert options != {"blocks": 1} or len(made.graph.node) < len(whole.graph.node)


def test_only_the_last_block_is_gone_back_through_where_that_suffices(model: bytes) -> None:
    count = {
        method: len(instrument(model, method=method, target="3").graph.node)
        for method in ("gradeclip", "rollout", "gradrollout")
    }
    assert count["rollout"] < count["gradeclip"] < count["gradrollout"]


class Unplaced(TinyViT):
    """Without a position for each token it takes pictures of any size."""

    def embedded(self, x):
        return self.patch(x).flatten(2).transpose(1, 2)


def test_an_open_number_of_tokens_is_refused_until_the_size_is_fixed() -> None:
    net, file = randomise(Unplaced("mean"), 0), io.BytesIO()
    axes = {"x": {0: "n", 2: "h", 3: "w"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the older exporter announces its end
        torch.onnx.export(net, (pictures(),), file, dynamo=False, opset_version=17,
                          input_names=["x"], dynamic_axes=axes)  # fmt: skip
    with pytest.raises(CamError, match=r"known at run time only, .*: fix the input's size"):
        instrument(file.getvalue(), method="rollout")
    x, fixed = pictures(2).numpy(), {"x": (2, 3, 8, 12)}
    (lit,), _ = run(file.getvalue(), x, "cam_map", method="rollout", static=fixed)
    expected = explain(OnnxBackend(file.getvalue(), static=fixed), x, 3, "rollout").map
    np.testing.assert_allclose(lit, expected, rtol=1e-5, atol=1e-5 * expected.max())
