"""What is explained: a target turns the score tensor y into the cotangent dY/dy."""

from .rows import (
    NONE,
    ClassTarget,
    ContrastTarget,
    CotangentTarget,
    Outputs,
    ProbabilityTarget,
    ScoredTarget,
    TopTarget,
    as_target,
    parse_target,
)

__all__ = [
    "NONE",
    "ClassTarget",
    "ContrastTarget",
    "CotangentTarget",
    "Outputs",
    "ProbabilityTarget",
    "ScoredTarget",
    "TopTarget",
    "as_target",
    "parse_target",
]
