"""Two files as one model: against autograd through the whole of it, and against both by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend
from cam_core import explain
from cam_core.chain import Chain
from cam_core.errors import InputError, LayerError, ModelError

torch = pytest.importorskip("torch")
ort = pytest.importorskip("onnxruntime")

from backends.torch import TorchBackend  # noqa: E402
from tests.core.chain import pairs  # noqa: E402
from tests.sessions import run  # noqa: E402

NECK = "/neck/Conv_output_0"


@pytest.fixture(scope="module", params=["N", ""], ids=["open rows", "one row"])
def files(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("pairs")
    return pairs.segmenter(folder, request.param), pairs.captioned(folder, request.param)


def feed(rows: int = 1) -> dict[str, Any]:
    return {"image": pairs.image(rows)} | pairs.prompts(rows)


def whole(x: dict[str, Any], output: int, cotangent: Any) -> dict[str, Any]:
    """By autograd through both modules: the output, and gradients by what they are of."""
    encoder, decoder = pairs.seeded(pairs.Encoder), pairs.seeded(pairs.Decoder, 1)
    held: dict[str, Any] = {}
    encoder.neck.register_forward_hook(lambda _m, _i, out: held.update(neck=out))
    decoder.fine.register_forward_hook(lambda _m, _i, out: held.update(fine=out))
    image, coords, kinds = (torch.from_numpy(array) for array in x.values())
    image.requires_grad_()
    coords.requires_grad_()
    y = decoder(*encoder(image), coords, kinds)[output]
    of = {"image": image, "coords": coords, **held}
    given = torch.from_numpy(cotangent)
    found = torch.autograd.grad(y, list(of.values()), given, allow_unused=True)
    known = {n: g.numpy() for n, g in zip(of, found, strict=True) if g is not None}
    return {"y": y.detach().numpy()} | known


def close(found: Any, expected: Any) -> None:
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("rows", [1, 2])
@pytest.mark.parametrize(("score", "output"), [("iou_predictions", 1), ("low_res_masks", 2)])
def test_gradients_are_those_of_the_whole(files: Any, score: str, output: int, rows: int) -> None:
    """Along both outputs of the encoder that go on, summed."""
    chain, x = Chain(files[0], score=score), feed(rows)
    look = chain.look(x, inputs=["image", "point_coords"])
    assert look.layers == [NECK]
    g = np.random.default_rng(1).normal(size=look.score.shape).astype(np.float32)
    expected = whole(x, output, g)
    close(look.score, expected["y"])
    G = look.pull(lambda y, outputs: g)
    close(G.layers[NECK], expected["neck"])
    close(G.inputs["image"], expected["image"])
    close(G.inputs["point_coords"], expected["coords"])


def test_a_layer_of_the_later_file_is_looked_at_beside_one_of_the_earlier(files: Any) -> None:
    chain, x = Chain(files[0], score="low_res_masks"), feed()
    fine = "decoder:/fine/Conv_output_0"  # the encoder has a layer of that name, too
    look = chain.look(x, layers=[fine, NECK])
    g = np.ones_like(look.score)
    expected = whole(x, 2, g)
    G = look.pull(lambda y, outputs: g).layers
    assert list(G) == look.layers == [fine, NECK]
    close(G[fine], expected["fine"])
    close(G[NECK], expected["neck"])


def test_outputs_are_those_of_both_run_by_hand(files: Any) -> None:
    (encoder, decoder), x = files[0], feed()
    first = run(onnx.load(encoder), {"image": x["image"]})
    rest = {name: x[name] for name in ("point_coords", "point_labels")}
    second = run(onnx.load(decoder), {**first, **rest})
    chain = Chain(files[0])
    look = chain.look(x)
    assert list(chain.forward(x)) == list(look.outputs) == list(second)
    for name, expected in second.items():
        np.testing.assert_allclose(chain.forward(x)[name], expected, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(look.outputs[name], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("score", ["iou_predictions", "low_res_masks"])
def test_a_tail_runs_through_the_files_after_it(files: Any, score: str) -> None:
    """Other activations of the neck, two blocks of two rows; the finer map stays as it was."""
    chain, x = Chain(files[0], score=score), feed(2)
    look = chain.look(x, layers=[NECK])
    A = np.random.default_rng(2).normal(size=(4, *look.activations[NECK].shape[1:]))
    A = A.astype(np.float32)
    neck = torch.from_numpy(A)
    mean, spread = neck.mean(1, keepdim=True), neck.var(1, keepdim=True, unbiased=False)
    features = (neck - mean) / torch.sqrt(spread + 1e-6)
    encoder, decoder = pairs.seeded(pairs.Encoder), pairs.seeded(pairs.Decoder, 1)
    image, coords, kinds = (
        torch.from_numpy(np.tile(v, [2] + [1] * (v.ndim - 1))) for v in x.values()
    )
    outputs = decoder(features, encoder(image)[1], coords, kinds)
    expected = dict(zip(["masks", "iou_predictions", "low_res_masks"], outputs, strict=True))
    close(look.tail(NECK)(A), expected[score].detach().numpy())


def test_a_tower_and_its_captions(files: Any) -> None:
    x = {"pixel_values": pairs.image(2), "text_embeds": pairs.texts()}
    chain = Chain(files[1])
    assert chain.heads()[0].kind == "similarity"
    found = explain(chain, x, 2)
    tower, image, text = pairs.seeded(pairs.Tower, 2), *map(torch.from_numpy, x.values())
    A = torch.relu(tower.second(torch.relu(tower.first(image)))).detach().requires_grad_()
    vector = A.mean((2, 3))
    y = (20 * vector / vector.norm(dim=-1, keepdim=True) @ text.T)[:, 2]
    (G,) = torch.autograd.grad(y.sum(), [A])
    cam = torch.relu((G.mean((2, 3), keepdim=True) * A).sum(1))
    np.testing.assert_allclose(found.score, y.detach().numpy(), rtol=1e-5)
    np.testing.assert_allclose(found.map, cam.detach().numpy(), rtol=1e-4, atol=1e-6)
    assert found.region is not None
    assert found.region.input == "pixel_values"


def test_live_modules_go_beside_files(files: Any) -> None:
    encoder, decoder = files[0]
    module = pairs.seeded(pairs.Decoder, 1)
    x, given = feed(), Chain(files[0]).look(feed())
    values = OnnxBackend(encoder).forward(x["image"])
    example = {"features": values["image_embeddings"], "fine": values["high_res_feats"]}
    example |= {"coords": x["point_coords"], "kinds": x["point_labels"]}
    connect = {"image_embeddings": "features", "high_res_feats": "fine"}
    live = TorchBackend(module, example=example, score="output_1")
    chain = Chain([encoder, live], connect, names=["file", "live"])
    look = chain.look(
        {"image": x["image"], "coords": x["point_coords"], "kinds": x["point_labels"]}
    )
    g = np.float32([[1, -2, 3]])
    np.testing.assert_allclose(look.score, given.score, rtol=1e-4, atol=1e-5)
    close(look.pull(lambda y, o: g).layers[NECK], given.pull(lambda y, o: g).layers[NECK])
    assert decoder.exists()


HALVES = """<ir_version: 8, opset_import: ["" : 17]>
half (float[N, 2, 4, 4] x) => (float[N, 2, 4, 4] y) {{ h = {}(x) y = Mul(h, h) }}"""
SCORE = """<ir_version: 8, opset_import: ["" : 17]>
ends (float[N, 2, 4, 4] a, float[N, 2, 4, 4] b, int64[N] k) => (float[N, 2] s) {
    p = Mul(a, b) t = Tanh(p) s = ReduceMean<axes = [2, 3], keepdims = 0>(t) }"""


def three() -> Chain:
    """Both halves have an input x, a layer h and an output y."""
    models = [onnx.parser.parse_model(HALVES.format(op)) for op in ("Tanh", "Exp")]
    models.append(onnx.parser.parse_model(SCORE))
    return Chain(models, {"left:y": "a", "right:y": "b"}, names=["left", "right", "end"])


def test_names_that_several_have_say_of_which_they_are(rng: np.random.Generator) -> None:
    chain = three()
    assert [info.name for info in chain.inputs()] == ["left:x", "right:x", "k"]
    assert [one.name for one in chain.layers()][:2] == ["left:h", "right:h"]
    assert [one.input for one in chain.layers()][:2] == ["left:x", "right:x"]
    x = {n: rng.normal(size=(2, 2, 4, 4)).astype(np.float32) for n in ("left:x", "right:x")}
    x["k"] = np.zeros(2, np.int64)
    look = chain.look(x, layers=["right:h", "left:h", "p"], inputs=None)
    a, b = (torch.from_numpy(x[n]).double().requires_grad_() for n in ("left:x", "right:x"))
    left, right = torch.tanh(a), torch.exp(b)
    product = left**2 * right**2
    y = torch.tanh(product).mean((2, 3))
    expected = torch.autograd.grad(y.sum(), [right, left, product, a, b])
    G = look.pull(lambda y, outputs: np.ones_like(y))
    for name, g in zip([*look.layers, *G.inputs], expected, strict=True):
        found = G.layers.get(name, G.inputs.get(name))
        np.testing.assert_allclose(found.reshape(g.shape), g.numpy(), rtol=1e-4, atol=1e-6)
    assert list(G.inputs) == ["left:x", "right:x"]
    assert {name: region.input for name, region in look.regions.items() if ":" in name} == {
        "right:h": "right:x",
        "left:h": "left:x",
    }


PASSED = """<ir_version: 8, opset_import: ["" : 17]>
first (float[N, 2, 4, 4] x) => (int64[N, 4, 4] best) {
    t = Tanh(x) best = ArgMax<axis = 1, keepdims = 0>(t) }"""
READ = """<ir_version: 8, opset_import: ["" : 17]>
then (int64[N, 4, 4] best) => (float[N, 4] y) {
    f = Cast<to = 1>(best) y = ReduceMean<axes = [2], keepdims = 0>(f) }"""


def test_integers_go_on_without_a_gradient() -> None:
    chain = Chain([onnx.parser.parse_model(text) for text in (PASSED, READ)])
    x = np.random.default_rng(0).normal(size=(1, 2, 4, 4)).astype(np.float32)
    expected = (x[:, 1] > x[:, 0]).mean(2)
    np.testing.assert_allclose(chain.forward(x)["y"], expected)
    with pytest.raises(LayerError, match="layer 't' of '0': nothing of that model goes on with a"):
        chain.look(x, layers=["t"])


def test_weights_are_changed_in_all(files: Any) -> None:
    x = feed()
    plain, still = Chain(files[0]), Chain(files[0]).with_weights(lambda name, w: 0 * w)
    assert np.abs(plain.look(x).score).max() > 0
    assert np.abs(still.look(x, layers=()).score).max() == 0


def test_an_index_counts_through_the_files(files: Any) -> None:
    chain = Chain(files[0], layer="2")
    listed = [one.name for one in chain.layers()]
    assert chain.look(feed()).layers == [listed[2]]
    assert [one.name for one in chain.layers() if one.default] == [listed[2]]
    with pytest.raises(LayerError, match=f"layer 99: the models have {len(listed)}, numbered"):
        chain.look(feed(), layers=["99"])


class Mute:
    """A backend that knows one score."""

    score_name = "y"

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        if name == "with_score":
            raise AttributeError(name)
        return getattr(self.inner, name)


ERRORS = [
    (lambda c: c.look({"left:x": 0}), InputError, "input 'right:x' is not given"),
    (lambda c: c.look({"x": 0}), InputError, "no input 'x'; the model takes left:x, right:x, k"),
    (lambda c: c.look(np.zeros(3)), InputError, "takes left:x, right:x, k: give them by name"),
    (lambda c: c.look({}, layers=["h"]), LayerError, "layer 'h': name left:h or right:h"),
    (lambda c: c.look({}, inputs=["k"]), InputError, "'k' has no gradient"),
    (lambda c: Chain([SCORE]), InputError, "at least two"),
]


@pytest.mark.parametrize(("call", "error", "words"), ERRORS, ids=[w[:12] for *_, w in ERRORS])
def test_errors(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        call(three())


def test_a_backend_of_one_score_keeps_it() -> None:
    half = OnnxBackend(onnx.parser.parse_model(HALVES.format("Tanh")))
    end = onnx.parser.parse_model(
        SCORE.replace(", float[N, 2, 4, 4] b", "").replace("Mul(a, b)", "Mul(a, a)")
    )
    x = {"x": np.ones((1, 2, 4, 4), np.float32), "k": np.zeros(1, np.int64)}
    assert Chain([Mute(half), end], {"y": "a"}).look(x).layers == ["h"]
    ends = onnx.parser.parse_model(HALVES.format("Tanh").replace("Mul(h, h)", "Softmax(h)"))
    with pytest.raises(ModelError, match="the score of '0' is not its output 'y', which goes on"):
        Chain([Mute(OnnxBackend(ends)), end], {"y": "a"}).look(x, layers=())
    assert Chain([OnnxBackend(ends), end], {"y": "a"}).look(x).layers == ["h"]
    Mute.score_name = "other"
    with pytest.raises(ModelError, match="'0' is a Mute, which has no with_score: open it with"):
        Chain([Mute(half), end], {"y": "a"})
    Mute.score_name = "y"


def test_files_give_their_names(files: Any) -> None:
    chain = Chain([Path(file) for file in files[0]])
    assert chain.settings["chain"] == ["encoder", "decoder"]
    assert chain.settings["connect"] == {
        "encoder:image_embeddings": "decoder:image_embeddings",
        "encoder:high_res_feats": "decoder:high_res_feats",
    }
