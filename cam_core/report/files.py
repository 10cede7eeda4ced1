"""The files of one explanation, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..backend import Array
from ..image.png import png
from ..write import npy

if TYPE_CHECKING:
    from ..explanation import Explanation


def files_of(
    stem: str,
    explanation: Explanation,
    facts: bytes,
    *,
    picture: Array | None = None,
    signed: bool = False,
) -> dict[str, bytes]:
    """`stem.png` where there is a picture, the raw map `stem.npy`, and the facts `stem.json`.

    Args:
        explanation: a single row.
        facts: what there is to say of it, as JSON.
        picture: uint8 [H, W, 3].
        signed: `stem.signed.npy` as well, the map with its negative part.
    """
    found = {} if picture is None else {f"{stem}.png": png(picture)}
    found[f"{stem}.npy"] = npy(explanation.map[0])
    if signed:
        found[f"{stem}.signed.npy"] = npy(explanation.signed[0])
    return found | {f"{stem}.json": facts}
