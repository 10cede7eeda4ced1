"""What was typed after a command, as one frozen object; and what others are told of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

PIECES = ("mean", "std", "bgr", "size", "resize", "fit")


@dataclass(frozen=True, kw_only=True)
class Typed:
    """A field for each row of OPTIONS, empty where the command has no such row."""

    targets: tuple[str, ...] = ()
    versus: str | None = None
    layer: str | None = None
    layers: tuple[str, ...] = ()
    score: str | None = None
    method: str | None = None
    methods: tuple[str, ...] = ()
    fuse: str | None = None
    smooths: tuple[str, ...] = ()
    threshold: float = 0.25
    inputs: tuple[str, ...] = ()
    connect: tuple[str, ...] = ()
    crops: tuple[str, ...] = ()
    crop_margin: float = 0.0
    crop_labels: Path | None = None
    labels_file: Path | None = None
    label_offset: int = 0
    backend: str | None = None
    providers: tuple[str, ...] = ()
    optimization: str = "all"
    custom_ops: tuple[Path, ...] = ()
    verify: bool = True
    as_json: bool = False
    out: Path | None = None
    preprocess: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    rescale: tuple[float, ...] | None = None
    bgr: bool | None = None
    size: tuple[int, int] | None = None
    shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    resize: int | None = None
    fit: str | None = None
    scale: str | tuple[float, ...] | None = None
    order: tuple[str, ...] = ()
    """The fields as they were typed, one after another."""

    @property
    def first_layer(self) -> str | None:
        """The layer that was named, the first of several; None where the default is meant."""
        return next(iter(self.layers), self.layer)


def flag(name: str) -> str:
    """How a setting of the Python functions is called on the command line."""
    return f"--{'rescale' if name == 'scale' else name}"


def opening(asked: Typed) -> dict[str, Any]:
    """What `open_backend` is to be told, defaults left out: other backends have other options."""
    given = {"layer": asked.first_layer, "score": asked.score, **extents(asked)}
    return {name: value for name, value in given.items() if value} | running(asked)


def extents(asked: Typed) -> dict[str, Any]:
    """What is said of a model's open extents: `static`, a shape or shapes by name, and `size`."""
    named = dict(asked.shapes)
    if len(named) < len(asked.shapes):
        raise click.UsageError("--static names an input twice, or gives two shapes without a name")
    if "" in named and len(named) > 1:
        raise click.UsageError("--static: with several inputs each shape needs a name (NAME=1,3)")
    return {"static": named.get("") or named or None, "size": asked.size}


def running(asked: Typed) -> dict[str, Any]:
    """How the model is to be run, defaults left out."""
    given: dict[str, Any] = {
        "backend": asked.backend,
        "providers": list(asked.providers),
        "optimization": None if asked.optimization == "all" else asked.optimization,
        "custom_ops": [str(path) for path in asked.custom_ops],
    }
    return {name: value for name, value in given.items() if value}


def pieces(asked: Typed, *, colours: bool = False) -> dict[str, Any]:
    """The flags that were given, as fields of Preprocess.

    Args:
        colours: does the command paint pictures, so that --scale may say how?
    """
    names = [name for name in asked.order if name in PIECES]
    given = {name: getattr(asked, name) for name in names if getattr(asked, name) is not None}
    scale = asked.scale
    if isinstance(scale, str):
        if not colours:
            raise click.BadParameter(
                "shared colours are those of the pictures of `explain`: give a number.",
                param_hint="--scale",
            )
        scale = None
    if scale is not None and asked.rescale is not None:
        raise click.BadParameter(
            "a number is the same as --rescale: give one of them.", param_hint="--scale"
        )
    number = asked.rescale if scale is None else scale
    return given if number is None else given | {"scale": number[0]}
