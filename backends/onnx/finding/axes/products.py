"""Products: the axes that are summed over go, the others stay where they are."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from .agreement import agreed
from .factors import FRESH, Axes, Axis, Factor, Given, Origin, fresh, size
from .table import Step, moves


def multiplied(step: Step, a: Axes | None, b: Axes | None, *, output: int = 0) -> Axes | None:
    """[..., M, K] by [..., K, N]."""
    shape = step.made[output]
    if shape is None:
        return None
    if a is None or b is None:
        return step.unknown(output)
    rows: Axes = () if len(a) == 1 else (a[-2],)
    columns: Axes = () if len(b) == 1 else (b[-1],)
    kept = len(rows) + len(columns)
    batch = step.aligned([a[:-2], b[:-2]], shape[: len(shape) - kept])
    rows = tuple(_within(axis, a[:-2], b[:-2]) for axis in rows)
    columns = tuple(_within(axis, b[:-2], a[:-2]) for axis in columns)
    return (*batch, *rows, *columns)


def _within(axis: Axis, own: Axes, others: Axes) -> Axis:
    """A kept axis; what walks beyond the windows that the other factor counts is no place in them.

    Queries of the whole picture are asked of each window, and the values are the window's.
    """
    counted = {factor.origin for batch in own for factor in batch}
    windows: dict[Origin, Fraction] = {}
    for factor in (factor for batch in others for factor in batch):
        if factor.origin not in counted and isinstance(factor.origin, Given):
            width = abs(factor.width)
            windows[factor.origin] = min(windows.get(factor.origin, width), width)
    return tuple(
        Factor(FRESH, factor.extent)
        if _reach(factor) > windows.get(factor.origin, _reach(factor))
        else factor
        for factor in axis
    )


def _reach(factor: Factor) -> Fraction:
    return abs(factor.width) * factor.extent


@moves("MatMul", "MatMulInteger")
@moves("MatMulIntegerToFloat", "DynamicQuantizeMatMul", domain="com.microsoft")
def product(step: Step) -> Sequence[Axes | None]:
    return [multiplied(step, step.inputs[0], step.inputs[1])]


@moves("QLinearMatMul")
def whole_product(step: Step) -> Sequence[Axes | None]:
    return [multiplied(step, step.inputs[0], step.inputs[3])]


@moves("Gemm")
@moves("QGemm", domain="com.microsoft")
def affine(step: Step) -> Sequence[Axes | None]:
    second = 3 if step.node.op == "QGemm" else 1
    a, b = step.inputs[0], step.inputs[second]
    if a is None or b is None:
        return [step.unknown()]
    a = a[::-1] if step.attrs.get("transA") else a
    b = b[::-1] if step.attrs.get("transB") else b
    return [multiplied(step, a, b)]


@moves("MatMulNBits", domain="com.microsoft")
def narrow_product(step: Step) -> Sequence[Axes | None]:
    """The second factor is a packed weight."""
    shape = step.made[0]
    return [None if shape is None else (*step.x[:-1], fresh(shape[-1]))]


@moves("Einsum")
def einsum(step: Step) -> Sequence[Axes | None]:
    """A letter has the axis of whoever knows it best."""
    shape = step.made[0]
    equation = step.attrs["equation"]
    text = (equation.decode() if isinstance(equation, bytes) else equation).replace(" ", "")
    left, arrow, right = text.partition("->")
    if shape is None or any(axes is None for axes in step.inputs):
        return [step.unknown()]
    found: dict[str, list[Axis]] = {}
    for term, axes in zip(left.split(","), step.inputs, strict=True):
        for letter, axis in zip(_letters(term, len(axes or ())), axes or (), strict=True):
            found.setdefault(letter, []).append(axis)
    if not arrow:
        once = {letter for letter, axes in found.items() if len(axes) == 1}
        right = "".join(sorted(letter for letter in once if letter.isalpha()))
        right = "..." * ("..." in left) + right
    names = _letters(right, len(shape))
    out = []
    for letter, extent in zip(names, shape, strict=True):
        fit = [axis for axis in found.get(letter, []) if size(axis) == extent]
        out.append(agreed(fit, step.lost()) if fit else fresh(extent))
    return [tuple(out)]


def _letters(term: str, rank: int) -> list[str]:
    """The names of a term's axes; those of an ellipsis are numbers, counted from behind."""
    if "..." not in term:
        return list(term)
    before, after = term.split("...")
    dots = rank - len(before) - len(after)
    return [*before, *(str(dots - i) for i in range(dots)), *after]


@moves("Det")
def determinant(step: Step) -> Sequence[Axes | None]:
    return [step.x[:-2]]


@moves("Attention")
@moves(
    *("Attention", "QAttention", "MultiHeadAttention", "GroupQueryAttention"),
    domain="com.microsoft",
)
def attended(step: Step) -> Sequence[Axes | None]:
    """As the queries, whatever they look at; the values' features are new."""
    found: list[Axes | None] = []
    for number, shape in enumerate(step.made):
        if shape is None or number:
            found.append(None if shape is None else step.unknown(number))
        else:
            found.append((*step.x[:-1], fresh(shape[-1])))
    return found


@moves("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def losses(step: Step) -> Sequence[Axes | None]:
    """A loss a place, or their mean; log-probabilities as the scores."""
    shape = step.made[0]
    first = None if shape is None else (step.x[:1] + step.x[2:] if shape else ())
    return [first, *([step.inputs[0]] * (len(step.made) - 1))]
