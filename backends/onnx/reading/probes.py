"""Dynamic extents, and the two numbers that stand for each while a graph is probed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

import onnx

Pairs = dict[str, tuple[int, int]]

BATCH_PROBE = (5, 7)
ONE_ROW = (1, 1)
"""Tried last, where an output is declared so: an exporter baked its example's batch in."""
SPACE_PROBES = (((224, 288), (256, 320), (352, 384)), ((1024, 1536),), ((16384, 20480),))
"""Pairs for the other dynamic extents: images first, then long signals."""


def inputs(model: onnx.ModelProto) -> list[onnx.ValueInfoProto]:
    weights = {t.name for t in model.graph.initializer}
    return [i for i in model.graph.input if i.name not in weights]


def symbol(info: onnx.ValueInfoProto, axis: int) -> str:
    dim = info.type.tensor_type.shape.dim[axis]
    return dim.dim_param or ("batch" if axis == 0 else f"{info.name}_{axis}")


def symbols(model: onnx.ModelProto) -> Iterator[tuple[str, bool]]:
    """(symbol, is it a batch) of every dynamic extent of the inputs."""
    seen = set()
    for info in inputs(model):
        for axis, dim in enumerate(info.type.tensor_type.shape.dim):
            name = symbol(info, axis)
            if not dim.HasField("dim_value") and name not in seen:
                seen.add(name)
                yield name, axis == 0


def assign(
    names: Sequence[tuple[str, bool]],
    spaces: Sequence[tuple[int, int]],
    batch: tuple[int, int],
    taken: Collection[tuple[int, int]],
) -> Pairs:
    """A pair of numbers each, other than those taken."""
    pairs: Pairs = {}
    batches, places = 0, 0
    for name, is_batch in names:
        if is_batch:
            while name not in pairs or (pairs[name] in taken and batch != ONE_ROW):
                step = 0 if batch == ONE_ROW else 6 * batches
                pairs[name] = (batch[0] + step, batch[1] + step)
                batches += 1
        else:
            while name not in pairs or pairs[name] in taken:
                low, high = spaces[places % len(spaces)]
                step = 32 * (places // len(spaces))
                pairs[name] = (low + step, high + step)
                places += 1
    return pairs


def pair_of(name: str, probed: Pairs) -> tuple[int, int] | None:
    """What stood for an extent of the graphs around a body."""
    computed = re.fullmatch(r"(\d+)\|(\d+)", name)
    return (int(computed[1]), int(computed[2])) if computed else probed.get(name)
