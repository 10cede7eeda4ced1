"""Teaches the networks of `nets` to name the colours in a scene, and writes them as .onnx."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from benchmarks.ranking.nets import SIDE, Flattened, Mixed, Pooled, Transformer
from examples.coloured import COLOURS
from examples.demo.scenes import Scene
from examples.heads.scenes import SIZE, known
from examples.training import begin, export, fit, pictures, unscaled

CLASSES = tuple(COLOURS)
SCENES, EPOCHS = 2000, 8
NEW = 500_000
"""The seed of the first scene that accuracy is measured on; training counts its own from 0."""


class Kind(NamedTuple):
    """What is taught."""

    make: Callable[[int], nn.Module]
    """Of so many classes."""
    each: bool = False
    """Is each class a question of its own (sigmoid), or do they share one (softmax)?"""


KINDS = {
    "gap": Kind(Pooled),
    "gmp": Kind(partial(Pooled, largest=True)),
    "hidden": Kind(partial(Pooled, hidden=32), each=True),
    "flat": Kind(Flattened),
    "mixer": Kind(Mixed),
    "vit-token": Kind(partial(Transformer, token=True)),
    "vit-mean": Kind(Transformer),
    "windows": Kind(partial(Transformer, windows=True)),
}


class Ended(nn.Module):
    """With a sigmoid of each logit, which says that there may be several labels."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.net(image).sigmoid()
        return found


class Learnt(NamedTuple):
    """One that has learnt."""

    path: Path
    right: float
    """In what share of new scenes the k colours that are there are its k best."""


def learn(name: str, seed: int, folder: Path) -> Learnt:
    """Seconds to a minute on one core; the same file each time on one machine."""
    kind = KINDS[name]
    begin()
    torch.manual_seed(seed)
    net, (x, y) = kind.make(len(CLASSES)), data(SCENES, 0)

    def loss(batch: torch.Tensor) -> torch.Tensor:
        image = halved(x[batch])
        logits = net(image.flip(-1) if torch.rand(()) < 0.5 else image)
        if kind.each:
            return nn.functional.binary_cross_entropy_with_logits(logits, y[batch])
        return nn.functional.cross_entropy(logits, y[batch] / y[batch].sum(dim=1, keepdim=True))

    with contextlib.redirect_stdout(io.StringIO()):
        fit(net, SCENES, loss, epochs=EPOCHS)
        path, image = folder / f"{name}-{seed}.onnx", torch.rand(2, 3, SIDE, SIDE)
        free, facts = {0: "batch"}, {"cam.preprocess": unscaled()}
        whole = Ended(net) if kind.each else net
        named = {"image": free, "scores": free}
        export(whole, {"image": image}, named, "scores", path, facts)
    return Learnt(path, hits(net, *data(300, NEW)))


@cache
def data(count: int, first: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures uint8 [N, 3, SIZE, SIZE], and 1 where a colour is there [N, C]."""
    scenes = [known(seed).scene for seed in range(first, first + count)]
    there = [[float(colour in colours(scene)) for colour in CLASSES] for scene in scenes]
    return pictures(scenes), torch.tensor(there)


def colours(scene: Scene) -> list[str]:
    """Of its things."""
    return [thing.label.split()[0] for thing in scene.things]


def halved(x: torch.Tensor) -> torch.Tensor:
    """As the network takes it: pixels / 255, two by two as one."""
    return nn.functional.avg_pool2d(x.float() / 255, SIZE // SIDE)


def hits(net: nn.Module, x: torch.Tensor, y: torch.Tensor) -> float:
    """The share of scenes whose k classes are the k best."""
    with torch.no_grad():
        logits = net.eval()(halved(x))
    count = y.sum(dim=1, keepdim=True).long()
    least = logits.sort(dim=1, descending=True).values.gather(1, count - 1)
    return float(((logits >= least) == (y > 0)).all(dim=1).float().mean())
