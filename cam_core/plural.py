"""Numbers of things in words, wherever they are said."""

from __future__ import annotations


def counted(number: int, thing: str, things: str = "") -> str:
    """`1 photo`, `2 photos`; `things` where an s does not make it: `2 passes`, `2 rows were`."""
    return f"{number} {thing}" if number == 1 else f"{number} {things or thing + 's'}"
