"""What one target gives inside the file, layer by layer: the reverse pass, then the method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod

from cam_core.errors import InputError
from cam_core.methods import Method
from cam_core.region import Region

from ..differentiating.gradient import differentiate
from ..finding.analysis import Analysis
from ..finding.layers import Choice
from ..reading.graph import Tensor
from ..reading.names import PER_LAYER
from ..writing.arithmetic import in_real_units, widened
from ..writing.op import Op
from .attention import attention_maps, seen
from .canvas import canvas
from .methods import CamTensors, arranged, cam, heatmap, mergeable, merged, require_fusible
from .noise import floor_of, none_of
from .over_input import Given, Source, by_gradient, over_input, source_of, sources
from .targets import Target
from .traced_stats import stats_of

OF_ATTENTION = {"map", "signed", "heatmap", "noise_floor", "stats"}
"""What there is of a map that is about no layer's tensor."""


@dataclass(frozen=True)
class How:
    """What holds for all targets and layers."""

    guided: bool
    fuse: str | None


@dataclass
class Row:
    """All that one target gives, layer by layer."""

    op: Op
    analysis: Analysis
    target: Target
    method: Method | None
    """None where nothing that it makes is asked for."""
    how: How
    names: Sequence[str]
    layers: list[dict[str, Tensor]] = field(default_factory=list)
    merged: dict[str, Tensor] = field(default_factory=dict)
    """Instead of those of each layer, where the layers are the scales of a detector."""
    inputs: dict[str, Tensor] = field(default_factory=dict)
    finest: Choice | None = None
    """The layer at whose size they are merged."""
    _cams: list[CamTensors] = field(default_factory=list)
    _given: Given | None = None
    _over: Source | None = None
    """Of a method about the input."""

    def __post_init__(self) -> None:
        """Runs the reverse pass and the method."""
        choices = self.analysis.choices
        named = sources(self.analysis) if "input_gradients" in self.names else []
        self._over, of_attention = self._source(), self._of_attention()
        over = self._over
        layers = [c.tensor.name for c in choices if self._needs_gradients()]
        wanted = [*(layers if of_attention is None else []), *named]
        wanted += [] if over is None or not by_gradient(self.method) else [over.name]
        gradients = self._pulled(list(dict.fromkeys(wanted))) if wanted else {}
        self._given = None if over is None else self._of_input(over, gradients.get(over.name))
        if of_attention is not None:
            self.layers = [of_attention]
        else:
            pulled = [gradients.get(choice.tensor.name) for choice in choices]
            self.layers = [self._layer(c, G) for c, G in zip(choices, pulled, strict=True)]
        self.inputs = {name: gradients[name] for name in named}
        self.merged = self._merged()

    def _layer(self, choice: Choice, pulled: Tensor | None) -> dict[str, Tensor]:
        op, given = self.op, choice.tensor if pulled is None else pulled
        A, G = in_real_units(op, self.analysis.graph, choice.tensor, given)
        found = {"activations": widened(op, A)} | ({} if pulled is None else {"gradients": G})
        if self.method is not None and self.method.layered:
            made = self._cam(choice, A, None if pulled is None else G)
            self._cams.append(made)
            found |= self._mapped(made, choice)
        return found

    def _cam(self, choice: Choice, A: Tensor, G: Tensor | None) -> CamTensors:
        """What the method makes of a layer."""
        assert self.method is not None
        op, rows = self.op, self.analysis.layers.maps.rows
        floor = choice.scale or self.how.fuse is not None or "noise_floor" in self.names
        if self._given is None:
            return cam(op, self.method, choice.layout, A, G, rows, floor=floor)
        known = [arranged(op, choice.layout, x, rows) for x in (A, G)]
        given = replace(self._given, A=known[0], G=known[1], region=choice.region)
        return over_input(self.method, given)

    def _mapped(self, made: CamTensors, choice: Choice | None = None) -> dict[str, Tensor]:
        """The outputs of a map: of one over the input, that is the heatmap's own size."""
        op, found = self.op, {"map": made.map, "signed": made.signed}
        found |= {} if made.alpha is None else {"alpha": _flat(op, made.alpha)}
        found |= {} if made.floor is None else {"noise_floor": made.floor}
        found |= self._stats(made.map, made.signed)
        if "heatmap" in self.names:
            if choice is None or self._given is not None:
                found["heatmap"] = heatmap(op, made.map, None, None, None)
            else:
                found["heatmap"] = heatmap(op, made.map, *canvas(self.analysis, choice))
        return found

    def _stats(self, lit: Tensor, signed: Tensor) -> dict[str, Tensor]:
        """The numbers of a map, where they are asked for."""
        return {"stats": stats_of(self.op, lit, signed)} if "stats" in self.names else {}

    def _of_attention(self) -> dict[str, Tensor] | None:
        """What a method of attention gives; None of any other."""
        if self.method is None or self.method.at != "attention":
            return None
        unknown = sorted(set(self.names) & set(PER_LAYER) - OF_ATTENTION)
        if unknown:
            raise InputError(f"output '{unknown[0]}' is of a layer, the method is about attention")
        sight = seen(self.analysis)
        explained = self.target.cotangent if "gradients" in self.method.needs else None
        signed, lit = attention_maps(self.op, sight, self.method, explained, self._back)
        found = {"map": lit, "signed": signed, **self._stats(lit, signed)}
        if "noise_floor" in self.names:
            found["noise_floor"] = floor_of(self.op, signed)
        if "heatmap" in self.names:
            choice = replace(self.analysis.choices[0], region=sight.region)
            found["heatmap"] = heatmap(self.op, lit, *canvas(self.analysis, choice))
        return found

    def _back(self, cotangent: Tensor | None, wanted: Sequence[str]) -> dict[str, Tensor]:
        assert cotangent is not None
        return differentiate(self.op, self.analysis, cotangent, wanted, guided=self.how.guided)

    def _merged(self) -> dict[str, Tensor]:
        """The map of all scales, where their sizes are known, or of all layers that are fused.

        Also that of a method which is about no layer.
        """
        if self._given is not None and self.method is not None and not self.method.layered:
            return self._mapped(over_input(self.method, self._given))
        choices, cams, fuse = self.analysis.choices, self._cams, self.how.fuse
        scales = len(cams) > 1 and all(choice.scale for choice in choices)
        if fuse is not None and self.method is not None:
            require_fusible(choices, cams)
        elif not scales or not mergeable(cams):
            return {}
        lit, signed = merged(self.op, cams, fuse)
        finest = max(zip(cams, choices, strict=True), key=lambda p: prod(p[0].map.shape[1:]))
        self.finest = finest[1]
        floor = none_of(self.op, finest[0].floor)
        return self._mapped(CamTensors(None, signed, lit, floor), finest[1])

    def region(self, number: int | None) -> Region | None:
        """What of an input the map covers; `number`: of several layers."""
        if self._over is not None:
            return self._over.whole
        if self.method is not None and self.method.at == "attention":
            return seen(self.analysis).region
        choice = self.analysis.choices[number or 0] if self.finest is None else self.finest
        return choice.region

    def maps(self, number: int | None) -> int:
        """By how many axes of frames and the like each row has several maps."""
        if self._given is not None or (self.method is not None and not self.method.layered):
            return 0
        return len(self.analysis.choices[number or 0].layout.maps)

    def _needs_gradients(self) -> bool:
        if self.method is None or "gradients" in self.names:
            return True
        return "gradients" in self.method.needs and self.method.layered

    def _pulled(self, wanted: Sequence[str], *, guided: bool = False) -> dict[str, Tensor]:
        cotangent, guided = self.target.cotangent, guided or self.how.guided
        assert cotangent is not None
        return differentiate(self.op, self.analysis, cotangent, wanted, guided=guided)

    def _source(self) -> Source | None:
        """The input that the method is about; None of a method about a layer."""
        if self.method is None or self.method.at != "input":
            return None
        return source_of(self.op, self.analysis, sources(self.analysis))

    def _of_input(self, over: Source, gx: Tensor | None) -> Given:
        assert self.method is not None
        guided = "guided gradients" in self.method.needs
        found = self._pulled([over.name], guided=True)[over.name] if guided else None
        return over.given(gx, found)


def _flat(op: Op, alpha: Tensor) -> Tensor:
    """[N, K] of [N, K, 1, ...]; weights that differ from place to place stay as they are."""
    places = list(range(2, len(alpha.shape)))
    if places and all(alpha.shape[i] == 1 for i in places):
        return op.Squeeze(alpha, places)
    return alpha
