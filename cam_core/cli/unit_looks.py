"""What `gradcam units` sees: the units of a layer on photos, for a class and its rivals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cam_core.asking import seen_by
from cam_core.errors import InputError, LayerError, TargetError
from cam_core.explain import check_finite
from cam_core.head import head_of
from cam_core.looking import Looks
from cam_core.maps.combine import resize
from cam_core.targets import ScoredTarget
from cam_core.targets.classes.one_class import ClassTarget
from cam_core.targets.scores import pool
from cam_core.units import Named, Weighed, overlaps, silenced, thresholds, weigh, words

from .concepts import Concepts, masks_of

if TYPE_CHECKING:
    from cam_core.backend import Array
    from cam_core.methods import Question
    from cam_core.region import Region

    from .inputs.opened import Setup
    from .inputs.samples import Sample

RIVALS = 5
"""Classes that a class is told apart from: those that score best beside it."""
OF_CLASSES = ("classes", "multi-label", "dense classes", "unknown")
"""Kinds of heads among whose classes one is the best."""
GRID = (56, 56)
"""Cells of the input at which units and masks are compared."""


@dataclass(frozen=True)
class Units:
    """A layer on some photos."""

    layer: str
    region: Region | None
    samples: Sequence[Sample]
    A: Sequence[Array]
    """Of each photo [K, h, w]."""
    weighed: Weighed
    rivals: Sequence[int]


@dataclass(frozen=True)
class Curve:
    """The mean score with the first 0, 1, 2, ... units silent."""

    scores: Sequence[float]
    at_random: Sequence[float]
    """The same with as many units drawn by lot."""


def sample_of(setup: Setup, index: int) -> Sample:
    """One photo as the model takes it."""
    sample = setup.reader.open(setup.slots[index], index)
    check_finite(sample.x)
    if sample.picture is None or sample.placement is None:
        raise InputError(f"'{sample.slot.name}' is no photo: units are shown as patches of photos.")
    return sample


def find_class(setup: Setup) -> ClassTarget:
    """The class of the largest mean score over the photos.

    Raises:
        TargetError: the score is not of classes.
    """
    head = head_of(setup.backend)
    if head is not None and head.kind not in OF_CLASSES:
        raise TargetError(
            f"'{head.output}' is {head.kind}: say with --target whose units are to be shown "
            "('gradcam targets' lists what can be asked)."
        )
    return ClassTarget(int(mean_scores(setup).argmax()), setup.backend.class_axis)


def mean_scores(setup: Setup) -> Array:
    """Over the photos [C]."""
    axis = setup.backend.class_axis
    found = [
        pool(setup.backend.look(sample_of(setup, i).x, layers=()).score, axis)[0]
        for i in range(len(setup.slots))
    ]
    mean: Array = np.mean(np.asarray(found, np.float64), axis=0)
    return mean


def rivals_of(target: ScoredTarget, setup: Setup) -> list[int]:
    """The classes that score best beside the one that is asked for; [] where it is no one class."""
    if target.named is None:
        return []
    order = np.argsort(-mean_scores(setup), kind="stable").tolist()
    return [c for c in order if c != target.named][:RIVALS]


def ask(setup: Setup, sample: Sample, target: ScoredTarget, layer: str | None) -> Question:
    """What can be asked of a photo about a target at the layer.

    Raises:
        LayerError: the layer has no height and width, or none is named of several.
    """
    looks = Looks(setup.backend, sample.x, None if layer is None else [layer])
    seen = seen_by(setup.backend, sample.x, looks.first, setup.names, placement=sample.placement)
    found, *others = looks.questions(target.found_in(seen)[0])
    if others:
        names = ", ".join(one.layer for one in (found, *others))
        raise LayerError(
            f"the model is explained at several layers ({names}): name one by --layer."
        )
    if found.A.ndim != 4:
        raise LayerError(
            f"layer '{found.layer}': its map {list(found.A.shape[2:])} is not a picture. "
            "Choose a layer with height and width (gradcam layers lists them)."
        )
    return found


def look_at(setup: Setup, target: ScoredTarget, layer: str | None) -> Units:
    """All photos, and what their units weigh."""
    rivals = rivals_of(target, setup)
    samples, A, alpha, others = [], [], [], []
    for i in range(len(setup.slots)):
        sample = sample_of(setup, i)
        question = ask(setup, sample, target, layer)
        samples.append(sample)
        A.append(question.A[0])
        alpha.append(question.G[0].mean(axis=(1, 2)))
        if rivals:
            others.append(np.stack([rival(question, c, setup) for c in rivals]))
    weighed = weigh(A, alpha, others)
    region = question.look.regions.get(question.layer)
    return Units(question.layer, region, samples, A, weighed, rivals)


def rival(question: Question, c: int, setup: Setup) -> Array:
    """alpha [K] of another class of the same look."""
    G = question.look.pull(ClassTarget(c, setup.backend.class_axis)).layers[question.layer]
    mean: Array = np.asarray(G[0], np.float64).mean(axis=(1, 2))
    return mean


def curve(setup: Setup, units: Units, target: ScoredTarget, order: Sequence[int]) -> Curve:
    """What the score loses with the units of `order`, and with as many drawn by lot."""
    drawn = np.random.default_rng(0).permutation(len(units.A[0]))[: len(order)].tolist()
    found = []
    for sample in units.samples:
        question = ask(setup, sample, target, units.layer)
        rows = [question.tails(silenced(question.A, one))[:, 0] for one in (order, drawn)]
        found.append(rows)
    scores, at_random = np.mean(np.asarray(found, np.float64), axis=0).tolist()
    return Curve(scores, at_random)


def name(setup: Setup, units: Units, concepts: Concepts) -> list[Named]:
    """The concept that each unit overlaps best on the photos of the concepts."""
    A, masks = [], []
    for path, concept in concepts.photos:
        slot = setup.reader.survey([path])[0]
        sample = setup.reader.open(slot)
        assert sample.placement is not None
        look = setup.backend.look(sample.x, layers=[units.layer])
        A.append(np.asarray(next(iter(look.activations.values()))[0], np.float32))
        count = len(concepts.names)
        masks.append(masks_of(path, concept, count, sample.placement, GRID))
    windows = None if units.region is None else units.region.windows
    parts = ((resize(a, GRID, windows), m) for a, m in zip(A, masks, strict=True))
    return words(overlaps(parts, thresholds(A)), concepts.names)
