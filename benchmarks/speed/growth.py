"""How the cost grows with the batch, the size of the pictures and the depth of the layer."""

from __future__ import annotations

from collections.abc import Iterator

from backends.onnx import instrument

from .blocks import beyond, ratio
from .models import Model, cut, file, layer_of
from .row import Row, Setting, ratios
from .sessions import TOP, runner, session

SIZES = (224, 320, 448)
BATCHES = {"resnet50": (1, 8, 32), "mobilenet_v2": (1, 2, 4, 8, 16, 32)}
STAGES = ("layer4", "layer3", "layer2", "layer1")
"""Of a ResNet, from last to first."""


def batch(model: Model, setting: Setting) -> Iterator[Row]:
    """Images per second, explained, in units of the plain model's at the same batch."""
    path, threads = file(model, setting.folder), setting.threads
    plain, made = session(path, threads), session(instrument(path), threads)
    for n in BATCHES[model.key]:
        runs = {"plain": runner(plain, n), "ours": runner(made, n, cam_class=TOP)}
        found = ratio(setting.time(runs), "plain", unit="ours")
        yield Row("batch", model.key, f"batch {n}", found, "x plain images/s")


def resolution(model: Model, setting: Setting) -> Iterator[Row]:
    """The default layer for larger pictures; each size is a file of its own."""
    for size in SIZES:
        path, threads = file(model, setting.folder, size), setting.threads
        made = session(instrument(path), threads)
        runs = {"plain": runner(session(path, threads)), "ours": runner(made, cam_class=TOP)}
        found = ratio(setting.time(runs), "ours")
        yield Row("resolution", model.key, f"{size} x {size}", found)


def depth(model: Model, setting: Setting) -> Iterator[Row]:
    """Every stage of the network, with the forward's own cost after it."""
    path, threads = file(model, setting.folder), setting.threads
    runs = {"plain": runner(session(path, threads))}
    for stage in STAGES:
        made = instrument(path, layer=stage)
        runs[stage] = runner(session(made, threads), cam_class=TOP)
        runs[f"{stage} cut"] = runner(session(cut(path, layer_of(made)), threads))
    seconds = setting.time(runs)
    yield from ratios("depth", model.key, seconds, {stage: stage for stage in STAGES})
    for stage in STAGES:
        yield Row("depth", model.key, f"after {stage}", beyond(seconds, f"{stage} cut"))
