"""The ONNX backend: captures A and G of an `.onnx` file through onnxruntime."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from cam_core.backend import Array, Capture, InputInfo, Inputs, Layer, Target
from cam_core.errors import LayerError, TargetError

from .analysis import Analysis, analyse, instrumented
from .bfloat import carried
from .feed import feed, rows
from .injected import INJECTED, injected, with_outputs
from .layers import Choice
from .load import Source, load, opset
from .passes import Passes, Runner, joined
from .prepare import floating
from .quantised import units_of
from .runtime import run
from .split import split
from .strip import strip
from .weights import Change, change_weights

SUFFIXES = (".onnx", ".ort")


class OnnxBackend:
    """A model in onnxruntime, seen at its layers.

    Args:
        source: a path, the bytes of a file, or an `onnx.ModelProto`; an instrumented model
            counts as its source.
        layer: the default of `capture`: tensor, node, torch module path or index; found if None.
        score: the score tensor; found if None.
        providers: onnxruntime's execution providers, short names allowed (`cpu`, `cuda`).
        optimization: all, extended, basic or disabled: an int8 model is another function at each.
        guided: guided backpropagation instead of the gradient.
        custom_ops: libraries of custom operators to register.
    """

    def __init__(
        self,
        source: Any,
        *,
        layer: str | int | None = None,
        score: str | None = None,
        providers: Sequence[str] | None = None,
        optimization: str = "all",
        guided: bool = False,
        custom_ops: Sequence[str] = (),
    ) -> None:
        opened = load(source)
        self._metadata = {e.key: e.value for e in opened.model.metadata_props}
        if instrumented(opened.model):
            opened = Source(strip(opened), opened.path)
        self.analysis: Analysis = analyse(opened, [] if layer is None else [layer], score)
        self._runner = Runner(self.analysis.source.folder, providers, optimization, custom_ops)
        self._guided = guided
        self._asked = layer, score
        self._hidden: dict[tuple[str | int, ...], Analysis] = {}
        self._passes: dict[Any, Passes] = {}
        self._tails: dict[str, tuple[Any, Any]] = {}
        self._plain: Any = None

    @staticmethod
    def claims(source: Any) -> bool:
        """Is `source` an ONNX model, as far as a glance tells?"""
        if isinstance(source, str | Path):
            return Path(source).suffix in SUFFIXES
        return isinstance(source, bytes | onnx.ModelProto)

    @property
    def path(self) -> Path | None:
        """Where the model came from."""
        return self.analysis.source.path

    @property
    def default_layer(self) -> str:
        """The layer that is taken when none is named."""
        return self._default.name

    @property
    def layer_note(self) -> str:
        """What is to be said of the default layer; mostly nothing."""
        return self._default.why

    @property
    def provider(self) -> str:
        """The execution provider that runs the model."""
        return str(self._forward_session().get_providers()[0])

    @property
    def score_name(self) -> str:
        """The tensor whose gradient is taken."""
        return self.analysis.score.name

    @property
    def class_axis(self) -> int:
        """Where the classes are in the score."""
        return self.analysis.score.class_axis

    @property
    def classes(self) -> int | None:
        """How many there are, where the model fixes it."""
        return self.analysis.score.classes

    @property
    def opset(self) -> int:
        """The version of ai.onnx that the model imports."""
        return opset(self.analysis.model)

    @property
    def optimization(self) -> str:
        """How far the runtime may rewrite the model."""
        return self._runner.optimization

    @property
    def metadata(self) -> dict[str, str]:
        """The file's own metadata, those of an instrumented one included."""
        return dict(self._metadata)

    def inputs(self) -> list[InputInfo]:
        """What the model takes, in its own order."""
        maps = self.analysis.layers.maps
        return [
            InputInfo(t.name, tuple(t.shape or ()), carried(t.dtype), maps.channel_axis(t))
            for t in self.analysis.graph.inputs
        ]

    def layers(self) -> list[Layer]:
        """The maps between input and score, in execution order."""
        return self.analysis.layers.table()

    def forward(self, x: Inputs) -> dict[str, Array]:
        """All outputs of the plain model, by name."""
        session, infos = self._forward_session(), self.inputs()
        found = [run(session, None, part) for part in rows(feed(x, infos), infos)]
        names = [output.name for output in session.get_outputs()]
        return joined(names, found)

    def capture(
        self,
        x: Inputs,
        target: Target,
        *,
        layers: Sequence[str | int] | None = None,
        input_gradients: bool = False,
    ) -> list[Capture]:
        """A and G at each layer (None: the default layer), all from one forward pass.

        Raises:
            LayerError: a layer that is unknown or does not reach the score.
            InputError, TargetError: x or the target does not fit the model.
        """
        analysis, choices = self._choices(layers)
        sources = self._gradient_inputs() if input_gradients else []
        passes = self._open(analysis, choices, sources)
        infos = self.inputs()
        parts = rows(feed(x, infos), infos)
        kept = [passes.forward(part) for part in parts]
        outputs = joined(list(kept[0]), [list(k.values()) for k in kept])
        logits = outputs[self.score_name]
        own = {t.name for t in self.analysis.graph.outputs}
        cotangent = _cotangent(target, logits, {n: a for n, a in outputs.items() if n in own})
        gradients = passes.backward(kept, parts, cotangent)
        of_inputs = {n: gradients[n] for n in sources} if input_gradients else None
        return [
            Capture(
                layer=choice.name,
                logits=logits,
                activations=choice.layout.apply(self._real(choice, outputs[choice.name])),
                gradients=choice.layout.apply(gradients[choice.name]),
                input_gradients=of_inputs,
            )
            for choice in choices
        ]

    def tail(self, layer: str, A: Array, x: Inputs) -> Array:
        """The score tensor when the layer's activations are A [N, K, *S]."""
        choice = self._choices([layer])[1][0]
        infos = self.inputs()
        parts = rows(feed(x, infos), infos)
        head, session = self._tail_sessions(choice)
        own = np.concatenate([run(head, [choice.name], part)[0] for part in parts])
        tensor = self._given(choice, A, own)
        if tensor.shape != own.shape:
            raise LayerError(f"layer '{layer}' is {list(own.shape)}, A gives {list(tensor.shape)}")
        scores = []
        wanted = {i.name for i in session.get_inputs()}
        for i, part in enumerate(parts):
            mine = tensor[i : i + 1] if len(parts) > 1 else tensor
            given = {n: a for n, a in part.items() if n in wanted} | {INJECTED: mine}
            scores.append(run(session, [self.score_name], given)[0])
        return np.concatenate(scores)

    def with_weights(self, change: Change) -> OnnxBackend:
        """The same model with every weight replaced by `change(name, weight)`, 8-bit ones too."""
        layer, score = self._asked
        return OnnxBackend(
            change_weights(self.analysis.source, change),
            layer=layer,
            score=score,
            providers=self._runner.providers,
            optimization=self._runner.optimization,
            guided=self._guided,
            custom_ops=self._runner.custom_ops,
        )

    # inside

    @functools.cached_property
    def _default(self) -> Choice:
        """Found when first needed: a model without maps can still be run, and seen by name."""
        return (self.analysis.choices or [self.analysis.layers.default()])[0]

    def _real(self, choice: Choice, found: Array) -> Array:
        """The layer's tensor; of a quantised one the numbers that it stands for."""
        units = units_of(self.analysis.graph, choice.tensor)
        return found if units is None else units.real(found)

    def _given(self, choice: Choice, A: Array, own: Array) -> Array:
        """The layer's tensor when its activations are A, quantised as its `own` is."""
        units = units_of(self.analysis.graph, choice.tensor)
        if units is None:
            return choice.layout.invert(A.astype(own.dtype), own)
        real = units.real(own)
        return units.quantised(choice.layout.invert(A.astype(real.dtype), real), own.dtype)

    def _tail_sessions(self, choice: Choice) -> tuple[Any, Any]:
        """The model up to the layer, and from it to the score."""
        if choice.name not in self._tails:
            head = self._runner.open(with_outputs(self.analysis, [choice.tensor]))
            tail = self._runner.open(injected(self.analysis, choice.tensor))
            self._tails[choice.name] = head, tail
        return self._tails[choice.name]

    def _forward_session(self) -> Any:
        if self._plain is None:
            self._plain = self._runner.open(self.analysis.model)
        return self._plain

    def _choices(self, layers: Sequence[str | int] | None) -> tuple[Analysis, Sequence[Choice]]:
        """The layers, and the analysis that sees them: a composite may hide one in the usual."""
        if layers is None:
            return self.analysis, [self._default]
        if tuple(layers) not in self._hidden:
            try:
                return self.analysis, [self.analysis.layers.find(name) for name in layers]
            except LayerError:
                source, score = self.analysis.source, self._asked[1]
                self._hidden[tuple(layers)] = analyse(source, layers, score)
        analysis = self._hidden[tuple(layers)]
        return analysis, analysis.choices

    def _gradient_inputs(self) -> list[str]:
        path = self.analysis.layers.path
        return [t.name for t in self.analysis.graph.inputs if t.name in path and floating(t)]

    def _open(
        self, analysis: Analysis, choices: Sequence[Choice], sources: Sequence[str]
    ) -> Passes:
        key = (tuple(c.name for c in choices), tuple(sources))
        if key not in self._passes:
            plan = split(analysis, choices, sources, guided=self._guided)
            self._passes[key] = Passes(plan, self._runner)
        return self._passes[key]


def _cotangent(target: Target, logits: Array, outputs: Mapping[str, Array]) -> Array:
    cotangent = np.asarray(target(logits, outputs), logits.dtype)
    if cotangent.shape != logits.shape:
        raise TargetError(
            f"the target gives a cotangent {list(cotangent.shape)} for a score {list(logits.shape)}"
        )
    return cotangent
