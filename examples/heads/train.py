"""Makes heads.onnx again: one encoder with four heads, a score of each kind.

    python -m examples.heads.train        # a few minutes on one core

Input: image [N, 3, 96, 96], pixels / 255. Outputs: classes [N, 4, 96, 96], logits of background,
circle, square and triangle at each pixel; depth [N, 1, 96, 96], how many pixels a place lies
inside a thing; count [N, 1], how many things there are; embedding [N, 16], whose cosine to that
of another scene is the one of their lists of things.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import nn

from examples.coloured import LABELS
from examples.heads.scenes import CLASSES, known
from examples.training import begin, describe, fit, listed, pictures, unit, unscaled

MODEL = Path(__file__).with_name("heads.onnx")
OUTPUTS = ("classes", "depth", "count", "embedding")
FINE, COARSE, EMBEDDED = 32, 48, 16
STRIDE = 4
"""Pixels between the places of the finest features."""


class Heads(nn.Module):
    """Picture -> classes and depth at places, a count, an embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = unit(3, 24, kernel=8, stride=STRIDE, padding=2)
        self.fine = unit(24, FINE)
        self.coarse = nn.Sequential(unit(FINE, COARSE, stride=2), unit(COARSE, COARSE))
        self.features = unit(FINE + COARSE, FINE)
        self.whole = unit(COARSE, COARSE)
        self.classes = nn.Conv2d(FINE, len(CLASSES), 1)
        self.depth = nn.Conv2d(FINE, 1, 1)
        self.count = nn.Linear(FINE, 1)
        self.embedding = nn.Linear(COARSE, EMBEDDED)

    def raw(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """As forward, at every STRIDE-th pixel."""
        fine = self.fine(self.stem(image))
        coarse = self.coarse(fine)
        above = nn.functional.interpolate(coarse, scale_factor=2.0)
        features = self.features(torch.cat([fine, above], dim=1))
        whole = self.whole(coarse)
        return (
            self.classes(features),
            self.depth(features),
            self.count(features.mean(dim=(2, 3))),
            self.embedding(whole.mean(dim=(2, 3))),
        )

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        classes, depth, count, embedding = self.raw(image)
        return upward(classes), upward(depth), count, embedding


def upward(x: torch.Tensor) -> torch.Tensor:
    """[N, K, 24, 24] -> [N, K, 96, 96], linear in between."""
    return nn.functional.interpolate(
        x, scale_factor=float(STRIDE), mode="bilinear", align_corners=False
    )


def data(count: int, first: int) -> tuple[torch.Tensor, ...]:
    """Pictures, classes and depth at every STRIDE-th pixel, counts, and how often each label."""
    scenes = [known(seed) for seed in range(first, first + count)]
    some = slice(STRIDE // 2, None, STRIDE)
    names = [[thing.label for thing in each.scene.things] for each in scenes]
    return (
        pictures([each.scene for each in scenes]),
        torch.from_numpy(np.stack([each.classes[some, some] for each in scenes])),
        torch.from_numpy(np.stack([each.depth[some, some] for each in scenes]))[:, None],
        torch.tensor([[float(len(own))] for own in names]),
        torch.tensor([[float(own.count(label)) for label in LABELS] for own in names]),
    )


def cosines(x: torch.Tensor) -> torch.Tensor:
    """Of each row with each [N, N]."""
    along = nn.functional.normalize(x, dim=1)
    return along @ along.T


def train(net: Heads, given: tuple[torch.Tensor, ...], *, epochs: int) -> None:
    """Cross-entropy of the classes, squares of the rest."""
    x, classes, depth, count, things = given

    def loss(batch: torch.Tensor) -> torch.Tensor:
        found = net.raw(x[batch].float() / 255)
        return (
            nn.functional.cross_entropy(found[0], classes[batch])
            + 0.1 * nn.functional.mse_loss(found[1], depth[batch])
            + nn.functional.mse_loss(found[2], count[batch])
            + 10 * nn.functional.mse_loss(cosines(found[3]), cosines(things[batch]))
        )

    fit(net, len(x), loss, epochs=epochs)


def hits(net: Heads, given: tuple[torch.Tensor, ...]) -> str:
    """How good the heads are on scenes that were in no training."""
    x, classes, depth, count, things = given
    with torch.no_grad():
        found = net.raw(x.float() / 255)
    right = (found[0].argmax(dim=1) == classes).float().mean()
    inside = (found[1] - depth).abs()[depth > 0].mean()
    counted = (found[2].round() == count).float().mean()
    apart = (cosines(found[3]) - cosines(things)).abs().mean()
    return (
        f"classes right at {right:.1%} of places, depth off by {inside:.2f} pixels inside things, "
        f"counts right in {counted:.1%}, cosines off by {apart:.3f}"
    )


def write(net: Heads, path: Path) -> None:
    """The .onnx file with its metadata."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net.eval(),
            (torch.rand(2, 3, 96, 96),),
            str(path),
            input_names=["image"],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "batch"} for name in ("image", *OUTPUTS)},
            opset_version=17,
            dynamo=False,
        )
    describe(path, {"cam.labels": listed(CLASSES), "cam.preprocess": unscaled()})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=4000, help="rendered for training")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("-o", "--output", type=Path, default=MODEL)
    given = parser.parse_args()
    begin()
    net = Heads()
    train(net, data(given.scenes, first=0), epochs=given.epochs)
    print(hits(net, data(500, first=500_000)))
    write(net, given.output)


if __name__ == "__main__":
    main()
