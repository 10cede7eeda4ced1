"""What the tables by head are made of: networks, questions, and which threshold is best."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxruntime")
from benchmarks.ranking.evidence import (  # noqa: E402
    THRESHOLDS,
    best_threshold,
    quick,
)
from benchmarks.ranking.heads import HEADS, coloured, labelled  # noqa: E402
from benchmarks.ranking.learning import KINDS, hits  # noqa: E402
from benchmarks.ranking.nets import SIDE  # noqa: E402
from benchmarks.ranking.verdicts import first, place_of, renewed, table  # noqa: E402
from cam_core.methods import METHODS  # noqa: E402
from cam_core.ranking import ranked  # noqa: E402
from examples.demo.scenes import Scene, Thing  # noqa: E402
from examples.training import export  # noqa: E402


@pytest.mark.parametrize("name", KINDS)
def test_a_network_answers_each_row_for_itself(name: str, tmp_path: Path) -> None:
    """In the file too, with other rows than it was written with."""
    from backends.onnx import OnnxBackend

    torch.manual_seed(0)
    net = KINDS[name].make(4).eval()
    x = torch.rand(3, 3, SIDE, SIDE)
    alone = torch.cat([net(row[None]) for row in x]).detach()
    assert alone.shape == (3, 4)
    assert alone.std(dim=0).min() > 0  # rows differ
    path, free = tmp_path / "net.onnx", {0: "rows"}
    export(net, {"image": x[:2]}, {"image": free, "y": free}, "y", path, {})
    found = OnnxBackend(path).forward({"image": x.numpy()})["y"]
    np.testing.assert_allclose(found, alone, atol=1e-5)  # float32 sums in another order


def test_accuracy_counts_scenes_with_all_of_their_classes_first() -> None:
    """The network is given its answers: both right, one of two, none."""
    there = torch.tensor([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]])
    scores = torch.tensor([[3.0, 2, 1], [3, 1, 2], [1, 0, 0]])
    net = torch.nn.Module()
    net.forward = lambda image: scores
    x = torch.zeros(3, 3, 96, 96, dtype=torch.uint8)
    assert hits(net, x, there) == pytest.approx(1 / 3)


def scene() -> Scene:
    """Two red things and a blue one."""
    things = [("red ring", 0), ("blue disc", 30), ("red disc", 60)]
    boxes = [Thing(label, (at, at, at + 20, at + 10)) for label, at in things]
    return Scene(np.full((96, 96, 3), 255, np.uint8), tuple(boxes))


def test_each_class_is_asked_for_with_its_own_boxes() -> None:
    found = labelled(scene(), ["red", "blue", "red"], ("blue", "red"))
    assert [(index, boxes.tolist()) for index, boxes in found] == [
        (1, [[0, 0, 20, 10], [60, 60, 80, 70]]),
        (0, [[30, 30, 50, 40]]),
    ]
    pictured = coloured(scene())
    assert pictured.x.shape == (1, 3, SIDE, SIDE)
    assert pictured.x.max() == 1
    assert pictured.asked[1][1].tolist() == [[15, 15, 25, 20]]


def test_one_look_is_neither_many_passes_nor_blind_to_the_class() -> None:
    assert {"gradcam", "hirescam", "cam", "legrad-final", "gradeclip"} <= set(
        filter(quick, METHODS)
    )
    others = ("scorecam", "guided", "integrated", "rollout", "eigencam", "random", "gradientxinput")
    assert not any(map(quick, others))


def test_the_best_threshold_is_that_of_the_best_boxes_and_a_twin_ties() -> None:
    rng = np.random.default_rng(0)
    rows = 0.3 + 0.1 * rng.random((20, len(THRESHOLDS)))
    rows[:, 3] += 0.3
    rows[:, 5] = rows[:, 3] + rng.normal(scale=0.01, size=20) - 0.0001
    rows[:, 5] -= rows[:, 5].mean() - rows[:, 3].mean() + 1e-4
    found = best_threshold(list(rows))
    assert found.threshold == THRESHOLDS[3]
    assert found.ties == (THRESHOLDS[5],)
    assert found.overlap.mean == pytest.approx(rows[:, 3].mean())
    assert found.at["otsu"] == pytest.approx(rows[:, -1].mean())


def test_a_cell_names_the_best_and_counts_what_ties() -> None:
    values = {f"m{i}": np.full(8, 0.5) for i in range(9)} | {"low": np.linspace(0.1, 0.2, 8)}
    rows = ranked(values, "higher", draws=200)
    assert first(rows).startswith("m0 0.50 [0.50, 0.50]; ties: m1, m2, m3, m4, m5, m6 and 2 more")
    assert place_of(rows, "m3") == "0.50 [0.50, 0.50], 1="
    assert place_of(rows, "low").endswith(", 10")
    assert place_of(rows, "none") == "-"
    assert table(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


def test_what_is_taught_has_a_row() -> None:
    assert set(KINDS) <= set(HEADS)


def test_rows_of_some_heads_go_into_the_tables_of_all() -> None:
    """In the order of HEADS; a row that is there already is replaced, whatever else it says."""
    gap, flat, hidden = (HEADS[name].told for name in ("gap", "flat", "hidden"))

    def page(*tables: str) -> str:
        return "\n\n".join(tables)

    def rows(*given: str) -> str:
        return "\n".join(["| head | x |", "| --- | --- |", *given])

    old = page("### All", "#### A", rows(f"| {gap}, 98% right | 1 |", f"| {flat} | 2 |"))
    new = page("#### A", rows(f"| {hidden} | 3 |", f"| {gap}, 99% right | 4 |"))
    kept, more = page("#### B", rows(f"| {gap} | 5 |")), page("#### B", rows(f"| {flat} | 6 |"))
    made = rows(f"| {gap}, 99% right | 4 |", f"| {hidden} | 3 |", f"| {flat} | 2 |")
    both = rows(f"| {gap} | 5 |", f"| {flat} | 6 |")
    assert renewed(page(old, kept), page(new, more)) == page(
        "### All", "#### A", made, "#### B", both
    )
    assert renewed(page(old, kept), new) == page("### All", "#### A", made, kept)
