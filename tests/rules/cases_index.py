"""Rows for index.py (see test_rules.py)."""

import numpy as np

SIDE = {"wrt": ["x"]}
WIDE = 300
"""More than the extent up to which a 0/1 matrix is made at run time."""


def ints(*values):
    return np.array(values, np.int64)


def constant(indices, note, *, shape=(2, 5, 3), axis=1, opsets=(7, 11, 13), dynamic=("N", 5, 3)):
    """A Gather at constant indices."""
    inputs = {"x": shape, "i": np.array(indices, np.int64)}
    options = {"opsets": opsets} | ({"dynamic": {"x": dynamic}} if dynamic else {})
    return ("Gather", f"y = Gather<axis={axis}>(x, i)", inputs, note, options)


def computed(
    op, attributes, shape, indices, note, *, opsets=(11, 13, 17), dynamic=None, frozen=None
):
    """The same at indices that are only known at run time."""
    body = f"f = Floor(k) i = Cast<to=7>(f) y = {op}<{attributes}>(x, i)"
    inputs = {"x": shape, "k": (np.shape(indices), lambda _: np.array(indices) + 0.5)}
    options = SIDE | {"opsets": opsets} | ({"dynamic": dynamic} if dynamic else {})
    options |= {"frozen": frozen} if frozen else {}
    return (op, body, inputs, note, options)


rows = np.random.default_rng(3)
MANY = rows.integers(0, 40, 60)
SCRAMBLED = rows.permutation(12)
POINTS = np.stack([rows.integers(0, 3, (2, 4)), rows.integers(-4, 4, (2, 4))], -1)

GATHER = [
    constant(1, "scalar"),
    constant(-1, "last"),
    constant([3], "one"),
    constant([1, 2, 3], "a run"),
    constant([4, 2, 0], "backwards by two"),
    constant([0, 3], "by three"),
    constant([2, 2, 2], "the same"),
    constant([-1, 0, 1, 2, 3], "rolled"),
    constant([[0, 1], [4, 1]], "a matrix with a repeat"),
    constant(SCRAMBLED, "permutation", shape=(12, 2), axis=0, dynamic=(12, "N")),
    constant(SCRAMBLED[:7], "part of a permutation", shape=(12, 2), axis=0, dynamic=None),
    constant([0, 5, 2, 7, 2, 5, 5, 1], "some repeats", shape=(2, 9), axis=-1, dynamic=None),
    constant(MANY, "many repeats", shape=(2, 40, 3), dynamic=("N", 40, 3)),
    constant(MANY, "many repeats on the last axis", shape=(2, 40), dynamic=("N", 40)),
    constant(MANY, "many repeats in a vector", shape=(40,), axis=0, dynamic=None),
    constant([], "none", opsets=(13,)),
    constant(
        MANY % 7, "many repeats, wide", shape=(1200, 2), axis=0, dynamic=None, opsets=(13, 17)
    ),
    constant(1, "scalar, dynamic extent", opsets=(11, 13), dynamic=("N", "T", 3)),
    constant(-2, "from the end, dynamic extent", opsets=(11, 13), dynamic=("N", "T", "C")),
    constant([0, -1], "ends, dynamic extent", opsets=(11, 13, 17), dynamic=("N", "T", 3)),
    computed(
        "Gather",
        "axis=1",
        (2, 5, 3),
        [0, 4, -1, 4],
        "computed",
        opsets=(7, 9, 11, 17),
        dynamic={"x": ("N", 5, 3), "k": ("K",)},
    ),
    computed(
        "Gather",
        "axis=-1",
        (2, 5),
        [[0, 4], [-5, 4]],
        "computed matrix",
        dynamic={"x": ("N", "T"), "k": ("K", 2)},
    ),
    (
        "Gather",
        "f = Floor(k) c = Cast<to=7>(f) i = Squeeze(c) y = Gather<axis=0>(x, i)",
        {"x": (5, 2), "k": ((1,), lambda _: np.array([3.5]))},
        "computed scalar",
        {"opsets": (11, 13, 17), "wrt": ["x"], "dynamic": {"x": ("N", 2)}},
    ),
    computed("Gather", "axis=0", (WIDE, 2), [7, 299, 7], "computed, wide", opsets=(13, 16, 18)),
    computed("Gather", "axis=1", (2, WIDE, 2), [7, -1, 7], "computed, wide inside", opsets=(16,)),
]

