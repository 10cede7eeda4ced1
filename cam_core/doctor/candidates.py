"""The ways of making an input of a photo that are tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..backend import Array, InputInfo
from ..image import PRESETS, Preprocess, preprocess
from ..image.preprocess import find_channel_axis, find_channels, find_size
from ..rows import filled

Numbers = tuple[float, ...]

RANGES: dict[str, tuple[Numbers, Numbers, float]] = {
    "0-255": ((0.0,), (1.0,), 1.0),
    "0-1": ((0.0,), (1.0,), 1 / 255),
    "-1..1": ((1.0,), (1.0,), 1 / 127.5),
    "ImageNet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 1 / 255),
    "CLIP": (
        (0.48145466, 0.4578275, 0.40821073),
        (0.26862954, 0.26130258, 0.27577711),
        1 / 255,
    ),
    "0-255 less the mean": ((123.0, 117.0, 104.0), (1.0,), 1.0),
}
"""What becomes of a pixel 0..255: (mean, std, scale), red first."""
FITS: dict[str, tuple[str, float]] = {
    "crop": ("crop", 256 / 224),
    "crop without a margin": ("crop", 1.0),
    "stretch": ("stretch", 1.0),
    "letterbox": ("letterbox", 1.0),
    "corner": ("corner", 1.0),
}
"""How a photo is made to fit: (fit, margin)."""
AS_IT_IS, OWN_COLOURS = "as it is fed", "its own colours"
"""What is fed now, and that with another fit."""
CLOSE = 1e-3
"""Settings that differ by less are the same."""


@dataclass(frozen=True)
class Candidate:
    """One way."""

    name: str
    spec: Preprocess
    info: InputInfo
    """What the model takes, with the layout that is tried."""
    reshaped: bool = False
    """The numbers of [H, W, C] in their order as [C, H, W], as a Reshape for a Transpose does."""

    def x(self, photo: Array) -> Array:
        """The input of a photo uint8 [H, W, 3], as often as a fixed batch has rows."""
        return filled(self._row(photo), self.info)

    def _row(self, photo: Array) -> Array:
        if not self.reshaped:
            return preprocess(photo, self.spec, self.info).x
        shape = tuple(self.info.shape)
        turned = (shape[0], *shape[2:], shape[1])
        other = replace(self.info, shape=turned, channel_axis=3)
        x = preprocess(photo, self.spec, other).x
        return x.reshape(x.shape[0], x.shape[3], *x.shape[1:3])


def current(spec: Preprocess, info: InputInfo) -> Candidate:
    """The one that would be used as it is."""
    return Candidate(AS_IT_IS, spec, info)


def colours(base: Preprocess, info: InputInfo, *, reshaped: bool = False) -> list[Candidate]:
    """Every range in either order, in each layout that the input may have; the fit stays.

    Of an input of whole numbers the range is its own; one channel has no order.

    Args:
        reshaped: try a Reshape in place of a Transpose, too.
    """
    whole = np.issubdtype(info.dtype, np.integer)
    ranges = list(RANGES)[:1] if whole else list(RANGES)
    found = []
    for layout in layouts(info):
        grey = find_channels(layout, find_channel_axis(layout)) == 1
        for bgr in (False,) if grey else (False, True):
            for name in ranges:
                spec = with_range(base, name, bgr)
                found.append(Candidate(_named(name, bgr, grey, layout, info), spec, layout))
    if reshaped and find_channel_axis(info) == 1 and find_channels(info, 1) == 3:
        own = replace(current(base, info), name="HWC numbers reshaped to CHW", reshaped=True)
        found.append(own)
    return found


def fits(chosen: Candidate) -> list[Candidate]:
    """The other ways to fit a photo to the input, of one way to treat its colours."""
    found = []
    colour = OWN_COLOURS if chosen.name == AS_IT_IS else chosen.name
    for name, (fit, margin) in FITS.items():
        spec = replace(chosen.spec, fit=fit, margin=margin, resize=None)
        found.append(replace(chosen, name=f"{colour}, {name}", spec=spec))
    return [one for one in found if not same(one, chosen)]


def layouts(info: InputInfo) -> list[InputInfo]:
    """Channels first and channels last, where the shape allows both."""
    if len(info.shape) != 4:
        return [info]
    own = find_channel_axis(info)
    other = 4 - own
    if isinstance(info.shape[other], int) and info.shape[other] not in (1, 3):
        return [replace(info, channel_axis=own)]
    if isinstance(info.shape[own], int) and isinstance(info.shape[other], str | None):
        return [replace(info, channel_axis=own)]
    return [replace(info, channel_axis=axis) for axis in (own, other)]


def with_range(base: Preprocess, name: str, bgr: bool) -> Preprocess:
    """The numbers of a row of RANGES, in the model's order of channels."""
    mean, std, scale = RANGES[name]
    step = -1 if bgr else 1
    return replace(base, mean=mean[::step], std=std[::step], scale=scale, bgr=bgr)


