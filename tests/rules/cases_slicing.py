"""Rows for slicing.py (see test_rules.py)."""

import numpy as np

from tests.rules.cases_shape import ints

HUGE = np.iinfo(np.int64).max


def cut(shape, dynamic, note, starts, ends, axes=None, steps=None, opsets=(10, 13, 18)):
    """A Slice with constant bounds, static and with dynamic extents."""
    names = ["s", "e", *(["a"] if axes else []), *(["t"] if steps else [])]
    inputs = {"x": shape, "s": ints(*starts), "e": ints(*ends)}
    inputs |= {"a": ints(*axes)} if axes else {}
    inputs |= {"t": ints(*steps)} if steps else {}
    options = {"opsets": opsets}
    if dynamic:
        options |= {"dynamic": {"x": dynamic}, "opsets": tuple(o for o in opsets if o >= 11)}
    if steps and not axes:
        names.insert(2, "")
    return ("Slice", f"y = Slice(x, {', '.join(names)})", inputs, note, options)


CROPS = "the reference's Pad takes no negative amounts"


def border(mode, pads, note, *, dynamic=None, axes=None, opsets=(11, 13, 18), shape=(2, 4, 5)):
    inputs = {"x": shape, "p": ints(*pads)} | ({"a": ints(*axes)} if axes else {})
    operands = "x, p, , a" if axes else "x, p"
    options = {"opsets": opsets} | ({"dynamic": {"x": dynamic}} if dynamic else {})
    options |= {"frozen": CROPS} if min(pads) < 0 else {}
    return ("Pad", f'y = Pad<mode="{mode}">({operands})', inputs, f"{mode} {note}", options)


