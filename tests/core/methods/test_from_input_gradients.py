"""Methods of the input's gradient, against torch.autograd, captum and loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest

from backends.onnx import OnnxBackend
from cam_core import explain, explain_all
from cam_core.errors import InputError, LayerError
from cam_core.methods import METHODS
from cam_core.methods.from_input_gradients import quadrature
from tests.core.methods.rectified import CLASSES, net, opened, pictures, score, slope

pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
from backends.torch import TorchBackend  # noqa: E402

Array = np.ndarray
KINDS = ("onnx", "torch")
TARGET = list(CLASSES)


def test_every_method_of_the_file_is_held_against_something() -> None:
    own = {n for n, m in METHODS.items() if m.formula.__module__.endswith("from_input_gradients")}
    assert own == {
        *("gradient", "gradientxinput", "guided", "guided-gradcam", "integrated"),
        *("smoothgrad", "smoothgradcam++", "fullgrad", "shapleycam"),
    }


def near(found: Array, expected: Array, rtol: float = 1e-5) -> None:
    """Both runtimes sum in float32, each in its own order."""
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max())


def found(kind: str, name: str, **options: Any) -> Any:
    return explain(opened(kind), pictures(), TARGET, name, layer="late", **options)


def noise(samples: int, share: float, seed: int) -> list[Array]:
    """The noisy pictures, drawn again: each row by its own range."""
    rng, x = np.random.default_rng(seed), pictures()
    sigma = [share * float(row.max() - row.min()) for row in x]
    drawn = [rng.standard_normal(x.shape, np.float32) for _ in range(samples)]
    return [np.stack([r + s * e for r, s, e in zip(x, sigma, d, strict=True)]) for d in drawn]


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_is_the_largest_slope_of_a_pixel(kind: str) -> None:
    expected = np.abs(slope(net(), pictures())).max(axis=1)
    explanation = found(kind, "gradient")
    near(explanation.map, expected)
    assert (explanation.layer, explanation.map.shape) == ("x", (2, 12, 16))


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_times_input_keeps_the_sign(kind: str) -> None:
    expected = (slope(net(), pictures()) * pictures()).sum(axis=1)
    explanation = found(kind, "gradientxinput")
    near(explanation.signed, expected)
    near(explanation.map, np.maximum(expected, 0))


def test_gradient_times_input_sums_to_the_score_without_biases() -> None:
    module = net()
    with torch.no_grad():
        for part in (module.first, module.second, module.head):
            part.bias.zero_()
    module.late = torch.nn.ReLU()  # a ceiling is a bias too
    backend = TorchBackend(module, example=pictures())
    explanation = explain(backend, pictures(), TARGET, "gradientxinput")
    near(explanation.signed.sum(axis=(1, 2)), explanation.score, 1e-4)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore:Setting .* hooks")
def test_guided_is_captums(kind: str) -> None:
    """captum hooks ReLU modules; the ReLU6 is one here, whose ceiling is beyond these numbers."""
    attr = pytest.importorskip("captum.attr")
    module = net()
    assert (
        module.second(module.pool(module.early(module.first(torch.tensor(pictures()))))).max() < 6
    )
    module.late = torch.nn.ReLU()
    x = torch.tensor(pictures(), requires_grad=True)
    expected = attr.GuidedBackprop(module).attribute(x, target=TARGET).abs().amax(1).numpy()
    explanation = found(kind, "guided")
    near(explanation.map, expected)
    assert explanation.diagnosis == ("", "")
    assert not np.allclose(expected, np.abs(slope(module, pictures())).max(axis=1), rtol=0.1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.filterwarnings("ignore:Setting .* hooks")
def test_guided_gradcam_is_captums(kind: str) -> None:
    attr = pytest.importorskip("captum.attr")
    module = net()
    module.late = torch.nn.ReLU()
    x = torch.tensor(pictures(), requires_grad=True)
    made = attr.GuidedGradCam(module, module.late)
    expected = made.attribute(x, target=TARGET, interpolate_mode="bilinear").detach()
    explanation = found(kind, "guided-gradcam")
    near(explanation.map, expected.abs().amax(1).numpy())
    assert explanation.layer == "late"
    assert explanation.map.any(axis=(1, 2)).all()


def test_guided_gradcam_is_that_of_each_layer() -> None:
    layers = ["early", "late"]
    each = explain_all(opened("onnx"), pictures(), [CLASSES], ["guided-gradcam"], layers=layers)
    assert [one.layer for one in each] == layers
    assert [one.map.shape for one in each] == [(2, 12, 16)] * 2
    assert not np.allclose(each[0].map, each[1].map)


@pytest.mark.parametrize("kind", KINDS)
def test_smoothgrad_is_the_mean_over_its_noise(kind: str) -> None:
    slopes = [slope(net(), x) for x in noise(7, 0.2, 5)]
    expected = np.abs(sum(slopes) / 7).max(axis=1)
    near(found(kind, "smoothgrad", samples=7, noise=0.2, seed=5).map, expected)


def test_smoothgrad_without_noise_is_the_gradient() -> None:
    near(found("onnx", "smoothgrad", samples=3, noise=0).map, found("onnx", "gradient").map)


def test_noise_is_that_of_its_seed() -> None:
    maps = [found("onnx", "smoothgrad", samples=2, seed=seed).map for seed in (1, 1, 2)]
    np.testing.assert_array_equal(maps[0], maps[1])
    assert not np.allclose(maps[0], maps[2])


def layer_slope(module: Any, x: Array) -> tuple[Array, Array]:
    """A and dY/dA at the last rectifier, by autograd in float64."""
    kept: list[Any] = []
    module = module.double()
    hook = module.late.register_forward_hook(lambda m, i, y: kept.append(y) or None)
    total = score(module, torch.tensor(x, dtype=torch.float64, requires_grad=True))
    hook.remove()
    (G,) = torch.autograd.grad(total, kept[0])
    return kept[0].detach().numpy(), G.numpy()


def loop_alpha(A: Array, G: list[Array], row: int, k: int) -> float:
    """Omeiza et al. 2019, one channel of one picture."""
    n, alpha = len(G), 0.0
    total = sum(float(a) for a in A[row, k].ravel())
    for cell in np.ndindex(A.shape[2:]):
        g = [float(one[row, k][cell]) for one in G]
        first, second, third = (sum(v**p for v in g) / n for p in (1, 2, 3))
        below = 2 * second + total * third
        if below:
            alpha += second / below * max(first, 0.0)
    return alpha


@pytest.mark.parametrize("kind", KINDS)
def test_smooth_plus_plus_is_its_loops(kind: str) -> None:
    A, _ = layer_slope(net(), pictures())
    G = [layer_slope(net(), x)[1] for x in noise(4, 0.3, 9)]
    expected = [[loop_alpha(A, G, row, k) for k in range(6)] for row in range(2)]
    explanation = found(kind, "smoothgradcam++", samples=4, noise=0.3, seed=9)
    assert explanation.alpha is not None
    near(explanation.alpha[..., 0, 0], np.array(expected), 1e-4)


def test_smooth_plus_plus_without_noise_is_plus_plus() -> None:
    one, other = found("onnx", "smoothgradcam++", noise=0), found("onnx", "gradcam++")
    near(one.map, other.map)


INTEGRALS = [  # ours, captum's, steps, by how much captum's weights fall short of 1
    ("gauss-legendre", "gausslegendre", 20, 1.0),
    ("trapezoid", "riemann_trapezoid", 31, 30 / 31),  # of 0.9: n steps of 1 / n, both ends halved
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("rule", "captums", "steps", "short"), INTEGRALS)
def test_integrated_gradients_are_captums(
    kind: str, rule: str, captums: str, steps: int, short: float
) -> None:
    attr = pytest.importorskip("captum.attr")
    x, base = torch.tensor(pictures()), 0.3
    expected = attr.IntegratedGradients(net()).attribute(
        x, baselines=base, target=TARGET, n_steps=steps, method=captums
    )
    explanation = found(kind, "integrated", baseline=base, steps=steps, rule=rule)
    near(explanation.signed * short, expected.sum(1).numpy(), 2e-5)


@pytest.mark.parametrize("baseline", [0.0, 0.5])
def test_integrated_gradients_are_complete(baseline: float) -> None:
    """They sum to Y(x) - Y(x'); what is left is the quadrature over kinks, and shrinks with it."""
    with torch.no_grad():
        ends = [net()(x) for x in (torch.tensor(pictures()), torch.full((2, 3, 12, 16), baseline))]
    change = np.array([float(ends[0][i, c] - ends[1][i, c]) for i, c in enumerate(TARGET)])
    left = []
    for steps in (10, 400):
        total = found("onnx", "integrated", baseline=baseline, steps=steps).signed.sum(axis=(1, 2))
        left.append(np.abs(total - change).max())
    assert left[1] < 5e-4 * np.abs(change).max()
    assert left[1] < left[0] / 5


def psi(part: Any) -> Any:
    """|v| of each row over its own range, all channels together."""
    rows = []
    for row in part.detach().abs():
        least, most = float(row.min()), float(row.max())
        rows.append((row - least) / (most - least))
    return torch.stack(rows)


def test_fullgrad_is_its_formula_by_autograd() -> None:
    module, kept = net().double(), []
    layers = (module.first, module.second)
    for part in layers:
        part.register_forward_hook(lambda m, given, z: kept.append(z) or None)
    x = torch.tensor(pictures(), dtype=torch.float64, requires_grad=True)
    gradients = torch.autograd.grad(score(module, x), [x, *kept])
    expected = psi(x * gradients[0]).sum(1)
    for part, G in zip(layers, gradients[1:], strict=True):
        own = psi(part.bias[:, None, None] * G)
        size = {"size": (12, 16), "mode": "bilinear", "align_corners": False}
        expected = expected + torch.nn.functional.interpolate(own, **size).sum(1)
    near(found("onnx", "fullgrad").map, expected.numpy())


def test_fullgrad_takes_a_backend_that_tells_its_biases() -> None:
    with pytest.raises(InputError, match="does not tell its biases: open the"):
        found("torch", "fullgrad")


@pytest.mark.parametrize("rule", ["gauss-legendre", "trapezoid"])
def test_quadrature_integrates_lines(rule: str) -> None:
    points, weights = quadrature(rule, 5)
    assert weights.sum() == pytest.approx(1)
    assert (weights * points).sum() == pytest.approx(0.5)


BAD = [
    ("integrated", {"steps": 1}, "2 steps at least, not 1"),
    ("integrated", {"rule": "simpson"}, "no rule 'simpson' of an integral; there are gauss-leg"),
    ("smoothgrad", {"samples": 0}, "takes 1 sample and a share of 0 at least: 0, 0.15"),
    ("smoothgradcam++", {"noise": -1.0}, "takes 1 sample and a share of 0 at least: 8, -1.0"),
]


@pytest.mark.parametrize(("name", "options", "words"), BAD, ids=[row[2] for row in BAD])
def test_refused_in_one_line(name: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        found("onnx", name, **options)
    assert words in str(caught.value)


def test_no_layer_is_needed_where_none_counts() -> None:
    """A network of vectors has no map, and its input has a gradient all the same."""
    text = (
        '<ir_version: 8, opset_import: ["" : 17]> net (float[N, 3] x) => (float[N, 2] y) '
        "<float[3, 2] w = {1.0, -2.0, 3.0, 4.0, 5.0, -6.0}> { y = MatMul(x, w) }"
    )
    backend = OnnxBackend(onnx.parser.parse_model(text))
    x = np.array([[1, 2, 3]], np.float32)
    np.testing.assert_array_equal(explain(backend, x, 1, "gradient").map, [[2, 4, 6]])
    np.testing.assert_array_equal(explain(backend, x, 1, "gradientxinput").signed, [[-2, 8, -18]])
    with pytest.raises(LayerError):
        explain(backend, x, 1, "guided-gradcam")


def test_the_tensor_that_is_asked_about_is_the_one_that_is_derived() -> None:
    """Of another output than the score."""
    text = (
        '<ir_version: 8, opset_import: ["" : 17]> '
        "net (float[N, 3, 4, 4] x) => (float[N, 3] y, float[N, 3] z) "
        "{ a = Relu(x) g = GlobalAveragePool(a) y = Flatten(g) z = Neg(y) }"
    )
    backend, x = OnnxBackend(onnx.parser.parse_model(text)), np.ones((1, 3, 4, 4), np.float32)
    found = explain(backend, x, "out:z[0]", "gradientxinput")
    np.testing.assert_allclose(found.signed, np.full((1, 4, 4), -1 / 16))