ELEMENTS = [
    (
        "GatherElements",
        "y = GatherElements<axis=1>(x, i)",
        {"x": (2, 4), "i": np.array([[0, 3, 0], [1, -1, 2]])},
        "constant with a repeat",
        {"opsets": (11, 13, 17), "dynamic": {"x": ("N", "T")}},
    ),
    computed(
        "GatherElements",
        "axis=0",
        (4, 3, 2),
        rows.integers(-4, 4, (5, 2, 1)),
        "computed, fewer columns",
        dynamic={"x": ("N", "T", 2)},
        frozen="the reference wants equal extents off the axis",
    ),
    (
        "TopK",
        "v, i = TopK<axis=1, k=2>(x) y = Mul(v, v)",
        {"x": (3, 5)},
        "attribute",
        {"opsets": (9,), "dynamic": {"x": ("N", 5)}},
    ),
    (
        "TopK",
        "v, i = TopK<axis=-1, largest=0>(x, k) y = Mul(v, v)",
        {"x": (3, 5), "k": ints(3)},
        "smallest",
        {"opsets": (11, 17, 24), "dynamic": {"x": ("N", "T")}},
    ),
    (
        "TopK",
        "v, i = TopK<axis=0>(x, k) y = Tanh(v)",
        {"x": (4, 3), "k": ints(2)},
        "input",
        {"opsets": (10, 13), "dynamic": {"x": (4, "C")}},
    ),
]

MULTI = [
    (
        "GatherND",
        "y = GatherND(x, i)",
        {"x": (3, 4, 2), "i": POINTS},
        "points",
        {"opsets": (11, 13, 17), "dynamic": {"x": (3, 4, "C")}},
    ),
    (
        "GatherND",
        "y = GatherND(x, i)",
        {"x": (3, 4), "i": ints(1, -1)},
        "one number",
        {"opsets": (13,)},
    ),
    (
        "GatherND",
        "y = GatherND(x, i)",
        {"x": (6, 2), "i": np.array([[1], [2], [3]])},
        "rows",
        {"opsets": (13,), "dynamic": {"x": (6, "C")}},
    ),
    (
        "GatherND",
        "y = GatherND<batch_dims=1>(x, i)",
        {"x": (2, 4, 3), "i": np.array([[[1], [1], [-1]], [[0], [3], [2]]])},
        "batch",
        {"opsets": (12, 17), "dynamic": {"x": (2, 4, "C")}},
    ),
    computed("GatherND", "batch_dims=0", (3, 4, 2), POINTS, "computed", opsets=(12, 17)),
    computed(
        "GatherND",
        "batch_dims=2",
        (2, 3, 4, 2),
        rows.integers(-4, 4, (2, 3, 1)),
        "computed, two batch axes",
        opsets=(12, 17),
        dynamic={"x": ("N", 3, "T", 2), "k": ("N", 3, 1)},
    ),
    computed("GatherND", "batch_dims=0", (3, 4), [2.0, 1.0], "computed, one number", opsets=(13,)),
]


OTHERS = [
    (
        "Compress",
        "y = Compress<axis=1>(x, c)",
        {"x": (2, 4, 3), "c": np.array([True, False, True])},
        "axis, short condition",
        {"opsets": (9, 11, 17), "dynamic": {"x": ("N", 4, 3)}},
    ),
    (
        "Compress",
        "y = Compress(x, c)",
        {"x": (2, 3), "c": np.array([False, True, True, False, True])},
        "flattened",
        {"opsets": (9, 13)},
    ),
    (
        "Compress",
        "z = Sub(k, k) c = Greater(k, z) y = Compress<axis=0>(x, c)",
        {"x": (4, 3), "k": ((4,), lambda _: np.array([1.0, -1.0, 2.0, 3.0]))},
        "computed: nothing greater than itself less itself",
        {"opsets": (11, 17), "wrt": ["x"], "dynamic": {"x": ("N", 3), "k": ("N",)}},
    ),
    *(
        (
            "ReverseSequence",
            f"y = ReverseSequence<time_axis={t}, batch_axis={1 - t}>(x, n)",
            {"x": (3, 3, 2), "n": ints(1, 3, 2)},
            f"time axis {t}",
            {"opsets": (10, 17), "dynamic": {"x": (3, 3, "C")}},
        )
        for t in (0, 1)
    ),
    (
        "Range",
        "s = Squeeze(a) t = Squeeze(b) r = Range(s, limit, t) y = Mul(r, r)",
        {"a": (1,), "b": ((1,), lambda v: 0.5 + 0 * v), "limit": np.array(4.0)},
        "start and step",
        {"opsets": (11, 13)},
    ),
]

