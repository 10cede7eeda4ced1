"""Captions by their number."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.errors import TargetError
from cam_core.head import Head
from cam_core.targets import Asking, CaptionTarget, Seen, parse_target

HEAD = Head("logits_per_image", "similarity", "", "y", 1)
Y = np.array([[1.0, 4, 2]])


def test_one_and_all() -> None:
    (one,) = parse_target("caption:2", head=HEAD)
    np.testing.assert_array_equal(one.score(Y), [2])
    (every,) = parse_target("caption:all", head=HEAD)
    found = every.found_in(Seen(Y, {}, Asking(None, 1, HEAD)))
    assert [t.label for t in found] == ["caption:0", "caption:1", "caption:2"]
    np.testing.assert_array_equal(np.concatenate([t.score(Y) for t in found]), Y[0])


def test_a_text_as_its_label() -> None:
    assert CaptionTarget(1).title(1, ["a dog", "a cat"]) == "a cat"


def test_what_is_not_there() -> None:
    with pytest.raises(TargetError, match="caption:3: the captions are caption:0 to caption:2"):
        CaptionTarget(3)(Y)
    with pytest.raises(TargetError, match=r"compares with no captions, .* like:FILE"):
        parse_target("caption:0", head=Head("y", "embedding", "", "y", 1))
