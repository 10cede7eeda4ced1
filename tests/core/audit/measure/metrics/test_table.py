"""The numbers that are asked for besides, each by hand on a model whose maps are known."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

pytest.importorskip("pyarrow")

from cam_core.audit import audit, open_table
from cam_core.audit.measure import COLUMNS
from cam_core.audit.measure.metrics import EXTRAS, GROUPS, find_extras, numbers_of
from cam_core.audit.run import run
from cam_core.errors import InputError
from tests.core.audit.tiny import SIZE, W, photos, tiny_plan

Array = np.ndarray
NAMES = ("deletion", "randomisation", "random_class", "relative_drop", "complexity")


def test_names_are_new_and_may_stand_in_a_limit() -> None:
    assert not set(EXTRAS) & set(COLUMNS)
    assert all(re.fullmatch(r"\w+", name) for name in EXTRAS)
    assert {name for group in GROUPS.values() for name in group} <= set(EXTRAS)


def test_groups_and_metrics_are_found_by_any_of_their_names() -> None:
    assert find_extras(["sanity"]) == ("randomisation", "random_class")
    assert find_extras(["ROAD combined", " adcc", "ADCC"]) == ("road_combined", "adcc")
    assert find_extras(["entropy", "map_entropy"]) == ("map_entropy",)
    assert find_extras(["random_class", "sanity"]) == ("random_class", "randomisation")
    with pytest.raises(InputError, match="no metric 'insertio' to audit by; did you mean inser"):
        find_extras(["insertio"])
    with pytest.raises(InputError, match=r"no metric 'pearson' .*groups faithfulness, sanity, and"):
        find_extras(["pearson"])  # which two maps have


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Array, dict[str, Any]]]:
    """Inputs and rows of seven photos, one of which is broken."""
    from cam_core.image import read

    folder = photos(tmp_path_factory.mktemp("photos"), 7, broken=[4])
    plan = tiny_plan(folder, referenced=False, metrics=NAMES)
    out = tmp_path_factory.mktemp("out")
    run(plan, out)
    table = open_table(out)
    assert table.metrics == list(NAMES)
    found = list(table.parts.rows(list(table.columns)))
    inputs = [
        np.moveaxis(read(Path(row["path"])) / 255.0, -1, 0).astype(np.float32)
        if row["error"] is None
        else np.zeros((3, *SIZE))
        for row in found
    ]
    return list(zip(inputs, found, strict=True))


def parts(x: Array, c: int, weights: Array = W) -> Array:
    """What each cell adds to the score [H, W]; the signed map is the same, over the area."""
    found: Array = np.tensordot(weights[c], x.astype(np.float64), 1)
    return found


def test_deletion_is_the_area_by_hand(rows: list[tuple[Array, dict[str, Any]]]) -> None:
    """The model has no probabilities, and its score is the mean of what each cell adds."""
    for x, row in rows:
        if row["error"] is not None:
            continue
        cells = parts(x, row["answer_class"]).ravel()
        heat = np.maximum(cells, 0)
        left = [cells.sum()]
        for at in np.argsort(-heat, kind="stable"):  # 96 cells, of which a step takes one
            left.append(left[-1] - cells[at])
        area = sum((a + b) / 2 for a, b in pairwise(left)) / len(cells) ** 2
        assert row["deletion"] == pytest.approx(area, rel=1e-4)  # float32 inputs
        scaled = (heat - heat.min()) / np.ptp(heat)
        assert row["complexity"] == pytest.approx(scaled.mean(), rel=1e-4)


def test_sanity_is_the_agreement_with_other_maps(rows: list[tuple[Array, dict[str, Any]]]) -> None:
    shuffled = np.random.default_rng([0, 0]).permutation(W.ravel()).reshape(W.shape)
    for x, row in rows:
        if row["error"] is not None:
            continue
        c = row["answer_class"]
        own = parts(x, c).ravel()
        other = spearmanr(own, parts(x, c, shuffled).ravel()).statistic
        assert row["randomisation"] == pytest.approx(abs(other), abs=1e-3)  # ties by rounding
        another = spearmanr(own, parts(x, (c + 1) % 3).ravel()).statistic
        assert row["random_class"] == pytest.approx(another, abs=1e-3)


def test_what_cannot_be_measured_is_empty(rows: list[tuple[Array, dict[str, Any]]]) -> None:
    assert all(row["relative_drop"] is None for _, row in rows)  # no probability
    (broken,) = [row for _, row in rows if row["error"] is not None]
    assert all(broken[name] is None for name in NAMES)


def test_it_is_said_why_there_is_no_number(tmp_path: Path) -> None:
    from cam_core.audit.run import looked, opened

    plan = tiny_plan(photos(tmp_path, 3), referenced=False)
    (shot,) = looked(plan.sides, plan, [opened(plan, 0, next(iter(plan.items())))])
    why: dict[str, str] = {}
    found = numbers_of(plan.sides, shot, ["adcc", "map_entropy", "pointing_game"], why.setdefault)
    assert set(found) == {"map_entropy"}
    assert "it is a share of a probability" in why["adcc"]
    assert "no box of what is asked about" in why["pointing_game"]


def test_the_demo_has_the_numbers_of_docs_metrics(tmp_path: Path) -> None:
    """Insertion and ROAD by the public functions, on boxes the pointing game."""
    pytest.importorskip("onnxruntime")
    from cam_core import explain, open_backend
    from cam_core.demo import LABELS, MODEL, PREPROCESS, load_scenes
    from cam_core.image import PRESETS, preprocess
    from cam_core.metrics import METRICS, backend_score
    from cam_core.targets import ProbabilityTarget

    scene, names = load_scenes()[0], LABELS.read_text().splitlines()
    thing = scene.things[0]
    np.savez(tmp_path / "one.npz", x=scene.pixels()[None], boxes=[thing.box], y=[thing.label])
    asked = ("insertion", "road_combined", "relative_drop", "pointing_game", "energy_in_box")
    found = audit(
        *(MODEL, tmp_path / "one.npz", tmp_path / "out"),
        **{"preprocess": PRESETS[PREPROCESS], "labels": names, "target": thing.label},
        metrics=asked,
    )
    (row,) = found.table.parts.rows(list(found.table.columns))
    backend = open_backend(MODEL)
    made = preprocess(scene.pixels(), PRESETS[PREPROCESS], backend.inputs()[0])
    heat = explain(backend, made.x, thing.label, labels=names).heatmap((128, 128))
    target = ProbabilityTarget(names.index(thing.label), how="softmax")
    score = backend_score(backend, made.x, target)
    for column, metric in (("insertion", "insertion"), ("road_combined", "ROAD combined")):
        expected = METRICS[metric](made.x, heat, score)[0]
        assert row[column] == pytest.approx(expected, rel=1e-4)  # batches of another size
    plain, kept = score(made.x)[0], score(made.x * heat[:, None])[0]
    assert row["relative_drop"] == pytest.approx(max(0, plain - kept) / plain, rel=1e-4)
    photo = made.to_photo(heat[0])[None]
    assert row["pointing_game"] == METRICS["pointing game"](photo, [[thing.box]])[0]
    # met in the input's pixels, of which the photo has four each
    assert row["energy_in_box"] == pytest.approx(
        METRICS["energy in box"](photo, [[thing.box]])[0], abs=0.02
    )
