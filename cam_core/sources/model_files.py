"""What a model's own files say of its photos and its classes.

Hugging Face: preprocessor_config.json and id2label of config.json, as their image processors read
them. timm: pretrained_cfg in config.json. Ultralytics: names, task and imgsz in the metadata.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..foreign import UNREADABLE, from_json, from_literal, in_class_order
from ..head import Head
from ..image import Preprocess
from .labels import Spelling

Config = Mapping[str, Any]
FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
"""Pillow's numbers for them, 0 to 5."""
CROP_PCT = {"ConvNext": (224 / 256, 384), "PoolFormer": (0.9, math.inf), "Levit": (224 / 256, 0)}
"""Families that enlarge before they cut: crop_pct, and the side from which on they do not."""


@dataclass(frozen=True)
class Stated:
    """What one source states; None where it states nothing of it."""

    where: str
    spec: Preprocess | None = None
    labels: tuple[str, ...] | None = None


def from_cam(metadata: Mapping[str, str]) -> Stated:
    """`cam.preprocess` and `cam.labels`, as `gradcam instrument` keeps them.

    Raises:
        InputError: they hold something else.
    """
    where = "cam.* metadata of the file"
    try:
        spec = from_json(metadata.get("cam.preprocess", "null"))
        names = from_json(metadata.get("cam.labels", "null"))
        return Stated(
            where,
            None if spec is None else to_preprocess(spec),
            None if names is None else in_class_order(dict(enumerate(listed(names)))),
        )
    except (*UNREADABLE, InputError) as error:
        raise InputError(f"{where}: unreadable ({error}). Instrument the model again.") from error


def from_heads(heads: Sequence[Head]) -> Stated | None:
    """The names that the model itself writes in the place of the classes of its score."""
    first = next(iter(heads), None)
    if first is None or not first.labels:
        return None
    return Stated(f"{first.labels_source} in the file", labels=first.labels)


def to_preprocess(values: Config) -> Preprocess:
    """The reverse of `dataclasses.asdict`."""
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    return Preprocess(**fields)


def beside(folder: Path, spell: Spelling = str) -> list[Stated]:
    """The JSON files in the model's folder, or in the one above a folder called onnx.

    Raises:
        InputError: one of them is no JSON, or holds values that make no sense.
    """
    places = [folder, folder.parent] if folder.name == "onnx" else [folder]
    found = []
    readers: dict[str, Callable[[Config], Preprocess | None]] = {
        "preprocessor_config.json": from_processor,
        "config.json": partial(from_timm, spell=spell),
    }
    for name, reader in readers.items():
        path = next((p / name for p in places if (p / name).is_file()), None)
        if path is None:
            continue
        try:
            config = from_json(path.read_text(encoding="utf-8-sig"))
            spec = reader(config) if isinstance(config, dict) else None
            names = class_names(config) if isinstance(config, dict) else None
            found.append(Stated(f"'{path}'", spec, names))
        except InputError as error:
            raise InputError(f"'{path}': {error}") from error
        except OSError as error:
            raise InputError(f"'{path}': {error.strerror}. Check the file.") from error
        except UNREADABLE as error:
            raise InputError(
                f"'{path}' beside the model cannot be read ({error}). "
                f"Repair it, or give {spell('preprocess')} and {spell('labels')}."
            ) from error
    return found


def from_processor(config: Config) -> Preprocess | None:
    """A preprocessor_config.json; None where it is not about pictures."""
    kind = str(config.get("image_processor_type") or config.get("feature_extractor_type") or "")
    if "image_mean" not in config and "image_std" not in config and "size" not in config:
        return None
    normalise = config.get("do_normalize", "image_mean" in config)
    mean = floats(config.get("image_mean", 0.0)) if normalise else (0.0,)
    std = floats(config.get("image_std", 1.0)) if normalise else (1.0,)
    if kind.startswith("EfficientNet") and config.get("include_top", True):
        std = tuple(value * value for value in std)  # it divides twice
    scale = float(config.get("rescale_factor", 1 / 255)) if config.get("do_rescale", True) else 1.0
    fit, size, resize = geometry(config, kind)
    return Preprocess(
        mean=mean,
        std=std,
        scale=scale,
        bgr=bool(config.get("do_flip_channel_order", False)),
        size=size,
        resize=resize,
        fit=fit,
        resample=FILTERS[int(config.get("resample", 2))],
    )


