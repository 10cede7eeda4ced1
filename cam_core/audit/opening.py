"""Photos as a model takes them, where no command line says how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath

import numpy as np

from ..backend import Array, InputInfo
from ..compare.bounds import grey_level, grey_noise
from ..compare.photos import Photo
from ..errors import InputError
from ..image import Preprocess, preprocess
from .data import Item
from .data.far import FILES, pixels_at
from .measure import Opened, opened_from


@dataclass(frozen=True)
class Prepared:
    """An opener: photos by one preprocessing, arrays as they are; both models get the same bytes.

    Args:
        info: the model's input.
        spec: its preprocessing; None: the data holds the model's own input.
        dtype: of the reference's input; None: the model's.
        seed: of the noise.
    """

    info: InputInfo
    spec: Preprocess | None = None
    dtype: np.dtype[np.floating] | None = None
    seed: int = 0

    def __call__(self, item: Item, index: int) -> Opened:
        """One photo.

        Raises:
            InputError: it cannot be read, or is no input of the model.
        """
        pixels = (
            pixels_at(item.source) if isinstance(item.source, FILES) else pixels_of(item.source)
        )
        if pixels is None:
            x = np.asarray(item.source)[None]
            noisy = partial(grey_noise, x, self.seed + index)
            return Opened(item, self._photo(item, index, x, noisy))
        if self.spec is None:
            raise InputError(f"'{item.id}' is a photo: say how it is prepared, as `preprocess`")
        made = preprocess(pixels, self.spec, self.info)
        noisy = partial(self._noisy, pixels, self.seed + index)
        photo = replace(self._photo(item, index, made.x, noisy), placement=made.placement)
        return opened_from(item, photo, pixels)

    def _photo(self, item: Item, index: int, x: Array, noisy: Callable[[], Array]) -> Photo:
        """As both take it; a recording of it has its name."""
        return Photo(
            *(item.id, x, self._cast(x), noisy),
            index=index,
            noisy_b=lambda: self._cast(noisy()),
            stem=PurePosixPath(item.id).stem,
        )

    def _noisy(self, pixels: Array, seed: int) -> Array:
        assert self.spec is not None
        return preprocess(grey_level(pixels, seed), self.spec, self.info).x

    def _cast(self, x: Array) -> Array:
        return x if self.dtype in (None, x.dtype) else x.astype(self.dtype)


def pixels_of(array: Array) -> Array | None:
    """Bytes [H, W, 3], [3, H, W], [H, W, 1], [1, H, W] or [H, W] as a photo [H, W, 3]."""
    if array.dtype != np.uint8 or array.ndim not in (2, 3):
        return None
    if array.ndim == 2:
        array = array[..., None]
    elif array.shape[-1] not in (1, 3):
        array = np.moveaxis(array, 0, -1)
    if array.shape[-1] not in (1, 3):
        return None
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:2], 3)))
