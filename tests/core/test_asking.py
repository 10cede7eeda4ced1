"""What is known of a score, and of what a model was fed, before anything is asked."""

from __future__ import annotations

import numpy as np
import pytest

from cam_core.asking import fed, fed_shapes, find_class_axis, picture_size
from cam_core.backend import InputInfo
from cam_core.errors import InputError

PICTURES = {  # shape, axis of channels, axis of rows -> height and width
    "rows of pictures": ((1, 3, 20, 30), 1, 0, (20, 30)),
    "channels last": ((1, 20, 30, 3), 3, 0, (20, 30)),
    "one picture": ((3, 20, 30), 0, None, (20, 30)),
    "one with channels last": ((20, 30, 3), 2, None, (20, 30)),
    "rows of tokens": ((2, 20, 30), None, 0, None),
}


@pytest.mark.parametrize("case", PICTURES)
def test_how_large_the_picture_is(case: str) -> None:
    shape, channels, rows, expected = PICTURES[case]

    class Given:
        def inputs(self) -> list[InputInfo]:
            return [InputInfo("x", shape, np.dtype("float32"), channels, rows)]

    assert picture_size(Given(), np.zeros(shape)) == expected
    assert fed_shapes(Given(), np.zeros(shape)) == {"x": shape}


def test_a_backend_that_names_no_input_has_no_shapes_but_those_it_is_fed() -> None:
    assert fed_shapes(object(), np.zeros(3)) == {}
    assert fed_shapes(object(), {"a": np.zeros(3), "b": np.zeros((1, 2))}) == {
        "a": (3,),
        "b": (1, 2),
    }


def test_a_single_array_is_fed_by_no_name() -> None:
    assert [*fed([1, 2])] == [""]  # type: ignore[arg-type]
    assert fed({"a": np.ones(2)})["a"].tolist() == [1, 1]


def test_where_the_classes_are_is_asked_of_what_is_a_backend() -> None:
    class Looking:
        class_axis = 3

        def look(self) -> None: ...

    assert (find_class_axis(Looking(), None), find_class_axis(Looking(), 1)) == (3, 1)
    with pytest.raises(InputError, match="a dict is no backend"):
        find_class_axis({}, None)
