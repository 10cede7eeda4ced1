"""One sample of torch's table: a module, an exported model, and its gradient in three ways."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import onnx
import onnxruntime as ort
import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

from tests.gradients import gradients, reaching, recognised

SAMPLES = 3
"""How many of an operator's samples are tried."""
DRAWN = 60
"""How many they are chosen from."""
LARGEST = 20000
"""Elements that a sample may have."""
OPSETS = {"torchscript": 17, "dynamo": 20}
MAX_IR = 10
TOLERANCE = 1e-4
"""Relative, in float32, where both sides have sums of their own."""
Exporter = Literal["torchscript", "dynamo"]


class Sampled(torch.nn.Module):
    """An operator with one sample's arguments; the floats among them are the inputs."""

    def __init__(self, function: Any, arguments: Any) -> None:
        super().__init__()
        self.function = function
        self.leaves, self.tree = tree_flatten(arguments)
        self.places = [i for i, leaf in enumerate(self.leaves) if floats(leaf)]

    def inputs(self) -> list[torch.Tensor]:
        return [self.leaves[i].detach().clone() for i in self.places]

    def forward(self, *given: torch.Tensor) -> torch.Tensor:
        leaves = list(self.leaves)
        for place, value in zip(self.places, given, strict=True):
            leaves[place] = value
        args, kwargs = tree_unflatten(leaves, self.tree)
        found = [y for y in tree_flatten(self.function(*args, **kwargs))[0] if floats(y)]
        if not found:
            raise TypeError("gives no float")
        return found[0] if len(found) == 1 else torch.cat([y.reshape(-1) for y in found])


def floats(leaf: Any) -> bool:
    """In float64 too, for differences."""
    return isinstance(leaf, torch.Tensor) and leaf.dtype in (torch.float32, torch.float64)


def operators() -> list[Any]:
    """torch's table, those with a derivative in float32."""
    from torch.testing._internal.common_methods_invocations import op_db

    return [o for o in op_db if torch.float32 in o.dtypes and o.supports_autograd]


def samples(operator: Any) -> list[tuple[int, Sampled]]:
    """The first, the last and one between of those that are small enough, each with its number."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - some of torch's samples are drawn from it
    found = operator.sample_inputs("cpu", torch.float32, requires_grad=False)
    fit = []
    for number, sample in enumerate(itertools.islice(found, DRAWN)):
        module = Sampled(operator.op, ((sample.input, *sample.args), sample.kwargs))
        if 0 < sum(x.numel() for x in module.inputs()) <= LARGEST:
            fit.append((number, module))
    places = sorted({round(i * (len(fit) - 1) / (SAMPLES - 1)) for i in range(SAMPLES)})
    return [fit[i] for i in places] if fit else []


def exported(module: Sampled, exporter: Exporter) -> onnx.ModelProto:
    file = io.BytesIO()
    inputs = tuple(module.inputs())
    names = [f"x{i}" for i in range(len(inputs))]
    common: Any = {"input_names": names, "output_names": ["y"]}
    program = torch.onnx.export(
        module.eval(),
        inputs,
        None if exporter == "dynamo" else file,
        dynamo=exporter == "dynamo",
        opset_version=OPSETS[exporter],
        **common,
        **({"verbose": False} if exporter == "dynamo" else {}),
    )
    if program is not None and exporter == "dynamo":
        model: onnx.ModelProto = program.model_proto
    else:
        model = onnx.load_from_string(file.getvalue())
    model.ir_version = min(model.ir_version, MAX_IR)
    return model


def session(model: onnx.ModelProto) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def by_autograd(module: Sampled) -> tuple[Any, Any, list[Any]]:
    """y, a cotangent of it and the gradients of all inputs, 0 where there is none."""
    inputs = [x.requires_grad_() for x in module.inputs()]
    y = module(*inputs)
    cot = torch.randn(y.shape, generator=torch.Generator().manual_seed(1))
    if not y.requires_grad:
        raise TypeError("no gradient in torch")
    found = torch.autograd.grad(y, inputs, cot, allow_unused=True)
    pairs = zip(found, inputs, strict=True)
    gradients = [(torch.zeros_like(x) if g is None else g).numpy() for g, x in pairs]
    return y.detach().numpy(), cot.numpy(), gradients


def by_rules(
    model: onnx.ModelProto, feed: dict[str, Any], cot: Any, asked: Sequence[str] = ()
) -> dict[str, Any]:
    """The gradients of those inputs (asked for, or all) that reach y, in onnxruntime."""
    graph = recognised(model)
    wanted = reaching(graph, asked or feed)
    return gradients(graph, feed, cot, wanted) if wanted else {}


def same(a: Any, b: Any) -> bool:
    """Equal up to rounding, whatever is infinite or not a number included."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.shape != b.shape:
        return False
    finite = np.isfinite(a)
    if not np.array_equal(finite, np.isfinite(b)) or not np.array_equal(
        a[~finite], b[~finite], equal_nan=True
    ):
        return False
    size = max(np.linalg.norm(a[finite]), np.linalg.norm(b[finite]))
    return bool(np.linalg.norm(a[finite] - b[finite]) <= TOLERANCE * size + 1e-6)


def by_differences(module: Sampled, cot: Any, place: int, g: Any) -> bool:
    """Is g the derivative along a random direction, in float64?"""
    rng, step = np.random.default_rng(2), 1e-6
    v = torch.tensor(rng.normal(size=g.shape))
    moved = []
    for sign in (1, -1):
        inputs = [x.double() for x in module.inputs()]
        inputs[place] = inputs[place] + sign * step * v
        moved.append(module(*inputs).detach().numpy())
    slope = float(np.sum(cot * (moved[0] - moved[1])) / (2 * step))
    size = float(np.linalg.norm(g) * np.linalg.norm(v.numpy()))
    return abs(slope - float(np.sum(g * v.numpy()))) <= TOLERANCE * size + 1e-6
