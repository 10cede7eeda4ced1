"""Whether the original outputs stayed as they were, in one line for the commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import onnx

from cam_core.backend import Array
from cam_core.errors import CamError

from ..finding.analysis import Analysis
from ..running.runner import Runner
from ..running.verify import LIMIT, Verdict, limit, signed_cure, verify


@dataclass(frozen=True)
class Comparison:
    """What `verify` found, or why it could not run."""

    text: str
    verdict: Verdict | None
    limit: float = LIMIT

    @property
    def moved(self) -> bool:
        """By more than rounding; also where a NaN came."""
        return self.verdict is not None and not self.verdict.largest <= self.limit

    def record(self) -> dict[str, Any]:
        """Ready for JSON."""
        if self.verdict is None:
            return {"compared": False, "reason": self.text}
        return {
            "compared": True,
            "identical": self.verdict.identical,
            "largest_relative_difference": float(self.verdict.largest),
            "limit": self.limit,
        }


def compare_outputs(
    result: onnx.ModelProto, analysis: Analysis, runner: Runner, given: Mapping[str, Array]
) -> Comparison:
    """Run both and compare; inputs are random where they are not given.

    Raises:
        CamError: they cannot be run as the flags say; without flags that is but a remark.
    """
    source, shapes = analysis.source, analysis.graph.input_shapes
    try:
        found = verify(result, source.model, runner, given=given, shapes=shapes)
    except CamError as error:
        if runner.providers or runner.custom_ops or given:
            raise
        return Comparison(f"not compared: {error}", None)
    largest = limit(source.model)
    if found.identical:
        return Comparison("unchanged, bit for bit", found, largest)
    how = "rounding" if found.largest <= largest else f"more than rounding ({largest:.0e})"
    cure = signed_cure(source.model) if found.largest > largest else ""
    text = f"'{found.output}' differs by {found.largest:.1e} relative: {how}{cure}"
    return Comparison(text, found, largest)
