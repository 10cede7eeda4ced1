"""The ONNX backend: captures A and G of an `.onnx` file through onnxruntime."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import onnx

from cam_core.backend import Array, Capture, InputInfo, Inputs, Layer, Target
from cam_core.errors import LayerError

from ..finding.analysis import Analysis, analyse, instrumented
from ..finding.layers import Choice
from ..instrumenting.strip import strip
from ..reading.graph import floating, numpy_type
from ..reading.load import Source, load, opset
from ..running.feed import feed, rows
from ..running.runner import Runner
from ..running.runtime import Provider, refuse_graph_capture, run
from .forward_pass import Seen
from .halves import split
from .sessions import Passes, joined
from .tail import Tail
from .weights import Change, change_weights

SUFFIXES = (".onnx", ".ort")


class OnnxBackend:
    """A model in onnxruntime, seen at its layers.

    Args:
        source: a path, the bytes of a file, or an `onnx.ModelProto`; an instrumented model
            counts as its source.
        layer: the default of `capture`: tensor, node, torch module path or index; found if None.
        score: the score tensor; found if None.
        providers: onnxruntime's execution providers, short names allowed (`cpu`, `cuda`), and with
            options of their own where wanted: `("cuda", {"device_id": 1})`.
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
        providers: Sequence[Provider] | None = None,
        optimization: str = "all",
        guided: bool = False,
        custom_ops: Sequence[str] = (),
    ) -> None:
        refuse_graph_capture(providers)
        opened = load(source)
        self._metadata = {e.key: e.value for e in opened.model.metadata_props}
        if instrumented(opened.model):
            opened = Source(strip(opened), opened.path)
        self.analysis: Analysis = analyse(opened, [] if layer is None else [layer], score)
        self._runner = Runner(providers, optimization, custom_ops, self.analysis.source.folder)
        self._guided = guided
        self._asked = layer, score
        self._hidden: dict[tuple[str | int, ...], Analysis] = {}
        self._passes: dict[Any, Passes] = {}
        self._tails: dict[str, Tail] = {}
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
            InputInfo(t.name, tuple(t.shape or ()), numpy_type(t.dtype), maps.channel_axis(t))
            for t in self.analysis.graph.inputs
        ]

    def layers(self) -> list[Layer]:
        """The maps between input and score, in execution order."""
        return self.analysis.layers.table()

    def forward(self, x: Inputs) -> dict[str, Array]:
        """All outputs of the plain model, by name."""
        session = self._forward_session()
        found = [run(session, None, part) for part in self._parts(x)]
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
        return next(self.captures(x, [target], layers=layers, input_gradients=input_gradients))

    def captures(
        self,
        x: Inputs,
        targets: Iterable[Target],
        *,
        layers: Sequence[str | int] | None = None,
        input_gradients: bool = False,
    ) -> Iterator[list[Capture]]:
        """`capture` of one target after another, all from one forward pass, run here and now.

        Each target costs one backward pass, run when it is asked for. What the forward pass made
        is held until the iterator goes.
        """
        analysis, choices = self._choices(layers)
        inputs = self._gradient_inputs() if input_gradients else None
        passes = self._open(analysis, choices, inputs or [])
        seen = Seen(analysis, choices, passes, self._parts(x))
        return (seen.capture(target, inputs) for target in targets)

    def tail(self, layer: str, A: Array, x: Inputs) -> Array:
        """The score tensor when the layer's activations are A [N, K, *S]."""
        choice = self._choices([layer])[1][0]
        if choice.name not in self._tails:
            self._tails[choice.name] = Tail(self.analysis, choice, self._runner)
        return self._tails[choice.name].score(A, self._parts(x))

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

    def _parts(self, x: Inputs) -> list[dict[str, Array]]:
        """x as the model takes it: one batch, or one a row."""
        infos = self.inputs()
        return rows(feed(x, infos), infos)

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