SLICES = [
    (
        "Slice",
        "y = Slice<starts=[1, -2], ends=[3, 2147483647], axes=[1, 2]>(x)",
        {"x": (2, 4, 5)},
        "attributes",
        {"opsets": (7, 9)},
    ),
    (
        "Slice",
        "y = Slice<starts=[1], ends=[9223372036854775807], axes=[1]>(x)",
        {"x": (2, 4, 5)},
        "from one on, attributes",
        {"opsets": (7, 9), "dynamic": {"x": ("N", "T", 5)}},
    ),
    (
        "Slice",
        "y = Slice<starts=[0, 1], ends=[2, 3]>(x)",
        {"x": (2, 4)},
        "no axes",
        {"opsets": (7,)},
    ),
    cut((2, 4, 5), ("N", "T", 5), "no axes", [0, 1], [2, 3]),
    cut((2, 6, 5), ("N", "T", 5), "inside", [1], [4], [1]),
    cut((2, 6, 5), ("N", "T", 5), "from an end", [-3], [-1], [1]),
    cut((2, 6, 5), ("N", "T", "W"), "tail and head", [1, -2], [HUGE, HUGE], [1, 2]),
    cut((2, 6, 5), ("N", "T", 5), "all but the borders", [1], [-1], [-2]),
    cut((2, 6, 5), ("N", "T", 5), "huge bounds", [-HUGE], [10**9], [1]),
    cut((2, 6, 5), ("N", "T", "W"), "steps", [1, 0], [6, 5], [1, 2], [2, 3]),
    cut((4, 5, 2), ("N", "T", 2), "even and odd", [1, 0], [HUGE, HUGE], [0, 1], [2, 2]),
    cut((2, 6, 5), ("N", "T", "W"), "backwards", [-1, 4], [-HUGE, 0], [1, 2], [-1, -1]),
    cut((2, 7, 5), ("N", "T", 5), "backwards by two", [5], [0], [1], [-2]),
    cut((2, 7, 5), ("N", "T", 5), "backwards from beyond", [10**9], [-HUGE], [1], [-3]),
    cut((3, 4), ("N", 4), "steps without axes", [0, 1], [3, 4], None, [2, 1]),
    cut((4, 4), ("N", 4), "first row", [0], [1], [0]),
    cut((2, 300), ("N", "T"), "an end behind the probes", [0], [290], [1]),
    (
        "Slice",
        "h = Shape(b) s = Sub(h, two) t = Add(s, one) y = Slice(x, s, t)",
        {"x": (3, 4), "b": (3, 4), "one": ints(1, 2), "two": ints(2, 3)},
        "dynamic bounds",
        {
            "opsets": (13, 18),
            "dynamic": {"x": ("N", "T"), "b": ("N", "T")},
            "wrt": ["x"],
        },
    ),
    (
        "Slice",
        "h = Shape(b) s = Neg(h) y = Slice(x, s, e, a)",
        {"x": (3, 6), "b": (4,), "e": ints(-1), "a": ints(1)},
        "dynamic negative start",
        {"opsets": (13,), "dynamic": {"x": ("N", "T"), "b": ("K",)}, "wrt": ["x"]},
    ),
    (
        "Slice",
        "h = Shape(b) s = Sub(six, h) e = Neg(h) y = Slice(x, s, h, a, n)",
        {"x": (3, 20), "b": (4,), "six": ints(1), "a": ints(1), "n": ints(-2)},
        "dynamic bounds, backwards",
        {"opsets": (13,), "dynamic": {"b": ("K",)}, "wrt": ["x"]},
    ),
    (
        "Slice",
        "h = Shape(b) y = Slice(x, s, e, a, h)",
        {"x": (3, 40), "b": (2,), "s": ints(1), "e": ints(39), "a": ints(1)},
        "dynamic step",
        {"opsets": (13, 18), "dynamic": {"x": ("N", 40), "b": ("K",)}, "wrt": ["x"]},
    ),
]
PADS = [
    (
        "Pad",
        "y = Pad<pads=[0, 1, 2, 0, 0, 1], value=0.5>(x)",
        {"x": (2, 3, 4)},
        "attributes",
        {"opsets": (7, 9), "dynamic": {"x": ("N", 3, "W")}},
    ),
    (
        "Pad",
        "y = Pad<pads=[0, 1, -1, 0, -2, 1]>(x)",
        {"x": (2, 4, 4)},
        "attributes, some negative",
        {"opsets": (9,), "dynamic": {"x": ("N", 4, "W")}, "frozen": CROPS},
    ),
    (
        "Pad",
        'y = Pad<mode="reflect", pads=[0, 0, 1, 0, 0, 2]>(x)',
        {"x": (2, 3, 4)},
        "reflect by attributes",
        {"opsets": (7, 9), "dynamic": {"x": ("N", 3, 4)}},
    ),
    border("constant", (0, 1, 2, 0, 0, 1), "", dynamic=("N", "H", "W")),
    border("constant", (0, 1, -1, 0, -2, 1), "some negative", dynamic=("N", "H", "W")),
    border("constant", (0, -1, -1, 0, -2, 0), "all negative", dynamic=("N", "H", "W")),
    border(
        "constant", (1, 2, 0, 1), "axes", axes=(-1, 1), opsets=(18, 21), dynamic=("N", "H", "W")
    ),
    border("reflect", (0, 1, 2, 0, 0, 1), "", dynamic=("N", "H", "W")),
    border("reflect", (0, 3, 4, 0, 3, 4), "as far as it goes"),
    border("reflect", (2, 1), "axes", axes=(-1,), opsets=(18, 21), dynamic=("N", "H", "W")),
    border("edge", (1, 2, 0, 0, 0, 3), "", dynamic=("N", "H", "W")),
    border("edge", (2, 1), "axes", axes=(-2,), opsets=(18,), dynamic=("N", "H", "W")),
    border("wrap", (0, 2, 1, 0, 1, 3), "", opsets=(19, 21), dynamic=("N", "H", "W")),
    (
        "Pad",
        "v = Squeeze(w) y = Pad(x, p, v)",
        {"x": (2, 3), "p": ints(1, 0, 0, 2), "w": (1,)},
        "value",
        {"opsets": (13, 18)},
    ),
    (
        "Pad",
        "h = Shape(b) p = Sub(h, two) y = Pad(x, p)",
        {"x": (3, 4), "b": (2, 4, 3, 3), "two": ints(2, 3, 2, 2)},
        "dynamic pads",
        {
            "opsets": (13, 18),
            "dynamic": {"x": ("N", "T"), "b": ("A", "B", "C", "D")},
            "wrt": ["x"],
            "frozen": CROPS,
        },
    ),
    (
        "Pad",
        'h = Shape(b) p = Sub(h, two) y = Pad<mode="reflect">(x, p)',
        {"x": (3, 4), "b": (2, 4, 3, 3), "two": ints(2, 3, 2, 2)},
        "dynamic reflect",
        {
            "opsets": (13, 18),
            "dynamic": {"x": ("N", "T"), "b": ("A", "B", "C", "D")},
            "wrt": ["x"],
        },
    ),
]
CENTRED = [
    (
        "CenterCropPad",
        f"y = CenterCropPad{attributes}(x, s)",
        {"x": (2, 5, 4, 3), "s": np.array(sizes)},
        note,
        {"opsets": (18,)} | dynamic,
    )
    for attributes, sizes, note, dynamic in (
        ("", (2, 2, 7, 3), "both", {"dynamic": {"x": ("N", 5, 4, 3)}}),
        ("<axes=[-1,1]>", (6, 4), "two axes", {"dynamic": {"x": ("N", "C", 4, "W")}}),
        ("<axes=[2]>", (1,), "an odd crop", {}),
    )
]

CROPPED = [
    (
        "Crop",
        f"y = Crop<{attributes}>(x)",
        {"x": (2, 3, 6, 7)},
        note,
        {"opsets": (7, 9), "frozen": "in onnxruntime only", "shape": shape} | dynamic,
    )
    for attributes, note, shape, dynamic in (
        ("border=[1,2,0,1]", "a border", (2, 3, 3, 6), {"dynamic": {"x": ("N", 3, "H", "W")}}),
        ("border=[2,1,0,0], scale=[3,4]", "by its size", (2, 3, 3, 4), {}),
        ("border=[2,1,9,9], scale=[3,4]", "its size goes first", (2, 3, 3, 4), {}),
        ("border=[0,1,0,0]", "one side", (2, 3, 5, 7), {"dynamic": {"x": (2, 3, "H", 7)}}),
        ("border=[0,0,0,0]", "nothing", (2, 3, 6, 7), {}),
    )
]  # fmt: skip

CASES = [*SLICES, *PADS, *CENTRED, *CROPPED]
