"""The demo's network with an average (GAP) and with a maximum (GMP) over space, side by side.

    python -m examples.pooling               # some minutes on one core

Both learn from the same scenes in the same order. It prints how many scenes each gets right, and
where the Grad-CAM of each thing lies in new scenes: the figures of docs/math.md.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

from cam_core.backend import Array
from cam_core.maps.combine import heatmap
from cam_core.metrics import METRICS
from examples.demo.scenes import LABELS, Scene, render
from examples.demo.train import Net, hits, train, truth
from examples.training import begin, pictures

SIZE = 64
"""Pixels a side; half of the demo's, so that it is a matter of minutes."""
TEST, THRESHOLD = 500_000, 0.2
"""The seed of the first new scene; the part of the maximum from which on a cell counts as lit."""


class Maximum(Net):
    """The largest cell of each channel in place of the mean."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.stage3(self.stage2(self.stage1(self.stem(image))))
        logits: torch.Tensor = self.head(x.amax(dim=(2, 3)))
        return logits


def rendered(count: int, first: int) -> list[Scene]:
    """Scenes of one to three classes."""
    return [render(i, count=1 + i % 3, size=SIZE) for i in range(first, first + count)]


def tensors(scenes: list[Scene]) -> tuple[torch.Tensor, torch.Tensor]:
    """Pixels uint8 [N, 3, SIZE, SIZE], and equal shares for the classes that are there [N, C]."""
    return pictures(scenes), torch.stack([truth(scene) for scene in scenes])


def maps(net: Net, scene: Scene) -> Array:
    """ReLU(sum_k w_k^c A^k) of each thing, [things, SIZE, SIZE]: Grad-CAM of either head.

    Under a maximum the whole gradient w_k falls on one cell, and its mean is w_k / S as well.
    """
    image = torch.from_numpy(scene.pixels).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        A = net.stage3(net.stage2(net.stage1(net.stem(image))))[0].numpy()
    rows = [LABELS.index(thing.label) for thing in scene.things]
    L = np.einsum("ck,kij->cij", net.head.weight.detach().numpy()[rows], A)
    return heatmap(np.maximum(L, 0), (SIZE, SIZE))


def measured(net: Net, scenes: list[Scene]) -> dict[str, float]:
    """Means over all things of the scenes."""
    found = np.concatenate([maps(net, scene) for scene in scenes])
    boxes = [[thing.box] for scene in scenes for thing in scene.things]
    values = {
        name: METRICS[name](found, boxes)
        for name in ("pointing game", "energy in box", "box overlap")
    }
    values["covered"] = np.array(
        [covered(one, box) for one, (box,) in zip(found, boxes, strict=True)]
    )
    return {name: float(np.nanmean(each)) for name, each in values.items()}


def covered(one: Array, box: tuple[float, float, float, float]) -> float:
    """The share of the object's box where the map is above THRESHOLD of its maximum."""
    left, top, right, bottom = map(round, box)
    return float((one[top:bottom, left:right] > THRESHOLD * one.max()).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=2500, help="rendered for training")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--new", type=int, default=300, help="new scenes to measure on")
    given = parser.parse_args()
    known, scenes = rendered(given.scenes, first=0), rendered(given.new, first=TEST)
    x, y = tensors(known)
    for name, kind in (("average", Net), ("maximum", Maximum)):
        begin()
        net = kind(len(LABELS))
        train(net, x, y, epochs=given.epochs)
        figures = {"all classes right": hits(net, *tensors(scenes)), **measured(net, scenes)}
        print(f"{name}: {', '.join(f'{what} {value:.3f}' for what, value in figures.items())}")


if __name__ == "__main__":
    main()
