"""What the evidence is gathered on: models, and of each picture what is asked and where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from backends.onnx import OnnxBackend
from benchmarks.ranking import learning
from benchmarks.ranking.nets import SIDE
from cam_core.backend import Array
from cam_core.ranking.asking import asked_of
from cam_core.sources.boxes import Labelled
from cam_core.targets import ClassTarget, ScoredTarget, SimilarTarget, parse_target
from examples.demo.scenes import Scene
from examples.heads.scenes import CLASSES, SIZE, known
from examples.heads.train import MODEL

FIRST = 3_000_000
"""The seed of the first scene, which no model has learnt from."""
MEAN, DEVIATION = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
"""Of CIFAR-10."""


class Pictured(NamedTuple):
    """A picture with its questions: each has the boxes [B, 4] of its own object."""

    x: Array
    asked: list[tuple[ScoredTarget, Array]]


class Model(NamedTuple):
    """One network, and pictures that it has not seen."""

    backend: OnnxBackend
    right: float | None
    """How often it is, where that was measured."""
    pictures: list[Pictured]


class Head(NamedTuple):
    """A row of the table."""

    told: str
    models: Callable[[Path, int], Iterator[Model]]
    """In a folder, on so many pictures in all."""
    needs: str = ""
    """A file beneath the folder of data, where it is no network of ours."""


def taught(name: str) -> Callable[[Path, int], Iterator[Model]]:
    """Two networks of a kind from two seeds, each on half of the scenes."""

    def models(folder: Path, count: int) -> Iterator[Model]:
        for seed in (0, 1):
            path, right = learning.learn(name, seed, folder)
            half = range(FIRST + seed * (count // 2), FIRST + (seed + 1) * (count // 2))
            yield Model(OnnxBackend(path), right, [coloured(known(i).scene) for i in half])

    return models


def coloured(scene: Scene) -> Pictured:
    """Which of its colours is asked for; at half the size."""
    scale = SIZE // SIDE
    x = pixels(scene).reshape(1, 3, SIDE, scale, SIDE, scale).mean(axis=(3, 5))
    found = labelled(scene, learning.colours(scene), learning.CLASSES, 1 / scale)
    return Pictured(x, [(ClassTarget(index), boxes) for index, boxes in found])


def labelled(
    scene: Scene, words: list[str], names: tuple[str, ...], scale: float = 1.0
) -> list[tuple[int, Array]]:
    """Each class that is there, with all boxes of it, as `gradcam rank` asks."""
    corners = [[scale * edge for edge in thing.box] for thing in scene.things]
    own = [Labelled(word, *box) for word, box in zip(words, corners, strict=True)]
    found = asked_of(own, names, len(names), each=False)
    return [(int(one.target), one.boxes) for one in found]


def pixels(scene: Scene) -> Array:
    """[1, 3, H, W], / 255."""
    return scene.pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255


def segmenter(folder: Path, count: int) -> Iterator[Model]:
    """The shapes of a scene, each by its region in the map of classes."""
    backend = OnnxBackend(MODEL, score="classes")
    found = []
    for i in range(FIRST, FIRST + count):
        scene = known(i).scene
        words = [thing.label.split()[1] for thing in scene.things]
        asked = [
            (parse_target(f"region:{index}", CLASSES, head=backend.heads()[0])[0], boxes)
            for index, boxes in labelled(scene, words, CLASSES)
        ]
        found.append(Pictured(pixels(scene), asked))
    yield Model(backend, None, found)


def embedding(folder: Path, count: int) -> Iterator[Model]:
    """Each of two things that share nothing, by its likeness to scenes with its like alone."""
    backend = OnnxBackend(MODEL, score="embedding")
    found: list[Pictured] = []
    seed = FIRST
    while len(found) < count:
        scene, seed = known(seed, things=(2, 2)).scene, seed + 1
        labels = [thing.label for thing in scene.things]
        if not set(labels[0].split()) & set(labels[1].split()):
            asked: list[tuple[ScoredTarget, Array]] = [
                (SimilarTarget(vectors()[thing.label]), np.array([thing.box]))
                for thing in scene.things
            ]
            found.append(Pictured(pixels(scene), asked))
    yield Model(backend, None, found)


@cache
def vectors() -> dict[str, Array]:
    """By label the mean of embeddings of scenes with such a thing alone, [1, 16]."""
    backend = OnnxBackend(MODEL, score="embedding")
    by_label: dict[str, list[Array]] = {}
    for seed in range(FIRST - 600, FIRST):
        scene = known(seed, things=(1, 1)).scene
        y = backend.forward({"image": pixels(scene)})["embedding"]
        by_label.setdefault(scene.things[0].label, []).append(y / np.linalg.norm(y))
    return {label: np.mean(each, axis=0) for label, each in by_label.items()}


def planted(data: Path, count: int) -> Iterator[Model]:
    """CIFAR-10 at half size in a quarter of an empty picture; those that the model still knows."""
    backend = OnnxBackend(data / "models" / "cifar10-vit.onnx")
    given = np.load(data / "cifar10_242.npz")
    shaped = (np.reshape(each, (3, 1, 1)) for each in (MEAN, DEVIATION))
    middle, spread = shaped
    x = ((given["x"] / 255 - middle) / spread).astype(np.float32)
    small = x.reshape(-1, 3, 16, 2, 16, 2).mean(axis=(3, 5))
    found: list[Pictured] = []
    for i, (photo, label) in enumerate(zip(small, given["y"].tolist(), strict=True)):
        for quarter in range(4):  # another one first for each photo
            top, left = 16 * ((i + quarter) % 4 // 2), 16 * ((i + quarter) % 2)
            picture = np.zeros((1, 3, 32, 32), np.float32)
            picture[0, :, top : top + 16, left : left + 16] = photo
            (y,) = backend.forward(picture).values()
            if y.argmax() == label:
                box = np.array([[left, top, left + 16, top + 16]], np.float64)
                found.append(Pictured(picture, [(ClassTarget(label), box)]))
                break
    yield Model(backend, None, found[:count])


HEADS = {
    "gap": Head("convolutions, mean, linear, softmax", taught("gap")),
    "gmp": Head("convolutions, maximum, linear, softmax", taught("gmp")),
    "hidden": Head("convolutions, mean, two layers, sigmoid of each label", taught("hidden")),
    "flat": Head("convolutions, flattened, two layers, softmax (as VGG)", taught("flat")),
    "mixer": Head("depthwise mixers, mean, norm, linear (as ConvNeXt)", taught("mixer")),
    "vit-token": Head("transformer, class token", taught("vit-token")),
    "vit-mean": Head("transformer, mean of tokens", taught("vit-mean")),
    "windows": Head("transformer with windows, mean of tokens (as Swin)", taught("windows")),
    "segmenter": Head("segmenter, a class's region", segmenter),
    "embedding": Head("embedding, likeness to a thing", embedding),
    "cifar10-vit": Head(
        "a transformer of three blocks on CIFAR-10 in a quarter", planted, "models/cifar10-vit.onnx"
    ),
}
"""By name."""
