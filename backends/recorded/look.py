"""What is seen of recorded outputs: all but layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cam_core.backend import Array, Gradients, Target
from cam_core.captures import cotangent
from cam_core.errors import LayerError
from cam_core.region import Region


class RecordedLook:
    """The `Look` of this backend.

    Args:
        outputs: by name, logits among them.
    """

    def __init__(self, outputs: Mapping[str, Array]) -> None:
        for array in outputs.values():
            array.flags.writeable = False
        self.outputs = outputs
        self.score = outputs["logits"]
        self.layers: Sequence[str] = []
        self.activations: Mapping[str, Array] = {}
        self.regions: Mapping[str, Region] = {}

    def pull(self, target: Target) -> Gradients:
        """Nothing, for nothing was looked at."""
        cotangent(self, target)
        return Gradients({})

    def tail(self, layer: str) -> Callable[[Array], Array]:
        """Refused: there are no layers."""
        raise LayerError(f"layer '{layer}' was not looked at; there are none in a recording")
