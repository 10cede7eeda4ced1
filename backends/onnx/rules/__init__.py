"""The door to the table of derivatives; importing it fills the table.

A third party needs `vjp`, `zero` and `body` to add a rule, and `unsupported` to refuse a form; a
rule is found by the name that RENAMED gives its operator, and writes what is PORTABLE.
"""

from ..reading.normalise import RENAMED
from ..writing.portable import PORTABLE
from . import control, families, microsoft, zeros
from .not_yet import NOT_YET
from .registry import (
    GUIDED,
    RULES,
    VJP_RULES,
    ZERO,
    RefusedError,
    Rule,
    key_of,
    unsupported,
    vjp,
    zero,
)
from .spelled_out import body
from .third_party import load_third_party

__all__ = [
    "GUIDED",
    "NOT_YET",
    "PORTABLE",
    "RENAMED",
    "RULES",
    "VJP_RULES",
    "ZERO",
    "RefusedError",
    "Rule",
    "body",
    "control",
    "families",
    "key_of",
    "load_third_party",
    "microsoft",
    "unsupported",
    "vjp",
    "zero",
    "zeros",
]
