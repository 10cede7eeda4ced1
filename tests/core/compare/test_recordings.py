"""Which recorded picture is which: by its hash, with a name to tell another picture by."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cam_core.compare.recordings import (
    asked_class,
    facts_said,
    find,
    methods_said,
    missing,
    recording_of,
    shared,
    told,
)
from cam_core.errors import InputError
from cam_core.recording import Recorded


def recording(names: str, folder: str = "rec", **facts: Any) -> Any:
    """A picture for each letter; its hash is 64 times that letter's code."""
    pictures = {name: one(f"{ord(name):x}" * 32) for name in names}
    by_hash = {picture.input_sha256: picture for picture in pictures.values()}
    return SimpleNamespace(folder=Path(folder), pictures=pictures, by_hash=by_hash, facts=facts)


def one(sha256: str = "ab" * 32, y: Any = ((1, 3, 2),), **known: Any) -> Recorded:
    return Recorded(sha256, np.array(y, np.float32), np.ones((1, 2, 2)), **known)


def test_a_picture_is_found_by_its_hash_whatever_it_is_called() -> None:
    known = recording("pq")
    assert find(known, "else.png", "else", "70" * 32) is known.pictures["p"]
    assert find(known, "new.png", "new", "77" * 32) is None
    said = "its 'p.npz' is of an input 707070707070..., and 'p.png' makes 777777777777"
    with pytest.raises(InputError, match=said):
        find(known, "p.png", "p", "77" * 32)
    assert missing("new.png", known, "77" * 32) == (
        "new.png: no input of its hash 777777777777... is in 'rec', left out"
    )


def test_a_picture_is_found_without_going_through_all() -> None:
    class Once(dict[str, Any]):
        def values(self) -> Any:
            raise AssertionError("all pictures were gone through")

        items = __iter__ = values

    known = recording("pq")
    known.pictures = Once(known.pictures)
    assert find(known, "else.png", "else", "71" * 32) is known.pictures["q"]
    assert find(known, "new.png", "new", "77" * 32) is None


def test_what_two_recordings_share() -> None:
    a, b = recording("pqr", "a"), recording("qrs", "b")
    both, lacking = shared(a, b)
    assert both == [("q", "71" * 32), ("r", "72" * 32)]
    assert lacking == [
        "p: not in the recording 'b', left out",
        "s: not in the recording 'a', left out",
    ]
    with pytest.raises(InputError, match=r"'a' and 'z' are recordings of other pictures"):
        shared(a, recording("xyz", "z"))
    b.pictures["p"] = one("00" * 32)
    with pytest.raises(InputError, match=r"its 'p.npz' is of an input 000000000000"):
        shared(a, b)


def test_the_class_of_a_map_is_the_one_that_is_said() -> None:
    assert asked_class(one(cam_class_used=0), True) == 0
    assert asked_class(one(cam_class_used=0), False) == 0
    assert asked_class(one(), True) == 1
    assert asked_class(one(), False) is None
    assert asked_class(one(y=((4,),)), True) is None


def test_what_is_lacking_is_said() -> None:
    whole = one(cam_class_used=1, cam_signed=np.ones((1, 2, 2)))
    full = recording("")
    full.pictures["p"] = whole
    (line,) = facts_said({"A": None, "B": full})
    assert line.startswith("B is a recording: its finished maps are compared with A's")
    lines = facts_said({"A": full, "B": recording("p")})
    assert lines[0].startswith("A and B are recordings")
    assert lines[1:] == [
        "B does not say of which class its maps are: the top one is taken",
        "B has no cam_signed: all maps are compared after their ReLU",
    ]


def test_maps_of_two_methods_are_told() -> None:
    grad, other = (recording("p", metadata={"cam.method": m}) for m in ("gradcam", "hirescam"))
    assert methods_said({"A": None, "B": grad}, "gradcam") == []
    assert methods_said({"A": None, "B": recording("p")}, "gradcam") == []
    assert methods_said({"A": grad, "B": recording("p")}, "gradcam") == []
    assert methods_said({"A": grad, "B": grad}, "hirescam") == []
    assert methods_said({"A": grad, "B": None}, "hirescam") == [
        "A was recorded by gradcam, and the model is explained by hirescam: maps of two methods"
    ]
    assert methods_said({"A": grad, "B": other}, "gradcam") == [
        "A was recorded by gradcam, B was recorded by hirescam: maps of two methods"
    ]


def test_a_model_is_no_recording() -> None:
    known = recording("p", metadata={"cam.layer": "late", "cam.labels": ["a"]})
    assert recording_of(known) is known
    assert recording_of(SimpleNamespace(folder=Path("x"))) is None
    assert (told(known, "cam.layer"), told(known, "cam.labels"), told(known, "x")) == (
        *("late", ""),
        "",
    )