def geometry(config: Config, kind: str) -> tuple[str, tuple[int, int] | None, int | None]:
    """Fit, input size and shorter side of an image processor."""
    size = config.get("size") if config.get("do_resize", True) else None
    cut = config.get("crop_size")
    crop = bool(config.get("do_center_crop", False))
    if isinstance(size, int):  # older files: the crop tells which side is meant
        size = {"shortest_edge": size} if crop else {"height": size, "width": size}
    whole = size is not None and "height" in size
    family = next((f for f in CROP_PCT if kind.startswith(f)), None)
    if size is None:
        return "crop", sides(cut) if crop else None, None
    if family is not None:
        return around(size, cut, family, config)
    if whole and not crop:
        return "stretch", sides(size), None
    shorter = int(min(sides(size)) if whole else size["shortest_edge"])
    return "stretch" if whole else "crop", sides(cut) if crop and cut else None, shorter


def around(
    size: Config, cut: Any, family: str, config: Config
) -> tuple[str, tuple[int, int] | None, int | None]:
    """As `geometry`, for the families that enlarge by 1 / crop_pct before they cut."""
    default, limit = CROP_PCT[family]
    side = int(size["shortest_edge"]) if "shortest_edge" in size else min(sides(size))
    percent = float(config.get("crop_pct") or default)
    if limit and side >= limit:
        return "stretch", (side, side), None
    return "crop", sides(cut) if cut else (side, side), int(side / percent)


def sides(size: Any) -> tuple[int, int]:
    """Height and width of 224 or {"height": 224, "width": 224}."""
    if isinstance(size, Mapping):
        if "shortest_edge" in size:
            return int(size["shortest_edge"]), int(size["shortest_edge"])
        return int(size["height"]), int(size["width"])
    return int(size), int(size)


def from_timm(config: Config, spell: Spelling = str) -> Preprocess | None:
    """The pretrained_cfg of timm; None in a config.json of someone else."""
    own = config.get("pretrained_cfg")
    if not isinstance(own, Mapping) or "mean" not in own:
        return None
    height, width = (int(side) for side in own["input_size"][1:])
    mode = own.get("crop_mode") or "center"
    if mode == "border":
        raise InputError(
            f"timm's crop_mode 'border' is not known here. Give {spell('preprocess')}."
        )
    return Preprocess(
        mean=floats(own["mean"]),
        std=floats(own["std"]),
        scale=1 / 255,
        size=(height, width),
        resize=math.floor(min(height, width) / float(own.get("crop_pct") or 1)),
        fit="stretch" if mode == "squash" else "crop",
        resample=resample if (resample := str(own.get("interpolation"))) in FILTERS else "bilinear",
    )


def class_names(config: Config) -> tuple[str, ...] | None:
    """id2label of Hugging Face, or label_names of timm, in class order."""
    own = config.get("pretrained_cfg")
    for place in (config, own if isinstance(own, Mapping) else {}):
        names, said = place.get("label_names"), place.get("label_descriptions") or {}
        if names:
            return tuple(str(said.get(name, name)) for name in names)
    table = config.get("id2label")
    if not isinstance(table, Mapping) or not table:
        return None
    named = {int(index): name for index, name in table.items()}
    if all(name == f"LABEL_{index}" for index, name in named.items()):
        return None  # what Hugging Face writes where nobody named anything
    return in_class_order(named)


def listed(names: Any) -> list[Any]:
    """A list, and not a word or a table, which Python would take for one."""
    if not isinstance(names, list | tuple):
        raise TypeError(f"names are a list, not a {type(names).__name__}")
    return list(names)


def from_ultralytics(metadata: Mapping[str, str], spell: Spelling = str) -> Stated | None:
    """Ultralytics exports: RGB / 255, letterboxed; a classifier's centre is cut out."""
    if not {"names", "stride", "imgsz"} <= metadata.keys():
        return None
    where = "Ultralytics metadata of the file"
    try:
        names = from_literal(metadata["names"])
        labels = in_class_order(
            names if isinstance(names, Mapping) else dict(enumerate(listed(names)))
        )
        if not labels:
            raise ValueError("it names no class")
        height, width = from_literal(metadata["imgsz"])
        fit = "crop" if metadata.get("task") == "classify" else "letterbox"
        return Stated(where, Preprocess(scale=1 / 255, size=(height, width), fit=fit), labels)
    except (*UNREADABLE, InputError) as error:
        raise InputError(
            f"{where}: unreadable ({error}). Give {spell('preprocess')} and {spell('labels')}."
        ) from error


def floats(values: float | Sequence[float]) -> tuple[float, ...]:
    """One number or several, as a tuple."""
    if isinstance(values, int | float):
        return (float(values),)
    return tuple(float(value) for value in values)
