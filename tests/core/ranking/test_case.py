"""What a case gives to metrics, against the same made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core import Explanation, explain, open_backend
from cam_core.backend import Backend
from cam_core.demo import DETECTOR, LABELS, MODEL, load_crowds, load_scenes
from cam_core.errors import InputError
from cam_core.image import PRESETS, Prepared, place, preprocess
from cam_core.methods import METHODS
from cam_core.metrics import METRICS, backend_score
from cam_core.metrics.faithfulness import masked_input
from cam_core.ranking import Case, Seen, measure, require
from cam_core.ranking.case import GIVEN
from cam_core.targets import ProbabilityTarget
from cam_core.targets.classes.one_class import ClassTarget

pytest.importorskip("onnxruntime")
Array = np.ndarray
NAMES = LABELS.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def backend() -> Backend:
    return open_backend(MODEL.read_bytes())


@pytest.fixture(scope="module")
def prepared(backend: Backend) -> Prepared:
    return preprocess(load_scenes()[0].pixels(), PRESETS["unit"], backend.inputs()[0])


@pytest.fixture(scope="module")
def case(backend: Backend, prepared: Prepared) -> Case:
    thing = load_scenes()[0].things[0]
    target = ClassTarget(NAMES.index(thing.label))
    maps = {m: explain(backend, prepared.x, target, m) for m in ("gradcam", "layercam")}
    seen = Seen((0, 0), (128, 128), prepared.placement.matrix)
    boxes = np.array([thing.box])
    return Case(backend, prepared.x, target, maps, backend.inputs()[0], seen, boxes)


def by_hand(case: Case, prepared: Prepared, name: str, method: str) -> float:
    """As docs/metrics.md does it."""
    x, heat = prepared.x, case.maps[method].heatmap((128, 128))
    score = backend_score(case.backend, x, ProbabilityTarget(case.target.index, how="softmax"))  # type: ignore[attr-defined]
    kept = masked_input(x, heat)
    masked_map = explain(case.backend, kept, case.target, method).heatmap((128, 128))
    plain, masked = score(x), score(kept)
    drop = np.maximum(0, plain - masked) / plain
    given = {
        "pointing game": (prepared.to_photo(heat[0])[None], [case.boxes]),
        "energy in box": (prepared.to_photo(heat[0])[None], [case.boxes]),
        "complexity": (heat,),
        "deletion": (x, heat, score),
        "ROAD combined": (x, heat, score),
        "relative drop": ((plain, masked),),
        "coherency": (heat, masked_map),
        "ADCC": (heat, masked_map, drop),
    }
    return float(METRICS[name](*given[name])[0])


@pytest.mark.parametrize(
    "name",
    [
        *("pointing game", "energy in box", "complexity", "relative drop", "coherency", "ADCC"),
        *("deletion", "ROAD combined"),
    ],
)
def test_the_numbers_are_those_of_the_metrics(case: Case, prepared: Prepared, name: str) -> None:
    expected = by_hand(case, prepared, name, "layercam")
    # Boxes are met in the input's pixels, of which the photo has four each: a cell at the edge of a
    # box of 41 x 41 is in or out. Else: batches of another size differ in their last digits.
    within = {"abs": 0.02} if name == "energy in box" else {"rel": 1e-4, "abs": 1e-6}
    assert measure(case, name, "layercam") == pytest.approx(expected, **within)


def test_methods_do_not_share_what_is_made_for_one(case: Case) -> None:
    numbers = {m: measure(case, "energy in box", m) for m in case.maps}
    assert numbers["gradcam"] != numbers["layercam"]


def planted(heat: Array) -> Explanation:
    """A map of one's own."""
    none, zero = np.zeros(1), np.zeros(1)
    raw = np.full(1, heat.max())
    return Explanation(heat[None], heat[None], None, none, None, "", "", "", raw, zero, ("",))


@pytest.mark.parametrize(("fit", "size"), [("letterbox", (60, 60)), ("crop", (60, 60))])
def test_boxes_are_met_where_the_model_sees_the_photo(
    backend: Backend, fit: str, size: tuple[int, int]
) -> None:
    """A photo of 60 x 120, labelled twice: the heat is where one of the boxes is."""
    placement = place((60, 120), size, fit)
    seen = Seen(placement.corner, placement.inner, placement.matrix)
    yes, no = [50, 10, 70, 50], [71, 0, 90, 60]
    heat = np.zeros(size, np.float32)
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    sy, dy = placement.matrix[1][1:]
    sx, _, dx = placement.matrix[0]
    at_x, at_y = x * sx + dx, y * sy + dy
    heat[(at_x > 52) & (at_x < 68) & (at_y > 14) & (at_y < 46)] = 1
    heat[0, 0] = 0.5  # padding of the letterbox, a corner of the crop
    info, maps = backend.inputs()[0], {"m": planted(heat)}
    picture = np.zeros((1, 3, *size), np.float32)
    for box, hit in ((yes, 1.0), (no, 0.0)):
        case = Case(backend, picture, ClassTarget(0), maps, info, seen, np.array([box], float))
        assert measure(case, "pointing game", "m") == hit
    energy = measure(
        Case(backend, picture, ClassTarget(0), maps, info, seen, np.array([yes], float)),
        *("energy in box", "m"),
    )
    if fit == "letterbox":  # what lies in the padding is no heat over the photo
        assert energy == 1
    else:
        assert energy == pytest.approx(heat[heat == 1].sum() / heat.sum())


def test_no_share_of_what_is_no_probability() -> None:
    backend = open_backend(DETECTOR.read_bytes())
    scene = load_crowds()[0]
    prepared = preprocess(scene.pixels(), PRESETS["unit"], backend.inputs()[0])
    asked = ClassTarget(0)
    case = Case(backend, prepared.x, asked, {}, backend.inputs()[0])
    assert case.likely is None
    for name in ("relative drop", "ADCC", "ARCC"):
        with pytest.raises(InputError, match="probability"):
            case.drop("m") if name != "ARCC" else case.road("m")


def test_what_failed_once_is_not_tried_again(case: Case) -> None:
    tries = []

    def fail() -> None:
        tries.append(1)
        raise InputError("no")

    for _ in range(2):
        with pytest.raises(InputError, match="no"):
            case.once("failing", fail)
    assert len(tries) == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nope", "no metric 'nope'; there are"),
        ("pearson", "nothing to rank by"),
        ("MaxBoxAccV2", "nothing to rank by"),
        ("relevance mass", "nothing to rank by"),
        ("energy in box", "--boxes"),
    ],
)
def test_metrics_that_rank_nothing_are_refused(name: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        require(name, boxes=False)


def test_all_that_has_a_better_side_and_one_number_a_photo_can_rank() -> None:
    masks = {"relevance mass", "relevance rank"}
    for name, metric in METRICS.items():
        if metric.better == "neither" or metric.of_all or name in {*masks, "randomisation"}:
            continue
        assert set(metric.needs) <= set(GIVEN), name
        assert require(name, boxes=True) is metric
    assert "gradcam" in METHODS
