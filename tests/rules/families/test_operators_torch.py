"""Rarer operators against torch.autograd in float64: what onnxruntime computes forward, and what
our gradient is. Every float input of a row is differentiated.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import onnx
import onnx.parser
import pytest

from backends.onnx.reading.prepare import prepare
from tests.gradients import with_gradient
from tests.sessions import open_session

torch = pytest.importorskip("torch")
F = torch.nn.functional


class Row(NamedTuple):
    note: str
    opset: int
    body: str
    inputs: dict[str, Any]
    """Differentiated, each."""
    constants: dict[str, Any]
    function: Callable[..., Any]
    """The same in torch."""
    dynamic: dict[str, str] | None = None
    """Symbolic shapes by input; without any the row is tried with static shapes alone."""


def draw(*shape: int, seed: int = 3) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=shape)


def _norm_pool(
    kernel: tuple[int, int],
    p: int,
    pads: tuple[int, ...] = (0, 0, 0, 0),
    strides: tuple[int, int] = (1, 1),
    dilations: tuple[int, int] = (1, 1),
) -> Callable[[Any], Any]:
    """(sum |x|^p)^(1/p) over every window; torch's own takes odd powers of negative numbers."""

    def pooled(x: Any) -> Any:
        x = F.pad(x, pads).abs() ** p
        space = zip(x.shape[2:], kernel, dilations, strict=True)
        high, wide = (n - d * (k - 1) for n, k, d in space)
        total = 0
        for i in range(0, kernel[0] * dilations[0], dilations[0]):
            for j in range(0, kernel[1] * dilations[1], dilations[1]):
                total = total + x[:, :, i : i + high : strides[0], j : j + wide : strides[1]]
        return total ** (1 / p)

    return pooled


def _lp(note: str, opset: int, attributes: str, shape: tuple[int, ...], *pool: Any) -> Row:
    body = f"y = LpPool<{attributes}>(x)"
    return Row(f"Lp, {note}", opset, body, {"x": draw(*shape)}, {}, _norm_pool(*pool), NCHW)


IMAGE = (2, 2, 6, 5)
NCHW = {"x": "N,C,H,W"}
LP_POOLS: list[Row] = [
    _lp(
        "padded",
        11,
        "kernel_shape=[3,2], strides=[2,1], pads=[1,0,1,1], p=3",
        IMAGE,
        *((3, 2), 3, (0, 1, 1, 1), (2, 1)),
    ),
    _lp(
        "same",
        11,
        'kernel_shape=[3,3], strides=[2,2], auto_pad="SAME_UPPER"',
        IMAGE,
        *((3, 3), 2, (1, 1, 0, 1), (2, 2)),
    ),
    _lp(
        "ceil",
        18,
        "kernel_shape=[3,3], strides=[2,2], ceil_mode=1, p=1",
        (2, 2, 6, 6),
        *((3, 3), 1, (0, 1, 0, 1), (2, 2)),
    ),
    _lp(
        "dilated",
        18,
        "kernel_shape=[2,3], dilations=[3,2], p=4",
        (2, 2, 6, 7),
        *((2, 3), 4, (0, 0, 0, 0), (1, 1), (3, 2)),
    ),
    *(
        Row(
            f"global Lp, {p}",
            17,
            f"y = GlobalLpPool<p={p}>(x)",
            {"x": draw(2, 3, 4, 5)},
            {},
            lambda x, p=p: x.abs().pow(p).sum((2, 3), keepdim=True).pow(1 / p),
            NCHW,
        )
        for p in (1, 2, 3, 5)
    ),
]


