"""Makes pose.onnx and masks.onnx: one detector, in the raw formats of YOLOv8-pose and YOLOv8-seg.

    python -m examples.parts.train         # a few minutes on one core

Both are trained at once, on one trunk: keypoints are the highest and the lowest pixel of a thing,
masks its pixels that are seen.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn

from examples.detector.boxes import CLASSES, SIZE, STRIDES, anchors
from examples.detector.train import apart, truth
from examples.parts.net import Masks, Parts, Pose
from examples.parts.scenes import ENDS, Known, known
from examples.training import begin, describe, fit, pictures

FOLDER = Path(__file__).parent
CELL = 4
"""Pixels between the places of a mask."""
UNIT, SEEN = 16.0, 4.0
"""Pixels that a keypoint is off at a loss of 1, and what a probability weighs: else it stays the
same everywhere, since where ends are is learnt from steeper slopes."""
MOST = 3
"""Things of a scene."""
Given = Mapping[str, torch.Tensor]


def things_of(scene: Known, classes: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Of each anchor the number of its thing [A], by its box; 0 where it has none."""
    centres, _ = anchors()
    boxes = np.concatenate([centres - sides[:2], centres + sides[2:]])  # [4, A]
    own = np.array([thing.box for thing in scene.scene.things])
    nearest = np.abs(boxes[None] - own[:, :, None]).sum(axis=1).argmin(axis=0)
    return np.where((classes == 1).any(axis=0), nearest, 0)


def data(count: int, first: int) -> Given:
    """Pictures, and of each anchor its classes, sides and thing; of each thing points and mask."""
    scenes = [known(seed) for seed in range(first, first + count)]
    rows = [(*truth(k.scene), k) for k in scenes]
    whole: dict[str, list[np.ndarray]] = {
        "classes": [c.astype(np.float32) for c, _, _ in rows],
        "sides": [s.astype(np.float32) for _, s, _ in rows],
        "thing": [things_of(k, c, s) for c, s, k in rows],
        "points": [filled(k.points) for k in scenes],
        "masks": [filled(coarse(k.masks)) for k in scenes],
    }
    found = {name: torch.from_numpy(np.stack(each)) for name, each in whole.items()}
    return {"x": pictures([k.scene for k in scenes]), **found}


def coarse(masks: np.ndarray) -> np.ndarray:
    """The share of each cell that is of the thing [things, 32, 32]."""
    n, cells = len(masks), SIZE // CELL
    return masks.reshape(n, cells, CELL, cells, CELL).mean(axis=(2, 4)).astype(np.float32)


def filled(values: np.ndarray) -> np.ndarray:
    """Zeros for the things that a scene lacks."""
    return np.concatenate([values, np.zeros((MOST - len(values), *values.shape[1:]), values.dtype)])


def train(net: Parts, given: Given, *, epochs: int) -> None:
    """As the detector; and where there is a thing, how far its ends are off and what is its own."""

    def loss(batch: torch.Tensor) -> torch.Tensor:
        own = {name: each[batch] for name, each in given.items()}
        ends = net.detector.ends(own["x"].float() / 255)
        logits, sides = net.detector.told(ends)
        each = cross_entropy(logits, own["classes"].clamp(min=0))[own["classes"] >= 0]
        row, anchor = torch.nonzero((own["classes"] == 1).any(dim=1), as_tuple=True)
        thing = own["thing"][row, anchor]
        boxes = apart(sides[row, :, anchor].T, own["sides"][row, :, anchor].T).mean()
        return (
            each.sum() / len(row)
            + 2 * boxes
            + points_loss(*net.ends_of(ends), row, anchor, own["points"][row, thing])
            + masks_loss(*net.masks_of(ends), row, anchor, own["masks"][row, thing])
        )

    fit(net, len(given["x"]), loss, epochs=epochs)


def cross_entropy(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Of each number."""
    return nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")


def points_loss(
    places: torch.Tensor,
    seen: torch.Tensor,
    row: torch.Tensor,
    anchor: torch.Tensor,
    wanted: torch.Tensor,
) -> torch.Tensor:
    """How far those that are seen are off, and whether they are; `wanted` [B, 2, 3]."""
    there = wanted[:, :, 2]
    off = (places[row, :, :, anchor] - wanted[:, :, :2]).abs().sum(dim=2) / UNIT
    told = cross_entropy(seen[row, :, 0, anchor], there)
    return (off * there).sum() / there.sum() + SEEN * told.mean()


def masks_loss(
    coefficients: torch.Tensor,
    prototypes: torch.Tensor,
    row: torch.Tensor,
    anchor: torch.Tensor,
    wanted: torch.Tensor,
) -> torch.Tensor:
    """Cross-entropy over the cells round each thing; `wanted` [B, 32, 32]."""
    logits = torch.einsum("bm,bmhw->bhw", coefficients[row, :, anchor], prototypes[row])
    near = nn.functional.max_pool2d(wanted[:, None], 9, 1, 4)[:, 0] > 0
    return 2 * cross_entropy(logits, wanted)[near].mean()


def write(net: Parts, folder: Path) -> None:
    """Both files, compared with the modules by the converter; metadata as Ultralytics writes it."""
    from converters.torch import to_onnx

    folder.mkdir(parents=True, exist_ok=True)
    for name, module, outputs, facts in (
        ("pose", Pose(net), ["output0"], {"task": "pose", "kpt_shape": str([len(ENDS), 3])}),
        ("masks", Masks(net), ["output0", "output1"], {"task": "segment"}),
    ):
        path = folder / f"{name}.onnx"
        example = torch.rand(2, 3, SIZE, SIZE)
        to_onnx(module.eval(), example, path, input_names=["images"], output_names=outputs)
        common = {
            "description": "coloured shapes on rendered scenes, made by examples/parts/train.py",
            "stride": str(max(STRIDES)),
            "batch": "1",
            "imgsz": str([SIZE, SIZE]),
            "names": str(dict(enumerate(CLASSES))),
            "channels": "3",
            "end2end": "False",
        }
        describe(path, {**common, **facts})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=3000, help="rendered for training")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("-o", "--output", type=Path, default=FOLDER, help="the folder")
    given = parser.parse_args()
    begin()
    net = Parts()
    train(net, data(given.scenes, first=0), epochs=given.epochs)
    write(net, given.output)


if __name__ == "__main__":
    main()
