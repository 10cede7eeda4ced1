"""How a layer's own tensor becomes [N, K, *S], and back.

These functions also run on symbolic tensors and so become part of an instrumented model: on the
tensors use only np.transpose, np.reshape with -1 for the batch, np.concatenate and basic slices;
x.shape[0] is never a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod

import numpy as np

from ..backend import Array
from ..errors import InputError, LayerError


@dataclass(frozen=True)
class Layout:
    """The axes of a layer's tensor.

    >>> Layout("NHWC")                                # a channels-last map
    >>> Layout("NTC", grid=(14, 14), skip=1)          # ViT: class token, then 14 x 14 patches
    >>> Layout("NTC", grid=(7, 7), windows=(8, 8))    # Swin windows: [N*64, 49, C]
    """

    axes: str
    """One letter an axis: N batch, C channels, T tokens, any other capital a spatial axis."""
    grid: tuple[int, ...] = ()
    """Spatial shape of the tokens that are kept; () is a sequence of any length."""
    skip: int = 0
    """Leading summary tokens (class, distillation, register): no place in space."""
    drop: int = 0
    """Trailing summary tokens."""
    windows: tuple[int, ...] = ()
    """Grid of windows folded into the batch axis, each window a `grid` of tokens."""

    def __post_init__(self) -> None:
        """Refuses axes that cannot be brought to [N, K, *S]."""
        letters = set(self.axes)
        if len(letters) < len(self.axes) or not {"N", "C"} <= letters or not self.axes.isupper():
            raise InputError(
                f"layout '{self.axes}': each axis needs its own capital, one N and one C among them"
            )
        if "T" in self.axes and len(self.axes) > 3:
            raise InputError(f"layout '{self.axes}': tokens (T) leave no room for spatial axes")
        if (self.grid or self.skip or self.drop or self.windows) and "T" not in self.axes:
            raise InputError(f"layout '{self.axes}': grid, skip, drop and windows need an axis T")
        if self.windows and (len(self.windows) != len(self.grid) or self.axes[0] != "N"):
            raise InputError(f"layout '{self.axes}': windows need a grid of the same rank, N first")
        if self.windows and (self.skip or self.drop):
            raise InputError(f"layout '{self.axes}': windows have no summary tokens")

    @property
    def channel_axis(self) -> int:
        """Where the channels are."""
        return self.axes.index("C")

    @property
    def summary(self) -> int:
        """How many tokens have no place in space."""
        return self.skip + self.drop

    @property
    def maps(self) -> tuple[int, ...]:
        """How many maps each row of the batch has: one."""
        return ()

    @property
    def identity(self) -> bool:
        """Whether the tensor already is [N, K, *S]."""
        return self.axes.startswith("NC") and "T" not in self.axes

    def apply(self, t: Array) -> Array:
        """The tensor as [N, K, *S], without its summary tokens."""
        self._check(t)
        if self.skip or self.drop:
            t = self._tokens(t, self.skip, -self.drop or None)
        t = _transpose(t, self._order())
        if self.windows:
            # [N, w1, w2, K, m1, m2] -> [N, K, w1, m1, w2, m2]
            rank, K = len(self.grid), t.shape[1]
            t = np.reshape(t, (-1, *self.windows, K, *self.grid))
            t = np.transpose(t, (0, rank + 1, *_interleave(range(1, rank + 1), rank + 1)))
            return np.reshape(t, (-1, K, *self._space()))
        if len(self.grid) > 1:
            t = np.reshape(t, (-1, t.shape[1], *self.grid))
        return t

    def invert(self, A: Array, original: Array | None = None) -> Array:
        """[N, K, *S] in the tensor's own axes; summary tokens come from `original`, one like it."""
        K = A.shape[1] if A.ndim > 1 else 0
        if self.windows:
            # [N, K, w1, m1, w2, m2] -> [N, w1, w2, K, m1, m2]
            rank = len(self.grid)
            A = np.reshape(A, (-1, K, *_interleave(self.windows, self.grid)))
            space = range(2, 2 + 2 * rank)
            A = np.transpose(A, (0, *space[::2], 1, *space[1::2]))
            A = np.reshape(A, (-1, K, prod(self.grid)))
        elif len(self.grid) > 1:
            A = np.reshape(A, (-1, K, prod(self.grid)))
        t = _transpose(A, tuple(int(i) for i in np.argsort(self._order())))
        if not (self.skip or self.drop):
            return t
        if original is None:
            raise LayerError(f"layout {self.text()}: the summary tokens must be given to invert it")
        parts = [self._tokens(original, 0, self.skip)] if self.skip else []
        parts += [t]
        parts += [self._tokens(original, -self.drop, None)] if self.drop else []
        return np.concatenate(parts, axis=self.axes.index("T"))

    def text(self) -> str:
        """The layout as metadata keeps it: NCHW, N(1+14*14)C, N(1+L)C, (N*8*8)(7*7)C."""
        kept = "*".join(map(str, self.grid)) or "L"
        lead = f"{self.skip}+" if self.skip or self.drop else ""
        trail = f"+{self.drop}" if self.drop else ""
        batch = "*".join(["N", *map(str, self.windows)])
        words = {"T": f"({lead}{kept}{trail})", "N": f"({batch})" if self.windows else "N"}
        return "".join(words.get(letter, letter) for letter in self.axes)

    @classmethod
    def parse(cls, text: str) -> Layout:
        """The layout that `text()` wrote.

        Capitals are axes. A token axis stands in brackets: [skip+]grid[+drop], the grid as extents
        joined by * or as L for any length; skip and drop are the numbers of summary tokens.
        """
        match = _TEXT.fullmatch(text.replace(" ", ""))
        if match is None:
            raise InputError(
                f"layout '{text}' is not understood; write NCHW, NHWC, N(1+14*14)C or (N*8*8)(7*7)C"
            )
        windows, before, skip, grid, drop, after = match.groups()
        return cls(
            ("N" if windows else "") + before + ("T" if grid else "") + after,
            grid=() if grid in (None, "L") else _extents(grid),
            skip=int(skip or 0),
            drop=int(drop or 0),
            windows=_extents(windows or ""),
        )

    def _order(self) -> tuple[int, ...]:
        """The permutation that brings N and C to the front."""
        first = (self.axes.index("N"), self.channel_axis)
        return first + tuple(i for i in range(len(self.axes)) if i not in first)

    def _space(self) -> tuple[int, ...]:
        return tuple(w * m for w, m in zip(self.windows, self.grid, strict=True))

    def _tokens(self, t: Array, start: int | None, stop: int | None) -> Array:
        index = tuple(slice(start, stop) if a == "T" else slice(None) for a in self.axes)
        return t[index]

    def _check(self, t: Array) -> None:
        """The tensor has this rank and, where its extent is known, this number of tokens."""
        if t.ndim != len(self.axes):
            raise LayerError(f"layout {self.text()} needs rank {len(self.axes)}, not {t.ndim}")
        if not self.grid:
            return
        axis, needed = self.axes.index("T"), self.skip + prod(self.grid) + self.drop
        found = t.shape[axis] if axis else needed
        if isinstance(found, int) and found != needed:
            raise LayerError(f"layout {self.text()} needs {needed} tokens, the layer has {found}")


_TEXT = re.compile(
    r"(?:\(N\*(\d+(?:\*\d+)*)\))?([A-Z]*)"
    r"(?:\((?:(\d+)\+)?(L|\d+(?:\*\d+)*)(?:\+(\d+))?\))?([A-Z]*)"
)


def _extents(text: str) -> tuple[int, ...]:
    return tuple(int(n) for n in text.split("*") if n)


def _interleave(a: range | tuple[int, ...], b: int | tuple[int, ...]) -> tuple[int, ...]:
    """(a1, b1, a2, b2, ...); an int b means: the same axes, that many further on."""
    second = tuple(i + b for i in a) if isinstance(b, int) else b
    return tuple(n for pair in zip(a, second, strict=True) for n in pair)


def _transpose(t: Array, order: tuple[int, ...]) -> Array:
    return t if order == tuple(range(len(order))) else np.transpose(t, order)