def _grid_row(
    mode: str,
    padding: str,
    corners: bool,
    shape: tuple[int, ...],
    opset: int,
    grid: Any = None,
) -> Row:
    rank, kink = len(shape) - 2, ", kinks" * (grid is not None)
    spelled = mode if opset < 20 else mode.removeprefix("bi")
    attributes = f'mode="{spelled}", padding_mode="{padding}", align_corners={int(corners)}'
    grid = 1.3 * draw(shape[0], *(4, 3, 2)[:rank], rank, seed=5) if grid is None else grid
    fixed = torch.tensor(grid.astype(np.float32).astype(float))
    computed = mode != "nearest"

    def sampled(x: Any, grid: Any = fixed) -> Any:
        options = {"mode": mode, "padding_mode": padding, "align_corners": corners}
        return F.grid_sample(x, grid, **options)

    return Row(
        f"grid, {mode}, {padding}, {corners}, {rank}-D{kink}",
        opset,
        f"y = GridSample<{attributes}>(x, grid)",
        {"x": draw(*shape)} | ({"grid": grid} if computed else {}),
        {} if computed else {"grid": grid},
        sampled,
        {"x": "N,C,H,W", "grid": "N,P,Q,2"} if computed and rank == 2 and corners else None,
    )


WHOLE = np.stack(np.meshgrid(np.arange(-7, 8) / 4, np.arange(-4, 5) / 2), -1)[None]
"""Whole cells and the middles between them, far outside too."""
SAMPLES: list[Row] = [
    *(
        _grid_row(mode, padding, corners, (2, 3, 4, 5), opset)
        for mode, opset in (("bilinear", 16), ("nearest", 20), ("bicubic", 20))
        for padding in ("zeros", "border", "reflection")
        for corners in (False, True)
    ),
    *(
        _grid_row(mode, padding, corners, (1, 2, 3, 2, 4), 20)
        for mode in ("bilinear", "nearest")
        for padding, corners in (("zeros", False), ("border", True), ("reflection", True))
    ),
    _grid_row("bilinear", "zeros", False, (1, 3, 20, 18), 22),
    *(
        _grid_row("bilinear", padding, True, (1, 3, 5, 5), 16, WHOLE)
        for padding in ("zeros", "border", "reflection")
    ),
    *(
        Row(
            f"affine grid, {size[2:]}, {corners}",
            20,
            f"y = AffineGrid<align_corners={corners}>(theta, size)",
            {"theta": draw(2, len(size) - 2, len(size) - 1)},
            {"size": np.array(size)},
            lambda theta, size=size, corners=corners: F.affine_grid(
                theta, list(size), align_corners=bool(corners)
            ),
            {"theta": f"N,{len(size) - 2},{len(size) - 1}"},
        )
        for size, corners in (((2, 3, 4, 5), 0), ((2, 3, 4, 5), 1), ((2, 1, 2, 3, 4), 0))
    ),
]


