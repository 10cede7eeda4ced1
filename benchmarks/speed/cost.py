"""What an explanation costs in onnxruntime, in units of the plain forward pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from backends.onnx import instrument

from .blocks import beyond, ratio, spread
from .models import GROWING, Model, cut, file, layer_of
from .row import Row, Setting, ratios, reason
from .sessions import TOP, runner, session

SLOWER = 5
"""By how much fewer rounds onnx-ad gets: it takes up to 65 forward passes."""
FEW, MANY = (1, 5), (1, 2, 3, 5, 10)


def default(model: Model, setting: Setting) -> Iterator[Row]:
    """One Grad-CAM at the default layer, on demand and always, beside the plain model twice."""
    path, threads = file(model, setting.folder), setting.threads
    gated = session(instrument(path, gate=True), threads)
    runs = {
        "plain": runner(session(path, threads)),
        "control": runner(session(path, threads)),
        "default": runner(session(instrument(path), threads), cam_class=TOP),
        "top:1": runner(session(instrument(path, target="top:1"), threads)),
        "open": runner(gated, cam_class=TOP, cam_enable=np.array(True)),
        "shut": runner(gated, cam_class=TOP, cam_enable=np.array(False)),
    }
    names = {"control": "plain again", "default": "default layer", "top:1": "top:1"}
    names |= {"shut": "gate shut", "open": "gate open"}
    yield from ratios("default", model.key, setting.time(runs), names)


def classes(model: Model, setting: Setting) -> Iterator[Row]:
    """Several classes of one picture, and the part of the forward pass after the layer."""
    path, threads = file(model, setting.folder), setting.threads
    counts = MANY if model.key in GROWING else FEW
    made = {f"top:{k}": instrument(path, target=f"top:{k}") for k in counts}
    runs = {"plain": runner(session(path, threads))}
    runs |= {"cut": runner(session(cut(path, layer_of(made["top:1"])), threads))}
    runs |= {name: runner(session(one, threads)) for name, one in made.items()}
    seconds = setting.time(runs)
    yield from ratios("classes", model.key, seconds, {name: name for name in made})
    yield Row("tail", model.key, "after the layer", beyond(seconds, "cut"))
    few, many, unit = seconds["top:1"], seconds["top:5"], seconds["plain"]
    further = [(m - f) / 4 / u for m, f, u in zip(many, few, unit, strict=True)]
    yield Row("tail", model.key, "one class more", spread(further))


def gradients(model: Model, setting: Setting) -> Iterator[Row]:
    """The gradient down to the input, plain and guided where that differs, and onnx-ad's."""
    path, threads = file(model, setting.folder), setting.threads
    wanted: dict[str, Any] = {"outputs": "input_gradients"}
    made = {"input gradient": instrument(path, **wanted)}
    guided = instrument(path, guided=True, **wanted)
    if guided.graph != made["input gradient"].graph:  # it has rectifiers
        made["guided input gradient"] = guided
    runs = {"plain": runner(session(path, threads))}
    runs |= {name: runner(session(one, threads), cam_class=TOP) for name, one in made.items()}
    yield from ratios("gradients", model.key, setting.time(runs), {name: name for name in made})
    try:
        twin, seed = onnx_ad(path)
        runs = {"plain": runs["plain"], "theirs": runner(session(twin, threads), **seed)}
        few = replace(setting, rounds=max(1, setting.rounds // SLOWER))
        yield Row("gradients", model.key, "onnx-ad", ratio(few.time(runs), "theirs"))
    except Exception as error:
        yield Row("gradients", model.key, "onnx-ad", note=reason(error))


def onnx_ad(path: Path) -> tuple[onnx.ModelProto, dict[str, Any]]:
    """Its reverse model, with the batch fixed to 1, which it needs, and a seed: one class."""
    import onnx_ad as peer

    model = onnx.load(path)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    x, y = model.graph.input[0].name, model.graph.output[0]
    twin = peer.reverse(model, inputs=[x], outputs=[y.name], layout="onnx")
    name = next(i.name for i in twin.graph.input if i.name.endswith(f"_{y.name}"))
    seed = np.zeros([*(d.dim_value for d in y.type.tensor_type.shape.dim), 1], np.float32)
    seed[0, 0] = 1
    return twin, {name: seed}
