"""What an attack changes, and what of a map survives it: for the paper's claim, and against it.

Selvaraju et al. 2017, section 6.2: maps of the classes that are there stay where they are, though
the model is made to see another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from PIL import Image

from backends.onnx import OnnxBackend
from cam_core.cli.attacking import Attack, Attacked, attacked, likeness, loss_of
from cam_core.cli.inputs.opened import Setup
from cam_core.cli.inputs.reader import Reader
from cam_core.cli.inputs.samples import Slot
from cam_core.demo import LABELS, MODEL, PREPROCESS, load_scenes
from cam_core.errors import InputError, TargetError
from cam_core.explain import explain
from cam_core.image import PRESETS, Preprocess
from cam_core.metrics import METRICS
from tests.paths import DATA

pytest.importorskip("onnxruntime")
Array = np.ndarray
LINEAR = """<ir_version: 8, opset_import: ["" : 17]>
g (float[1, 3, 4, 4] x) => (float[1, 2] y) {
    a = Identity(x)
    f = Flatten(a)
    y = Gemm<transB = 1>(f, head)
}"""


def set_up(backend: OnnxBackend, pixels: Array, spec: Preprocess) -> Setup:
    (info,) = backend.inputs()
    slot = Slot("photo.png", "photo", Path("photo.png"), pixels)
    return Setup(backend, Reader([info], info, spec, {}), [slot], "", None, "")


def run(setup: Setup, attack: Attack, layer: str | None = None) -> Attacked:
    return attacked(setup, setup.reader.open(setup.slots[0]), attack, layer)


@dataclass
class Plain:
    """y = W x + b by hand."""

    W: Array = field(default_factory=lambda: np.random.default_rng(3).normal(size=(2, 48)))
    spec: Preprocess = field(
        default_factory=lambda: Preprocess((0.4, 0.5, 0.6), (0.2, 0.3, -0.5), 1 / 255)
    )

    def backend(self) -> OnnxBackend:
        model = onnx.parser.parse_model(LINEAR)
        head = onnx.numpy_helper.from_array(self.W.astype(np.float32), "head")
        model.graph.initializer.append(head)
        return OnnxBackend(model, layer="a")


@pytest.mark.parametrize("method", ["fgsm", "pgd"])
@pytest.mark.parametrize("wanted", [None, "other"])
def test_of_a_linear_model_the_best_picture_is_known(
    method: str, wanted: str | None, rng: np.random.Generator
) -> None:
    """Each pixel goes the whole way, by the sign of its weights over std, as far as it is valid."""
    plain = Plain()
    pixels = rng.integers(0, 256, (4, 4, 3)).astype(np.uint8)
    pixels[0, 0], pixels[3, 3] = 1, 254  # these cannot go all the way
    setup = set_up(plain.backend(), pixels, plain.spec)
    x = (pixels / 255 - plain.spec.mean) / np.array(plain.spec.std)
    y = plain.W @ x.transpose(2, 0, 1).ravel()
    own = int(y.argmax())
    attack = Attack(method, 3 / 255, 10, None if wanted is None else 1 - own)
    found = run(setup, attack)
    assert found.own == own
    difference = (plain.W[1 - own] - plain.W[own]).reshape(3, 4, 4).transpose(1, 2, 0)
    way = np.sign(difference / np.array(plain.spec.std))
    expected = np.clip(pixels + 3 * way, 0, 255)
    np.testing.assert_array_equal(found.before.picture, pixels)
    np.testing.assert_array_equal(found.after.picture, expected.astype(np.uint8))


def test_what_pads_the_photo_stays(rng: np.random.Generator) -> None:
    plain = Plain()
    spec = Preprocess(plain.spec.mean, plain.spec.std, 1 / 255, fit="letterbox")
    pixels = rng.integers(20, 200, (2, 4, 3)).astype(np.uint8)
    found = run(set_up(plain.backend(), pixels, spec), Attack("fgsm", 2 / 255, 1, None))
    change = found.after.picture.astype(int) - found.before.picture.astype(int)
    assert not change[[0, 3]].any()
    assert (np.abs(change[1:3]) == 2).all()


def demo(scene: int) -> tuple[Setup, Any]:
    shown = load_scenes()[scene]
    return set_up(OnnxBackend(MODEL.read_bytes()), shown.pixels(), PRESETS[PREPROCESS]), shown


def test_maps_of_what_is_there_survive_a_small_attack() -> None:
    """For the claim: the classes change, and the heat stays in the box of the thing."""
    setup, scene = demo(0)
    found = run(setup, Attack("pgd", 6 / 255, 10, None))
    assert found.after.top[0].which != found.own
    assert found.likeness > 0.6
    names = LABELS.read_text(encoding="utf-8").splitlines()
    box = next(thing.box for thing in scene.things if thing.label == names[found.own])
    halved = tuple(side / 2 for side in box)  # the scene is 256 wide, the input 128
    heats = [seen.map.heatmap((128, 128)) for seen in (found.before, found.after)]
    mass = [float(METRICS["energy in box"](heat, [[halved]])[0]) for heat in heats]
    assert min(mass) > 0.5


def test_the_map_of_the_new_class_is_another() -> None:
    """Against it: who looks at the map of what the model *says* is led elsewhere."""
    setup, _ = demo(0)
    found = run(setup, Attack("pgd", 6 / 255, 10, None))
    x = found.after.picture.transpose(2, 0, 1)[None].astype(np.float32) / 255
    new = explain(setup.backend, x, found.after.top[0].which)
    assert likeness(found.before.map, new[0]) < 0.5


def test_a_strong_attack_takes_the_map_along() -> None:
    """Against it as well: the likeness falls with eps, until there is no map to compare."""
    setup, _ = demo(0)
    weak, strong = (run(setup, Attack("pgd", eps / 255, 20, None)) for eps in (1, 32))
    assert weak.likeness > 0.95
    assert not weak.after.map.blank[0]
    assert strong.after.map.blank[0]  # nothing speaks for the class any more
    assert np.isnan(strong.likeness)


@pytest.mark.parametrize(
    ("name", "eps", "least", "most"),
    [("mobilenetv2-fp32", 2, 0.9, 1), ("squeezenet1.1-fp32", 4, 0.4, 0.85)],
)
def test_a_real_model_is_led_to_a_class_that_is_not_there(
    name: str, eps: int, least: float, most: float
) -> None:
    """As in the paper's figure the first one's map hardly moves; that of the second one does."""
    model, photo = DATA / "models" / f"{name}.onnx", DATA / "images" / "zebra.jpg"
    if not (model.exists() and photo.exists()):
        pytest.skip("no photo and model beside the repository")
    pixels = np.asarray(Image.open(photo).convert("RGB"))
    setup = set_up(OnnxBackend(model), pixels, PRESETS["imagenet"])
    goldfish = 1
    found = run(setup, Attack("pgd", eps / 255, 10, goldfish))
    assert found.after.top[0].which == goldfish
    assert found.own == 340
    assert least < found.likeness < most


def test_the_loss_is_that_of_the_model() -> None:
    backend = OnnxBackend(MODEL.read_bytes())
    left, way = loss_of(backend, Attack("fgsm", 0.1, 1, None), 3)
    taken, back = loss_of(backend, Attack("fgsm", 0.1, 1, 5), 3)
    assert [(left.index, way), (taken.index, back)] == [(3, 1), (5, -1)]


def test_what_cannot_be_attacked_is_said() -> None:
    text = LINEAR.replace("float[1, 3, 4, 4] x", "uint8[1, 3, 4, 4] x")
    text = text.replace("a = Identity(x)", "c = Cast<to = 1>(x)\n    a = Identity(c)")
    model = onnx.parser.parse_model(text)
    weights = np.ones((2, 48), np.float32)
    model.graph.initializer.append(onnx.numpy_helper.from_array(weights, "head"))
    pixels = np.zeros((4, 4, 3), np.uint8)
    whole = Attack("fgsm", 0.1, 1, None)
    with pytest.raises(InputError, match="uint8, no floats"):
        run(set_up(OnnxBackend(model, layer="a"), pixels, PRESETS["raw"]), whole)
    plain = Plain()
    setup = set_up(plain.backend(), pixels, plain.spec)
    own = run(setup, whole).own
    with pytest.raises(TargetError, match=f"class {own} already"):
        run(setup, Attack("fgsm", 0.1, 1, own))