def _deformed(
    x: Any,
    w: Any,
    moves: Any,
    mask: Any = None,
    *,
    strides: tuple[int, int] = (1, 1),
    pads: tuple[int, int] = (0, 0),
    dilations: tuple[int, int] = (1, 1),
    parts: int = 1,
    group: int = 1,
) -> Any:
    """One tap of the kernel after the other, each read by torch's grid_sample."""
    (high, wide), kernel, outer = x.shape[2:], w.shape[2:], moves.shape[2:]
    cells, total = kernel[0] * kernel[1], 0
    moves = moves.reshape(-1, parts, cells, 2, *outer)
    rows = (torch.arange(n, dtype=x.dtype) * s for n, s in zip(outer, strides, strict=True))
    grid = torch.stack(torch.meshgrid(*rows, indexing="ij"))  # [2, *O]
    for k in range(cells):
        tap = torch.tensor([k // kernel[1] * dilations[0], k % kernel[1] * dilations[1]])
        start = grid + (tap - torch.tensor(pads))[:, None, None]
        read = []
        for part, channels in enumerate(x.chunk(parts, 1)):
            top, left = (start + moves[:, part, k]).unbind(1)
            normal = torch.stack([2 * left / (wide - 1) - 1, 2 * top / (high - 1) - 1], -1)
            seen = F.grid_sample(channels, normal, align_corners=True)
            read.append(seen if mask is None else seen * mask[:, part * cells + k].unsqueeze(1))
        column = torch.cat(read, 1).reshape(len(x), group, -1, *outer)
        weights = w[:, :, k // kernel[1], k % kernel[1]].reshape(group, -1, w.shape[1])
        total = total + torch.einsum("ngcij,goc->ngoij", column, weights).flatten(1, 2)
    return total


DEFORMED: list[Row] = [
    Row(
        "deformable",
        19,
        "y = DeformConv<strides=[2,1], pads=[1,0,1,0], dilations=[1,2]>(x, w, moves)",
        {"x": draw(2, 3, 6, 5), "w": draw(4, 3, 3, 2), "moves": 0.7 * draw(2, 12, 3, 3)},
        {},
        functools.partial(_deformed, strides=(2, 1), pads=(1, 0), dilations=(1, 2)),
        {"x": "N,3,H,W", "moves": "N,12,P,Q"},
    ),
    Row(
        "deformable, groups and mask",
        22,
        'y = DeformConv<group=2, offset_group=4>(x, w, moves, "", mask)',
        {"x": draw(2, 4, 5, 4), "w": draw(2, 2, 2, 2), "moves": 0.7 * draw(2, 32, 4, 3)}
        | {"mask": draw(2, 16, 4, 3)},
        {},
        functools.partial(_deformed, parts=4, group=2),
    ),
]

MEETING = np.array([[0, 2, 1], [0, 2, 2], [3, 2, 0], [0, 3, 1]])
MET: list[Row] = [
    Row(
        f"{reduction} of ties and zeros",
        18,
        f'y = ScatterElements<axis=0, reduction="{reduction}">(x, i, u)',
        {"x": draw(4, 3).round(), "u": (2 * draw(4, 3, seed=4)).round() / 2},
        {"i": MEETING},
        lambda x, u, name=name: x.scatter_reduce(0, torch.tensor(MEETING), u, name),
        {"x": "N,C", "u": "M,C"},
    )
    for reduction, name in (("mul", "prod"), ("max", "amax"), ("min", "amin"))
]

ROWS = [*LP_POOLS, *SAMPLES, *DEFORMED, *MET]


def _gradient(row: Row, dynamic: bool) -> tuple[onnx.ModelProto, list[str]]:
    """The one-operator model with the input `cot`, and its inputs' cotangents' names."""
    shapes = {name: ",".join(map(str, x.shape)) for name, x in row.inputs.items()}
    shapes |= (row.dynamic or {}) if dynamic else {}
    given = ", ".join(f"float[{shapes[name]}] {name}" for name in row.inputs)
    model = onnx.parser.parse_model(
        f'<ir_version: 10, opset_import: ["" : {row.opset}]> '
        f"g ({given}) => (float y) {{ {row.body} }}"
    )
    for name, value in row.constants.items():
        kept = value.astype(np.float32) if value.dtype == np.float64 else value
        model.graph.initializer.append(onnx.numpy_helper.from_array(kept, name))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    graph = prepare(model)
    shape = graph.tensors["y"].shape
    declared = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, shape)
    model.graph.output[0].CopyFrom(declared)
    return with_gradient(graph, row.inputs)


CASES = [(row, dynamic) for row in ROWS for dynamic in (False, True) if row.dynamic or not dynamic]


@pytest.mark.parametrize(
    ("row", "dynamic"), CASES, ids=[f"{r.note}{', dynamic' * d}" for r, d in CASES]
)
def test_equals_torch(row: Row, dynamic: bool, rng: np.random.Generator) -> None:
    inputs, function = row.inputs, row.function
    single = {name: x.astype(np.float32) for name, x in inputs.items()}
    leaves = {n: torch.tensor(x.astype(float), requires_grad=True) for n, x in single.items()}
    y = function(**leaves)
    cot = rng.normal(size=tuple(y.shape)).astype(np.float32)
    expected = torch.autograd.grad(y, list(leaves.values()), torch.tensor(cot.astype(float)))
    model, names = _gradient(row, dynamic)
    onnx.checker.check_model(model, full_check=True)
    forward, *found = open_session(model).run(["y", *names], single | {"cot": cot})
    _close(forward, y.detach().numpy(), "y")
    for name, g, wanted in zip(inputs, found, expected, strict=True):
        _close(g, wanted.numpy(), name)


def _close(found: Any, expected: Any, name: str) -> None:
    """Equal to within float32's rounding of the largest."""
    assert found.shape == expected.shape, name
    largest = float(np.abs(expected).max())
    assert largest > 0, f"{name}: nothing is compared"
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * largest, err_msg=name)
