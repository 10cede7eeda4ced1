"""Methods that a model cannot do, while others go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cam_core.errors import CamError


@dataclass
class Refused:
    """What was tried in vain, each reason once."""

    _worked: set[str] = field(default_factory=set)
    _reasons: dict[tuple[str, str], str] = field(default_factory=dict)
    """(method, why): the sample that it was first."""

    def worked(self, method: str) -> None:
        """It gave a map."""
        self._worked.add(method)

    def failed(self, method: str, sample: str, error: CamError) -> None:
        """It gave none of a sample."""
        self._reasons.setdefault((method, str(error)), sample)

    @property
    def lines(self) -> list[str]:
        """A line a reason, with the sample where the method works on others."""
        return [
            f"{sample}: {method}: {why}" if method in self._worked else f"{method}: {why}"
            for (method, why), sample in self._reasons.items()
        ]


def of_all(failed: Mapping[str, CamError]) -> CamError:
    """The error of a run in which every method failed: the common one, or each with its name."""
    first, *others = failed.values()
    if all(str(one) == str(first) for one in others):
        return first
    return type(first)("; ".join(f"{method}: {error}" for method, error in failed.items()))
