"""An attack on one photo, and the map of its own class before and after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cam_core.attack import ATTACKS, fed, input_slope, whole
from cam_core.errors import InputError, TargetError
from cam_core.explain import check_finite, explain
from cam_core.head import probability_of
from cam_core.image.levels import Levels, levels_of
from cam_core.metrics.agreement.correlation import pearson
from cam_core.targets.classes.loss import LossTarget
from cam_core.targets.classes.one_class import ClassTarget
from cam_core.targets.scores import pool

from .naming import Top, best

if TYPE_CHECKING:
    from cam_core.backend import Array, Backend, InputInfo, Inputs
    from cam_core.explanation import Explanation

    from .inputs.opened import Setup
    from .inputs.samples import Sample


@dataclass(frozen=True)
class Attack:
    """What is to be done."""

    method: str
    eps: float
    """Of the range from 0 to 255."""
    steps: int
    wanted: int | None
    """The class that the photo is to be taken for; None: any but its own."""

    @property
    def words(self) -> str:
        """In a line."""
        steps = f", {self.steps} steps" if self.method == "pgd" else ""
        return f"{self.method}, eps {self.eps * 255:g}/255{steps}"


@dataclass(frozen=True)
class Seen:
    """What the model makes of a picture."""

    picture: Array
    """The model's input as pixels, uint8 [h, w, 3]."""
    top: Top
    own: float
    """The probability, or score, of the class that the photo had before."""
    map: Explanation
    """Of that class."""


@dataclass(frozen=True)
class Attacked:
    """The photo before and after."""

    own: int
    before: Seen
    after: Seen
    likeness: float
    """Pearson's r of the two signed maps; NaN where one of them is blank."""


def attacked(setup: Setup, sample: Sample, attack: Attack, layer: str | None) -> Attacked:
    """Change the photo, and look at it again.

    Raises:
        InputError: it is no photo, or the model's input has no gradient.
        TargetError: it is taken for the class that is wanted already.
    """
    backend, info, spec = setup.backend, setup.reader.main, setup.reader.spec
    if info is None or spec is None or sample.placement is None:
        raise InputError(f"'{sample.slot.name}' is no photo: an attack changes pixels.")
    if not np.issubdtype(info.dtype, np.floating):
        raise InputError(
            f"input '{info.name}' takes {info.dtype}, no floats: it has no gradient to attack by. "
            "Export the model with its input as floats."
        )
    check_finite(sample.x)
    levels = levels_of(spec, info)
    own = int(logits(backend, sample.x).argmax())
    if own == attack.wanted:
        raise TargetError(f"the photo is taken for class {own} already: name another --target.")
    p = np.rint(levels.of_input(array_of(sample.x, info)))
    radius = 255 * attack.eps * levels.inside(sample.placement)
    changed = moved(backend, sample.x, info, levels, attack, own, p, radius)
    before, after = (
        look(setup, fed(sample.x, info.name, levels.to_input(one)), own, layer)
        for one in (p, changed)
    )
    pictures = [levels.photo(one, bgr=spec.bgr) for one in (p, changed)]
    seen = [Seen(picture, *one) for picture, one in zip(pictures, (before, after), strict=True)]
    return Attacked(own, seen[0], seen[1], likeness(seen[0].map, seen[1].map))


def moved(
    backend: Backend,
    x: Inputs,
    info: InputInfo,
    levels: Levels,
    attack: Attack,
    own: int,
    p: Array,
    radius: Array,
) -> Array:
    """The changed pixels, in whole levels where the ball holds any."""
    loss, sign = loss_of(backend, attack, own)

    def gradient(at: Array) -> Array:
        given = fed(x, info.name, levels.to_input(at))
        return sign * levels.slope(input_slope(backend, given, info.name, loss))

    options = {"steps": attack.steps} if attack.method == "pgd" else {}
    found: Array = ATTACKS[attack.method](p, gradient, radius, **options)
    return whole(found, p, radius) if 255 * attack.eps >= 1 - 1e-9 else found


def loss_of(backend: Backend, attack: Attack, own: int) -> tuple[LossTarget, int]:
    """The loss whose gradient is followed, and the way: up that of its own class, or down."""
    how = "sigmoid" if probability_of(backend) == "sigmoid" else "softmax"
    if attack.wanted is None:
        return LossTarget(own, backend.class_axis, how), 1
    return LossTarget(attack.wanted, backend.class_axis, how), -1


def look(setup: Setup, x: Inputs, own: int, layer: str | None) -> tuple[Top, float, Explanation]:
    """The best classes, how likely its own is, and its map."""
    backend = setup.backend
    y, how = logits(backend, x), probability_of(backend)
    ranked = best(y, how, setup.names, count=len(y))
    value = next(one.value for one in ranked if one.which == own)
    found = explain(backend, x, ClassTarget(own, backend.class_axis), layer=layer)
    return ranked[:5], value, found[0]


def logits(backend: Backend, x: Inputs) -> Array:
    """y [C] of the first row."""
    found: Array = pool(backend.look(x, layers=()).score, backend.class_axis)[0]
    return found


def likeness(before: Explanation, after: Explanation) -> float:
    """Pearson's r of two signed maps; NaN where one is blank."""
    if before.blank[0] or after.blank[0]:
        return float("nan")
    return float(pearson(before.signed, after.signed)[0])


def array_of(x: Inputs, info: InputInfo) -> Array:
    """The input that is attacked."""
    return np.asarray(x[info.name] if isinstance(x, Mapping) else x)
