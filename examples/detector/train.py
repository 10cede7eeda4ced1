"""Makes the detector of the package again, in the raw output format of YOLOv8.

    python -m examples.detector.train         # a few minutes on one core

It writes cam_core/demo/: detector.onnx, crowds.json and scenes/crowd-*.png.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from examples.demo.scenes import Scene
from examples.detector.boxes import ANCHORS, CLASSES, SIZE, STRIDES, anchors, crowd, found, matches
from examples.detector.net import Detector
from examples.training import begin, describe, fit, pictures

PACKAGE = Path(__file__).resolve().parents[2] / "cam_core" / "demo"
SHIPPED = {"crowd-1": 1_000_017, "crowd-2": 1_000_004}
"""Name and seed of the scenes in the package; training counts its seeds from 0."""
SIDES = ((0.0, 40.0), (33.0, 128.0))
"""Pixels of the longer side of a thing that a scale is there for."""
NEAR, BESIDE = 0.8, 1.4
"""Strides from a thing's centre: up to here an anchor has it, up to there it may."""


def truth(scene: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Classes [K, A]: 1, 0, or -1 where either is right; distances to the sides [4, A], pixels."""
    centres, strides = anchors()
    classes, sides = np.zeros((len(CLASSES), ANCHORS)), np.ones((4, ANCHORS))
    for thing in scene.things:
        box, label = np.array(thing.box), CLASSES.index(thing.label.split()[1])
        off = np.abs(centres - (box[:2] + box[2:])[:, None] / 2).max(axis=0) / strides
        least, most = np.array([SIDES[STRIDES.index(stride)] for stride in strides]).T
        meant = (least <= (side := (box[2:] - box[:2]).max())) & (side <= most)
        near = meant & (off <= NEAR)
        classes[label, (off <= BESIDE) & ~near] = -1
        classes[label, near] = 1
        sides[:, near] = np.concatenate([centres - box[:2, None], box[2:, None] - centres])[:, near]
    return classes, sides


def data(count: int, first: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pictures uint8 [count, 3, 128, 128], classes [count, K, A], sides [count, 4, A]."""
    scenes = [crowd(seed) for seed in range(first, first + count)]
    classes, sides = zip(*map(truth, scenes), strict=True)
    return (
        pictures(scenes),
        torch.from_numpy(np.stack(classes).astype(np.float32)),
        torch.from_numpy(np.stack(sides).astype(np.float32)),
    )


def apart(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """1 - intersection over union of boxes about one point, by distances to their sides [4, M]."""
    common = torch.minimum(a, b)
    area = [(x[0] + x[2]) * (x[1] + x[3]) for x in (a, b, common)]
    return 1 - area[2] / (area[0] + area[1] - area[2])


def train(
    net: Detector, x: torch.Tensor, classes: torch.Tensor, sides: torch.Tensor, *, epochs: int
) -> None:
    """Cross-entropy of every class at every anchor, and the overlap where there is a thing."""

    def loss(batch: torch.Tensor) -> torch.Tensor:
        logits, distances = net.raw(x[batch].float() / 255)
        wanted, held = classes[batch], (classes[batch] == 1).any(dim=1)
        each = nn.functional.binary_cross_entropy_with_logits(
            logits, wanted.clamp(min=0), reduction="none"
        )
        a, b = (z.transpose(0, 1)[:, held] for z in (distances, sides[batch]))
        return each[wanted >= 0].sum() / held.sum() + 2 * apart(a, b).mean()

    fit(net, len(x), loss, epochs=epochs)


def hits(net: Detector, count: int, first: int) -> tuple[float, float]:
    """The share of scenes whose things are all found, and of boxes that are on no thing."""
    scenes = [crowd(seed) for seed in range(first, first + count)]
    with torch.no_grad():
        outputs = net(pictures(scenes).float() / 255).numpy()
    boxes = [found(output) for output in outputs]
    matched = [matches(scene, own) for scene, own in zip(scenes, boxes, strict=True)]
    all_found = [len(m) == len(s.things) for m, s in zip(matched, scenes, strict=True)]
    return float(np.mean(all_found)), 1 - sum(map(len, matched)) / max(1, sum(map(len, boxes)))


def ship(folder: Path) -> None:
    """The package's scenes with their boxes."""
    records = []
    for name, seed in SHIPPED.items():
        scene = crowd(seed, size=2 * SIZE)
        Image.fromarray(scene.pixels).save(folder / "scenes" / f"{name}.png", optimize=True)
        things = [{"label": t.label.split()[1], "box": list(t.box)} for t in scene.things]
        records.append({"file": f"scenes/{name}.png", "seed": seed, "things": things})
    text = json.dumps(records, indent=1) + "\n"
    (folder / "crowds.json").write_text(text, encoding="utf-8")


def write(net: Detector, path: Path) -> None:
    """The .onnx file, compared with the module by the converter; metadata as YOLOv8's exporter."""
    from converters.torch import to_onnx

    to_onnx(
        net, torch.rand(2, 3, SIZE, SIZE), path, input_names=["images"], output_names=["output0"]
    )
    facts = {
        "description": "coloured shapes on rendered scenes, made by examples/detector/train.py",
        "task": "detect",
        "stride": str(max(STRIDES)),
        "batch": "1",
        "imgsz": str([SIZE, SIZE]),
        "names": str(dict(enumerate(CLASSES))),
        "channels": "3",
        "end2end": "False",
    }
    describe(path, facts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=3000, help="rendered for training")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--only-scenes", action="store_true", help="write no model")
    parser.add_argument("-o", "--output", type=Path, default=PACKAGE / "detector.onnx")
    given = parser.parse_args()
    ship(PACKAGE)
    if given.only_scenes:
        return
    begin()
    net = Detector()
    train(net, *data(given.scenes, first=0), epochs=given.epochs)
    whole, wrong = hits(net, 300, first=500_000)
    print(f"all found in {whole:.1%} of 300 new scenes; {wrong:.1%} of the boxes on no thing")
    write(net, given.output)


if __name__ == "__main__":
    main()
