"""The rows of `best`, held against the tables of docs/methods.md that they quote."""

from __future__ import annotations

import pytest

from cam_core.head import KINDS, Head, Reads
from cam_core.methods import METHODS, best_methods, may_be
from cam_core.methods.best import OTHERWISE, READING
from tests.paths import ROOT

MEASURED: dict[str, tuple[str, Reads, bool]] = {
    "convolutions, mean, linear, softmax": ("classes", "mean", False),
    "convolutions, maximum, linear, softmax": ("classes", "maximum", False),
    "convolutions, mean, two layers, sigmoid of each label": ("multi-label", "mean", False),
    "convolutions, flattened, two layers, softmax (as VGG)": ("classes", "flattened", False),
    "depthwise mixers, mean, norm, linear (as ConvNeXt)": ("classes", "mean", False),
    "transformer, class token": ("classes", "", True),
    "transformer, mean of tokens": ("classes", "mean", True),
    "transformer with windows, mean of tokens (as Swin)": ("classes", "windows", False),
    "segmenter, a class's region": ("dense classes", "", False),
    "embedding, likeness to a thing": ("embedding", "", False),
}
"""How a row of the page begins -> the head, how it reads, and whether it attends."""
BEHIND = {"segmenter, a class's region"}
"""Whose first is ahead by less than 0.01 of energy, as the row of `best` says."""


def rows() -> dict[str, list[str]]:
    """The cells of the table of energy, by the head."""
    page = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    part = page.split("<!-- heads:")[1].split("#### What hiding costs")[0]
    lines = [line.strip("| ").split(" | ") for line in part.splitlines() if "`" in line]
    lines = [cells for cells in lines if cells[0] != "head"]
    return {name: cells for cells in lines for name in MEASURED if cells[0].startswith(name)}


def chosen(name: str) -> str:
    """What `best` takes."""
    kind, reads, attends = MEASURED[name]
    places = None if kind != "dense classes" else object()
    head = Head("y", kind, "", "y", places=places)  # type: ignore[arg-type]
    return best_methods(head, reads, attends=attends)[0].method


def test_every_head_of_the_page_is_held() -> None:
    assert set(rows()) == set(MEASURED)


@pytest.mark.parametrize("name", MEASURED)
def test_a_row_is_first_or_ties_with_the_first_by_energy(name: str) -> None:
    _, energy, *_, own = rows()[name]
    first, _, ties = energy.partition("; ties: ")
    top = {first.split()[0], *filter(None, ties.split(", "))}
    method = chosen(name)
    assert own.startswith(f"`{method}`")
    if name not in BEHIND:
        assert method in top
        return
    ahead = float(first.split()[1]) - float(own.split()[1])
    assert abs(ahead) < 0.01


def test_the_evidence_says_a_tie_where_it_is_one() -> None:
    for reads, row in READING.items():
        name = next(n for n, known in MEASURED.items() if known[1:] == (reads, False))
        ties = rows()[name][1].partition("; ties: ")[2]
        assert ("a tie" in row.evidence) == bool(ties)
        if ties:  # those that are named are in it
            told = row.evidence.split("with ")[1].replace(" and ", ", ").split(", ")
            assert set(told) <= set(ties.split(", "))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_one_that_exists_and_a_reason(kind: str) -> None:
    head = Head("y", kind, "", "y")
    for attends in (False, True):
        for reads in ("", *READING):
            found = best_methods(head, reads, attends=attends)
            assert {one.method for one in found} <= may_be(head)
            assert all(one.method in METHODS and one.why for one in found)


def test_what_nobody_measured_stays_as_it_is_by_default() -> None:
    assert best_methods(None) == [OTHERWISE]
    assert best_methods(Head("y", "regression", "", "y"), "maximum") == [OTHERWISE]
    (reader,) = best_methods(Head("y", "sequence", "", "y"))
    assert reader.method == "layercam"


def test_what_a_model_cannot_do_has_another_behind_it() -> None:
    head = Head("y", "classes", "", "y")
    named = [one.method for one in best_methods(head, "maximum", attends=True)]
    assert named == ["gradrollout", "eigengradcam", "hirescam"]
    assert [one.method for one in best_methods(head, "mean", attends=True)] == [
        *("gradrollout", "hirescam")
    ]