ONE_TOKEN = {"opsets": (18,), "dynamic": {"x": ("N", 5, 4)}, "wrt": ["x"]}
"""Chains whose cotangent is one row of five (see writing/test_few_rows.py)."""
CHAIN_INPUTS = {
    "x": (2, 5, 4),
    "w": (4, 4),
    "scale": (4,),
    "i": np.array([3]),
    "axes": np.array([1]),
    "last": np.array([-1]),
    "heads": np.array([0, 5, 2, 2]),
    "flat": np.array([0, 5, 4]),
    "laid": np.array([-1, 4]),
    "apart": np.array([5, -1, 4]),
    "one": np.array(1.0),
    "two": np.array(2.0),
}
NORM = (
    "m = ReduceMean(x, last) c = Sub(x, m) q = Mul(c, c) v = ReduceMean(q, last) "
    "d = Sqrt(v) n = Div(c, d) z = Mul(n, scale)"
)
GELU = "r = Div(u, two) e = Tanh(r) f = Add(e, one) g = Mul(u, f)"
CHAINS = [
    ("Gather", f"{body} y = Gather<axis=1>(h, i)", CHAIN_INPUTS, f"after {note}", ONE_TOKEN)
    for note, body in {
        "a norm": f"{NORM} h = Identity(z)",
        "a block": f"{NORM} u = MatMul(z, w) {GELU} k = MatMul(g, w) h = Add(x, k)",
        "a gate": "m = MatMul(x, w) s = Sigmoid(m) h = Mul(m, s)",
        "a quotient": "e = Exp(x) d = ReduceSum(e, last) h = Div(e, d)",
        "a choice": "n = Neg(x) c = Greater(x, n) e = Exp(x) h = Where(c, x, e)",
        "heads": "r = Reshape(x, heads) q = Transpose<perm=[0,2,1,3]>(r) t = Tanh(q) "
        "b = Transpose<perm=[0,2,1,3]>(t) h = Reshape(b, flat)",
        "rows laid one after the other": "s = Transpose<perm=[1,0,2]>(x) r = Reshape(s, laid) "
        "m = MatMul(r, w) t = Tanh(m) b = Reshape(t, apart) h = Transpose<perm=[1,0,2]>(b)",
        "attention": "q = MatMul(x, w) k = Transpose<perm=[0,2,1]>(x) s = MatMul(q, k) "
        "p = Softmax(s) o = MatMul(p, x) h = Add(o, x)",
        "what mixes rows": "m = ReduceMean(x, axes) c = Sub(x, m) h = Mul(c, c)",
    }.items()
]


def apart(x):
    """No two values near each other."""
    return np.random.default_rng(1).permutation(x.size).reshape(x.shape) / 8.0


RARE = [
    (
        "Unique",
        "y = Unique<axis=1>(x)",
        {"x": ((2, 5, 3), apart)},
        "slices",
        {"opsets": (11, 26), "dynamic": {"x": ("N", 5, 3)}},
    ),
    (
        "Unique",
        "y, i, j, c = Unique<sorted=0>(x)",
        {"x": ((4, 3), apart)},
        "flat, unsorted",
        {"frozen": "the reference evaluator fails"},
    ),
    ("Unique", "y = Unique(x)", {"x": ((20, 15), apart)}, "flat, many"),
    *(
        (
            "TensorScatter",
            f'y = TensorScatter<mode="{mode}", axis={axis}>(past, update{places})',
            {"past": (2, 3, 5, 4), "update": (2, 3, 2, 4), "i": ints(*starts)},
            f"{mode}{places}",
            {
                "opsets": (24,),
                "dynamic": {"past": ("N", 3, "T", 4), "update": ("N", 3, 2, 4)},
            },
        )
        for mode, axis, places, starts in (
            ("linear", -2, "", (0, 0)),
            ("linear", 2, ", i", (1, 3)),
            ("circular", -2, ", i", (4, 2)),
        )
    ),
]

CASES = [*RARE, *CHAINS, *GATHER, *ELEMENTS, *MULTI, *OTHERS]