def same(a: Candidate, b: Candidate) -> bool:
    """Do they make the same input of every photo?"""
    if (a.reshaped, a.spec.bgr, a.spec.fit) != (b.reshaped, b.spec.bgr, b.spec.fit):
        return False
    if a.info.channel_axis != b.info.channel_axis and None not in (
        a.info.channel_axis,
        b.info.channel_axis,
    ):
        return False
    cropped = a.spec.fit == "crop"
    sizes = (a.spec.resize, a.spec.margin) == (b.spec.resize, b.spec.margin)
    return (sizes or not cropped) and _close(_line(a.spec), _line(b.spec))


def alike(a: Candidate, b: Candidate, photos: Sequence[Array]) -> bool:
    """Do they make the same input of these photos? Of square ones many a fit does."""
    if (a.reshaped, a.spec.bgr) != (b.reshaped, b.spec.bgr):
        return False
    if not _close(_line(a.spec), _line(b.spec)):
        return False
    return all(np.array_equal(a.x(photo), b.x(photo)) for photo in photos)


def flags(one: Candidate) -> str:
    """How the command line is told: a preset where there is one, else its pieces."""
    for name, preset in PRESETS.items():
        if same(one, replace(one, spec=preset)):
            return f"--preprocess {name}"
    spec = one.spec
    said = [f"--rescale {spec.scale:.6g}"]
    said += [f"--mean {_comma(spec.mean)}"] if any(spec.mean) else []
    said += [f"--std {_comma(spec.std)}"] if any(v != 1 for v in spec.std) else []
    said += ["--bgr" if spec.bgr else "--rgb", f"--fit {spec.fit}"]
    if spec.fit == "crop" and spec.resize is None and spec.margin != 1:
        size = find_size(spec, one.info, find_channel_axis(one.info))
        said.append(f"--resize {round(min(size) * spec.margin)}")
    return " ".join(said)


def _named(name: str, bgr: bool, grey: bool, layout: InputInfo, info: InputInfo) -> str:
    order = "grey" if grey else "BGR" if bgr else "RGB"
    axis = find_channel_axis(layout)
    turned = axis != find_channel_axis(info)
    return f"{order} {name}" + ((", NHWC" if axis == 3 else ", NCHW") if turned else "")


def _line(spec: Preprocess) -> Sequence[float]:
    """x = a pixel + b of each channel: what mean, std and scale come to."""
    mean, std = (np.broadcast_to(np.asarray(v, float), 3) for v in (spec.mean, spec.std))
    return [*(255 * spec.scale / std), *(mean / std)]


def _close(a: Sequence[float], b: Sequence[float]) -> bool:
    return bool(np.allclose(a, b, rtol=CLOSE, atol=CLOSE))


def _comma(values: Numbers) -> str:
    return ",".join(f"{v:g}" for v in values)
