"""Recorded outputs as a model: it knows the pictures that were recorded, and their maps alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from cam_core.backend import Array, Capture, InputInfo, Inputs, Layer, Target
from cam_core.errors import InputError, LayerError, ModelError
from cam_core.head import Head
from cam_core.recording import Recorded, is_recording, read_folder, sha256_of
from cam_core.rows import row

from .look import RecordedLook

MAPS_ALONE = "a recording holds finished maps, no activations and no gradients: open the model"


class RecordedBackend:
    """A folder that `gradcam record`, or a device, has written.

    It gives the scores and the finished maps of the inputs that were recorded, found by their hash.
    There are no layers: `look(x, layers=())` has the outputs, `maps(x)` the maps.

    Args:
        source: the folder.
    """

    class_axis = 1
    score_name, layer_note = "logits", ""
    provider = "recorded"

    def __init__(self, source: str | Path) -> None:
        self.folder = Path(source)
        self.pictures, self.facts = read_folder(self.folder)
        self.by_hash = {one.input_sha256: one for one in self.pictures.values()}

    @staticmethod
    def claims(source: object) -> bool:
        """Is it a folder with recordings?"""
        return is_recording(source)

    @property
    def classes(self) -> int | None:
        """As many as there are scores."""
        shape = next(iter(self.by_hash.values())).logits.shape
        return int(shape[1]) if len(shape) == 2 else None

    @property
    def settings(self) -> dict[str, Any]:
        """`provider`, and what the recording says of the runtime."""
        return {**self._said("settings"), "provider": self.provider}

    @property
    def metadata(self) -> dict[str, str]:
        """As text, what the recording says of its model: labels, preprocessing, layer, method."""
        told = self._said("metadata")
        return {k: v if isinstance(v, str) else json.dumps(v) for k, v in told.items()}

    @property
    def source_sha256(self) -> str | None:
        """The hash of the model that was recorded; None where the recording does not say it."""
        return self.metadata.get("cam.source_sha256")

    def recorded(self, x: Inputs) -> list[Recorded]:
        """The recordings of the rows of x.

        Raises:
            InputError: a row is no input that was recorded.
        """
        return [self._found(one, number) for number, one in enumerate(self._rows(x))]

    def maps(self, x: Inputs) -> tuple[Array, Array | None]:
        """(cam_map [N, *S], cam_signed [N, *S] or None) of the rows of x."""
        found = [(one.cam_map, one.cam_signed) for one in self.recorded(x)]
        signed = [s for _, s in found if s is not None]
        whole = np.concatenate(signed) if len(signed) == len(found) else None
        return np.concatenate([m for m, _ in found]), whole

    def forward(self, x: Inputs) -> dict[str, Array]:
        """logits, cam_map, and cam_signed and cam_class_used where all rows have them."""
        found, (cam_map, signed) = self.recorded(x), self.maps(x)
        outputs = {"logits": np.concatenate([one.logits for one in found]), "cam_map": cam_map}
        if signed is not None:
            outputs["cam_signed"] = signed
        used = [one.cam_class_used for one in found]
        if None not in used:
            outputs["cam_class_used"] = np.array(used, np.int64)
        return outputs

    def look(
        self, x: Inputs, *, layers: Sequence[str] | None = None, inputs: Sequence[str] | None = ()
    ) -> RecordedLook:
        """The scores and outputs of x; it has no layer to look at.

        Raises:
            LayerError: any layer was asked for.
            InputError: x was not recorded, or its gradient is asked for.
        """
        if layers is None or layers:
            raise LayerError(f"'{self.folder}': {MAPS_ALONE}")
        if inputs:
            raise InputError(f"input '{inputs[0]}' has no gradient: {MAPS_ALONE}")
        return RecordedLook(self.forward(x))

    def capture(
        self,
        x: Inputs,
        target: Target,
        *,
        layers: Sequence[str] | None = None,
        input_gradients: bool = False,
    ) -> list[Capture]:
        """Refused: there are no activations."""
        self._refuse()

    def captures(
        self,
        x: Inputs,
        targets: Iterable[Target],
        *,
        layers: Sequence[str] | None = None,
        input_gradients: bool = False,
    ) -> Iterator[list[Capture]]:
        """Refused: there are no activations."""
        self._refuse()

    def inputs(self) -> list[InputInfo]:
        """What the recorded model took, as far as the recording says."""
        return [
            InputInfo(str(i["name"]), tuple(i["shape"]), np.dtype(i["type"]), i.get("channels"))
            for i in self._listed("inputs")
        ]

    def heads(self) -> list[Head]:
        """The scores, of the kind that the recording says."""
        told = self._said("head")
        kind, activation = str(told.get("kind", "unknown")), str(told.get("activation", ""))
        evidence = "the recording says so" if told else "nothing is recorded of it"
        return [Head("logits", kind, evidence, "logits", self.class_axis, activation)]

    def layers(self) -> list[Layer]:
        """None: the maps are finished."""
        return []

    def scored(self, output: str) -> RecordedBackend:
        """Refused but for the scores themselves."""
        if output == self.score_name:
            return self
        raise ModelError(f"no score '{output}' was recorded; there is {self.score_name}")

    def with_weights(self, change: Callable[[str, Array], Array]) -> RecordedBackend:
        """Refused: there are no weights."""
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise ModelError(f"'{self.folder}': {MAPS_ALONE}")

    def _said(self, name: str) -> dict[str, Any]:
        found = self.facts.get(name, {})
        return found if isinstance(found, dict) else {}

    def _listed(self, name: str) -> list[Mapping[str, Any]]:
        found = self.facts.get(name, [])
        wanted = {"name", "shape", "type"}
        return [i for i in found if isinstance(i, dict) and wanted <= set(i)]

    def _rows(self, x: Inputs) -> list[Inputs]:
        """One picture's inputs after another."""
        if not isinstance(x, Mapping):
            x = np.asarray(x)
            return [x[i : i + 1] for i in range(len(x))]
        infos = {info.name: info for info in self.inputs()}
        count = max((len(a) for a in x.values() if np.ndim(a)), default=0)
        return [
            {n: row(np.asarray(a), infos[n], i) if n in infos else a for n, a in x.items()}
            for i in range(count)
        ]

    def _found(self, x: Inputs, number: int) -> Recorded:
        known = sha256_of(x)
        if known in self.by_hash:
            return self.by_hash[known]
        raise InputError(
            f"'{self.folder}' is a recording of other pictures: row {number} of the input has the "
            f"hash {known[:12]}..., and none of its {len(self.pictures)} recordings has; feed the "
            "same photos through the same preprocessing, or record them again"
        )
