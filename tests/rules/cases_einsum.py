"""Rows for einsum.py (see test_rules.py)."""


def row(equation, note, dynamic=None, opsets=(12, 18), /, **shapes):
    body = f'y = Einsum<equation="{equation}">({", ".join(shapes)})'
    options = {"opsets": opsets} | ({"dynamic": dynamic} if dynamic else {})
    return ("Einsum", body, shapes, note, options)


N = {"a": ("N", 3, 4)}

CASES = [
    row("ij,jk->ik", "product", {"a": ("N", 3)}, a=(2, 3), b=(3, 4)),
    row("bij, bjk -> bik", "stack with spaces", N | {"b": ("N", 4, 5)}, a=(2, 3, 4), b=(2, 4, 5)),
    row("ij,jk", "implicit output", a=(2, 3), b=(3, 4)),
    row("ba,cb", "implicit output in order", a=(2, 3), b=(4, 2)),
    row("...ij,...jk->...ik", "ellipsis", N | {"b": ("N", 4, 5)}, a=(2, 3, 4), b=(2, 4, 5)),
    row("...ij,...jk->...ik", "broadcast ellipsis", a=(2, 1, 3, 4), b=(1, 5, 4, 2)),
    row("...ij,jk", "implicit ellipsis", N, a=(2, 3, 4), b=(4, 2)),
    row("i...,i...->...", "ellipsis behind", a=(2, 3, 4), b=(2, 3, 4)),
    row("...->...", "ellipsis alone", a=(2, 3)),
    row("ij->ji", "transposed", {"a": ("N", "M")}, a=(2, 3)),
    row("ijk->ik", "one summed out", {"a": ("N", "M", 4)}, a=(2, 3, 4)),
    row("ijk->", "all summed out", N, a=(2, 3, 4)),
    row("ij,kl->il", "summed out of both", {"a": ("N", 3), "b": (4, "M")}, a=(2, 3), b=(4, 5)),
    row("ii->i", "diagonal", {"a": ("N", "N")}, a=(3, 3)),
    row("ii", "trace", {"a": ("N", "N")}, a=(3, 3)),
    row("bii,ij->bj", "diagonal in a product", {"a": ("N", 3, 3)}, a=(2, 3, 3), b=(3, 4)),
    row("iii->i", "diagonal of a cube", a=(3, 3, 3)),
    row("i,i->", "inner", a=(4,), b=(4,)),
    row("i,j->ij", "outer", {"a": ("N",), "b": ("M",)}, a=(3,), b=(4,)),
    row("bhqd,bhkd->bhqk", "attention", a=(2, 3, 4, 5), b=(2, 3, 2, 5)),
    row("ab,bc,cd->ad", "three", {"a": ("N", 3)}, a=(2, 3), b=(3, 4), c=(4, 2)),
    row("Ab,bC,a->AC", "upper case, one alone", a=(2, 3), b=(3, 4), c=(2,)),
    row("i,->i", "a scalar operand", a=(3,), b=()),
    ("Einsum", 'y = Einsum<equation="ij,ij->i">(x, x)', {"x": (2, 3)}, "the same twice"),
]
