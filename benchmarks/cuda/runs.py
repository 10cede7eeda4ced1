"""What benchmarks.cuda times: sessions from device memory to device memory, and the peers."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.tools.onnx_model_utils import fix_output_shapes, make_input_shape_fixed

from backends.onnx import Bound, instrument
from cam_core import Layout

from ..speed.blocks import Run
from ..speed.models import Model, file, net
from ..speed.peers import CLASS, PEERS
from ..speed.sessions import picture

GRAPH = {"enable_cuda_graph": True}
PROVIDERS = {"cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}
LEVEL = {"cuda": "all", "cpu": "extended"}
"""At `all`, onnxruntime 1.31 crashes while it loads a plain float16 ViT for the CPU."""


def candidates(
    model: Model, kind: str, x: Any, asked: Any
) -> Iterator[tuple[str, Callable[[], Run]]]:
    """Name -> what prepares its run: opens the session, moves the module."""
    path = source(model, kind, asked.folder, asked.size)
    ours = instrument(path, layer=model.module)
    fixed = instrument(path, layer=model.module, static=x.shape)
    plain = onnx.load(path)
    name = plain.graph.input[0].name
    feed = {name: x, "cam_class": np.full(len(x), CLASS)}
    yield "plain", lambda: bound(plain, {name: x}, asked.device)
    yield "explained", lambda: bound(ours, feed, asked.device)
    graph = [(asked.device, GRAPH if asked.device == "cuda" else {})]
    yield "graph", lambda: replayed(fixed_to(plain, x.shape), {name: x}, graph, asked.device)
    yield "graph explained", lambda: replayed(fixed, feed, graph, asked.device)
    facts = {entry.key: entry.value for entry in ours.metadata_props}
    yield from on_torch(model, kind, x, Layout.parse(facts["cam.layout"]), asked)


def source(model: Model, kind: str, home: Path, size: int) -> Path:
    """The file, in float32 or float16."""
    if kind == "float32":
        return file(model, home, size)
    path = home / f"{model.key}-{size}-{kind}.onnx"
    if not path.exists():
        from converters.torch import to_onnx

        home.mkdir(parents=True, exist_ok=True)
        x = picture((2, 3, size, size), kind)
        to_onnx(net(model, size).half(), x, path, exporter=model.exporter, verify=False)
    return path


def opened(model: onnx.ModelProto, device: str) -> ort.InferenceSession:
    """A session on the device, whose threads do not spin."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    level = f"ORT_ENABLE_{LEVEL[device].upper()}"
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(model.SerializeToString(), options, providers=[PROVIDERS[device]])


def bound(model: onnx.ModelProto, feed: Mapping[str, Any], device: str) -> Run:
    """A run from device memory to device memory."""
    session = opened(model, device)
    binding = session.io_binding()
    values = {n: ort.OrtValue.ortvalue_from_numpy(x, device, 0) for n, x in feed.items()}
    for name, value in values.items():
        binding.bind_ortvalue_input(name, value)
    names = [output.name for output in session.get_outputs()]
    for name in names:
        binding.bind_output(name, device, 0)
    session.run_with_iobinding(binding)
    made = dict(zip(names, binding.get_outputs(), strict=True))  # written over by each run
    made |= values  # kept: older versions hold no reference

    def run() -> object:
        session.run_with_iobinding(binding)  # waits for the device
        return made

    return run


def fixed_to(model: onnx.ModelProto, shape: Sequence[int]) -> onnx.ModelProto:
    """The model for pictures of this shape alone."""
    fixed = copy.deepcopy(model)
    make_input_shape_fixed(fixed.graph, fixed.graph.input[0].name, list(shape))
    fix_output_shapes(fixed)
    return fixed


def replayed(model: onnx.ModelProto, feed: Mapping[str, Any], providers: Any, device: str) -> Run:
    """A run of a CUDA graph; on the CPU, of bound buffers."""
    session = Bound(model, providers=providers, optimization=LEVEL[device])
    session.write(feed)

    def run() -> object:
        session.run()
        return session.outputs

    return run


def on_torch(
    model: Model, kind: str, x: Any, layout: Layout, asked: Any
) -> Iterator[tuple[str, Callable[[], Run]]]:
    """The module's own forward pass, and the peers."""
    import torch

    gc.collect()  # what the line before left: hooks make circles
    if asked.device == "cuda":
        torch.cuda.empty_cache()
        torch.backends.cudnn.benchmark = torch.backends.cudnn.allow_tf32 = True
        torch.set_float32_matmul_precision("high")
    module = net(model, asked.size).to(asked.device, getattr(torch, kind))
    pictures = torch.as_tensor(x, device=asked.device)

    def forward() -> object:
        with torch.no_grad():
            return module(pictures)

    yield "torch", lambda: waiting(forward, asked.device)
    for name in ("pytorch-grad-cam", "captum"):
        yield name, partial(peer, name, copy.deepcopy(module), model, pictures, layout)


def peer(name: str, module: Any, model: Model, pictures: Any, layout: Layout) -> Run:
    """One of the peers."""
    return waiting(PEERS[name](module, model.module, pictures, layout), pictures.device.type)


def waiting(run: Run, device: str) -> Run:
    """A run that ends with the device idle."""
    import torch

    def both() -> object:
        found = run()
        torch.cuda.synchronize()
        return found

    return both if device == "cuda" else run


def on_cpu(model: Model, kind: str, x: Any, asked: Any) -> Any:
    """The map of the same file."""
    path = source(model, kind, asked.folder, asked.size)
    ours = instrument(path, layer=model.module)
    session = opened(ours, "cpu")
    image = session.get_inputs()[0].name
    return session.run(["cam_map"], {image: x, "cam_class": np.array([CLASS])})[0]
