"""Whatever is listed of a model can be asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cam_core.asking import asking_of, seen_by
from cam_core.errors import NothingFoundError
from cam_core.listing import listed
from cam_core.looking import Looks
from cam_core.targets import Seen, parse_target

OTHER = "other.jpg"
"""A second picture in what is listed."""


def require_all(backend: Any, x: Any, labels: Sequence[str] | None = None) -> set[str]:
    """Each has a finite number and a slope of its tensor's shape, or is not in this picture.

    With a picture, and without one; what is listed without.
    """
    looks = Looks(backend, x, ())
    seen = seen_by(backend, x, looks.first, labels)
    unseen = {one.target for one in listed(backend, labels)}
    for text in unseen | {one.target for one in listed(backend, labels, look=looks.first)}:
        _require(text, backend, looks, seen)
    return unseen


def _require(text: str, backend: Any, looks: Looks, seen: Seen) -> None:
    asking = asking_of(backend, seen.asking.labels)
    seen = Seen(**{**vars(seen), "answer": lambda file: looks.first.score[:1]})
    known: dict[str, Any] = {"class_axis": asking.class_axis, "head": asking.head}
    for question in parse_target(text, asking.labels, **known):
        probability = "" if asking.head is None else asking.head.probability
        try:
            found = question.suited(probability).found_in(seen)
        except NothingFoundError:
            continue
        assert found
        for target in found:
            y = looks.of(target.tensor).score
            assert np.isfinite(target.score(y)).all(), text
            assert target(y, seen.outputs).shape == y.shape, text
