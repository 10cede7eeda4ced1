"""Convolutions, pools and enlargements: other cells over the same window of the picture."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from ...reading.graph import Node
from ...reading.kinds import POOLS
from ...reading.units import channels_last
from .cells import beyond, stretched
from .factors import SWEPT, Axes, descends, fresh, loss, lost
from .table import Step, moves


def over_windows(step: Step, output: int = 0, *, mixes: bool) -> Axes | None:
    """[N, C, *S] -> [N, K, *S'], or channels last where the runtime laid it out so.

    What a Pad put round the picture for this operator alone counts as its own pads.

    mixes: the channels are new ones.
    """
    shape = step.made[output]
    if shape is None:
        return None
    channels = len(shape) - 1 if channels_last(step.node) else 1
    pairs = zip(step.before_pads or step.x, shape, strict=True)
    found = [stretched(axis, extent, step.lost()) for axis, extent in pairs]
    for at, (before, stride) in overpadded(step, shape).items():
        found[at] = beyond(step.x[at], shape[at], before, stride) or found[at]
    for at in (i for i, axis in enumerate(found) if not descends(axis) and loss(axis) is None):
        found[at] = fresh(shape[at], SWEPT)
    found[0] = step.x[0]
    found[channels] = fresh(shape[channels]) if mixes else step.x[channels]
    return tuple(found)


def overpadded(step: Step, shape: Sequence[int]) -> dict[int, tuple[Fraction, int]]:
    """By axis, where more is padded than keeps the picture's size: (cells before it, stride).

    What makes no cell more is left to the even tiling of the window.
    """
    size, attrs, before = windows_of(step.node), step.attrs, step.shapes[0]
    automatic = attrs.get("auto_pad", "NOTSET") not in ("NOTSET", b"NOTSET", "VALID", b"VALID")
    if size is None or before is None or automatic or step.operator not in {"Conv", *POOLS}:
        return {}
    if step.before_pads is not None or channels_last(step.node) or len(size) != len(shape) - 2:
        return {}
    pads, strides = attrs.get("pads") or [0] * len(size), attrs.get("strides") or [1] * len(size)
    found = {}
    for i, (kernel, stride) in enumerate(zip(size, strides, strict=True)):
        lead = pads[i] - Fraction(kernel - stride, 2)
        if shape[i + 2] * stride - before[i + 2] >= stride:
            found[i + 2] = lead, int(stride)
    return found


def windows_of(node: Node) -> list[int] | None:
    """The extents of a convolution's or pool's window, gaps included."""
    kernel = node.attrs.get("kernel_shape")
    if kernel is None and len(node.inputs) > 1 and node.inputs[1].shape is not None:
        kernel = node.inputs[1].shape[2:]
    if kernel is None or not all(isinstance(k, int) for k in kernel):
        return None
    gaps = node.attrs.get("dilations") or [1] * len(kernel)
    return [1 + (int(k) - 1) * int(gap) for k, gap in zip(kernel, gaps, strict=True)]


@moves("Conv", "ConvTranspose", "DeformConv", "ConvInteger")
@moves("NhwcConv", "NhwcFusedConv", "FusedConv", domain="com.microsoft")
def convolved(step: Step) -> Sequence[Axes | None]:
    return [over_windows(step, mixes=True)]


@moves("MaxPool", "AveragePool", "LpPool")
@moves("NhwcMaxPool", domain="com.microsoft")
def pooled(step: Step) -> Sequence[Axes | None]:
    """The second output are indices, at the same places."""
    return [over_windows(step, i, mixes=False) for i in range(len(step.made))]


@moves("MaxUnpool")
def unpooled(step: Step) -> Sequence[Axes | None]:
    return [over_windows(step, mixes=False)]


@moves("Resize", "Upsample")
def resized(step: Step) -> Sequence[Axes | None]:
    """The whole window, unless a part of it is cut out."""
    shape = step.made[0]
    if shape is None:
        return [None]
    if step.attrs.get("coordinate_transformation_mode") == "tf_crop_and_resize":
        return [step.unknown()]
    pairs = zip(step.x, shape, strict=True)
    return [tuple(stretched(axis, extent, step.lost()) for axis, extent in pairs)]


@moves("GridSample")
def sampled(step: Step) -> Sequence[Axes | None]:
    """Where each cell is taken from, the grid says: places are lost, rows and channels stay."""
    shape = step.made[0]
    if shape is None:
        return [None]
    return [(*step.x[:2], *(lost(extent, step.lost()) for extent in shape[2:]))]


@moves("RoiAlign", "MaxRoiPool")
def cut_out(step: Step) -> Sequence[Axes | None]:
    """Rows are regions of the data's own choosing."""
    shape = step.made[0]
    if shape is None:
        return [None]
    rows, _, *space = shape
    places = [lost(extent, step.lost()) for extent in space]
    return [(lost(rows, step.lost()), step.x[1], *places)]


@moves("Col2Im")
def folded(step: Step) -> Sequence[Axes | None]:
    """Blocks [N, C k, L] put back in place: which block lies where, L does not say."""
    shape = step.made[0]
    if shape is None:
        return [None]
    rest = (lost(extent, step.lost()) for extent in shape[2:])
    return [(step.x[0], fresh(shape[1]), *rest)]


@moves("STFT")
def framed(step: Step) -> Sequence[Axes | None]:
    """[N, L, 1] -> [N, frames, frequencies, 2]: the frames tile the signal."""
    shape = step.made[0]
    if shape is None:
        return [None]
    frames = stretched(step.x[1], shape[1], step.lost())
    return [(step.x[0], frames, fresh(shape[2]), fresh(shape[3]))]


@moves("DFT")
def transformed(step: Step) -> Sequence[Axes | None]:
    """Frequencies instead of places along one axis, two parts of a number on the last."""
    shape, given = step.made[0], step.value(2)
    if shape is None:
        return [None]
    at = int(given) if given is not None else int(step.attrs.get("axis", -2))
    found = list(step.x)
    found[at % len(found)] = fresh(shape[at % len(found)])
    found[-1] = fresh(shape[-1])
    return [tuple(found)]
