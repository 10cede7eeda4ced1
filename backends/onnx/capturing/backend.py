"""The ONNX backend: captures A and G of an `.onnx` file through onnxruntime."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx

from cam_core.backend import Array, Capture, InputInfo, Inputs, Layer, Target
from cam_core.captures import capture, captures, with_gradient
from cam_core.head import Head, Reads

from ..differentiating.biases import biases
from ..differentiating.rectifiers import guided_note
from ..finding.analysis import Analysis, instrumented
from ..finding.last_reading import reads_of
from ..finding.layers import Choice
from ..finding.linear_head import head_weights
from ..finding.scores import AS_IT_IS, EXACTLY
from ..instrumenting.strip import strip
from ..reading.draws import training_note
from ..reading.graph import floating
from ..reading.load import Source, load, opset, sha256
from ..reading.static import Static
from ..rules.microsoft.attention_in_full import attention_in_full
from ..running.every_tensor import every_tensor
from ..running.feed import feed, rows
from ..running.runner import Opener, Runner
from ..running.runtime import Provider, refuse_graph_capture, run
from .attending import Attended, AttentionPass
from .bend import Bend
from .by_scale import ByScale
from .forward_pass import ForwardPass
from .halves import split
from .scales import scales_of
from .sessions import Passes, joined
from .sized import analyse_at, lacks_size, named, size_of
from .tail import Tail
from .weights import Change, change_weights


class OnnxBackend:
    """A model in onnxruntime, seen at its layers.

    Args:
        source: a path, the bytes of a file, an `onnx.ModelProto`, or the `analysis` of another
            backend, whose layer and score count where none are named; an instrumented model
            counts as its source.
        layer: the default of `look`: tensor, node, torch module path or index; found if None.
        score: the score tensor; found if None. Of an output the logits before it, of `=NAME` that
            tensor itself.
        providers: onnxruntime's execution providers, short names allowed (`cpu`, `cuda`), and with
            options of their own where wanted: `("cuda", {"device_id": 1})`.
        optimization: all, extended, basic or disabled: an int8 model is another function at each.
        guided: guided backpropagation instead of the gradient.
        custom_ops: libraries of custom operators to register.
        static: the shape of the input, or shapes by input name, where they are open.
        size: height and width of the picture, where they are open.
        threads: of one operator on the CPU; onnxruntime's own choice if None.
        opener: what opens sessions in place of onnxruntime, such as `backends.openvino` has.
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
        static: Static | None = None,
        size: tuple[int, int] | None = None,
        threads: int | None = None,
        opener: Opener | None = None,
    ) -> None:
        refuse_graph_capture(providers)
        known = source if isinstance(source, Analysis) else load(source)
        opened = known.source if isinstance(known, Analysis) else known
        self._metadata = {e.key: e.value for e in opened.model.metadata_props}
        if instrumented(opened.model):
            known = Source(strip(opened), opened.path)
        layers = [] if layer is None else [layer]
        self.analysis: Analysis = analyse_at(known, layers, score, static, size)
        folder = self.analysis.source.folder
        self._runner = Runner(providers, optimization, custom_ops, folder, threads, opener)
        self._guided = guided
        self._seen: dict[tuple[str | int, ...], Analysis] = {}
        self._passes: dict[tuple[tuple[str, ...], tuple[str, ...]], Passes | ByScale] = {}
        self._tails: dict[str, Tail] = {}
        self._bends: dict[str, Bend] = {}
        self._sized: dict[tuple[int, int], OnnxBackend] = {}
        self._scored: dict[str, OnnxBackend] = {}
        self._attended: dict[str, Attended] = {}
        self._reads: dict[str | int, Reads] = {}

    @staticmethod
    def claims(source: Any) -> bool:
        """Is `source` an ONNX model, as far as a glance tells?"""
        if isinstance(source, str | Path):
            return Path(source).suffix in (".onnx", ".ort")
        return isinstance(source, bytes | onnx.ModelProto)

    @property
    def path(self) -> Path | None:
        """Where the model came from."""
        return self.analysis.source.path

    @property
    def source_sha256(self) -> str:
        """What `cam.source_sha256` says in a file that is made of it."""
        return sha256(self.analysis.source.model)

    @property
    def default_layer(self) -> str:
        """The layer that is taken when none is named."""
        return self._defaults[0].name

    @property
    def layer_note(self) -> str:
        """What is to be said of the default layer; mostly nothing."""
        return self._defaults[0].why

    @property
    def provider(self) -> str:
        """The execution provider that runs the model."""
        opened = next((passes.front for passes in self._passes.values()), None)
        return str((self._plain if opened is None else opened).get_providers()[0])

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
        """How many there are, where the model fixes it; None where boxes say their own."""
        score = self.analysis.score
        return None if score.own_classes else score.classes

    @property
    def score_shape(self) -> tuple[int | str | None, ...]:
        """Of the score, as far as the file fixes it."""
        return tuple(self.analysis.score.tensor.shape)

    @property
    def settings(self) -> dict[str, Any]:
        """`opset` of ai.onnx, `provider`, and `optimization`: how far the runtime may rewrite."""
        found = {"opset": opset(self.analysis.model), "provider": self.provider}
        return found | {"optimization": self._runner.optimization}

    @property
    def metadata(self) -> dict[str, str]:
        """The file's own metadata, those of an instrumented one included."""
        return dict(self._metadata)

    def inputs(self) -> list[InputInfo]:
        """What the model takes, in its own order."""
        return list(self._taken)

    def heads(self) -> list[Head]:
        """What each output is, with evidence; the first is the one with the score."""
        return list(self.analysis.score.heads)

    def layers(self) -> list[Layer]:
        """The maps between input and score, in execution order."""
        return list(self._layers)

    def forward(self, x: Inputs) -> dict[str, Array]:
        """All outputs of the plain model, by name."""
        found = [run(self._plain, None, part) for part in self._parts(x)]
        return joined([output.name for output in self._plain.get_outputs()], found)

    def tensors(self, x: Inputs) -> dict[str, Array]:
        """Every floating point tensor that a node makes of one batch, by name; nothing is fused."""
        first, *_ = self._parts(x)
        return every_tensor(self.analysis.source.model, self._runner, first)

    def look(
        self,
        x: Inputs,
        *,
        layers: Sequence[str | int] | None = None,
        inputs: Sequence[str] | None = (),
    ) -> ForwardPass:
        """One forward pass at these layers (None: the default ones), run here and now.

        `inputs`: whose gradients are wanted too; None: all that have one.

        Raises:
            LayerError: a layer that is unknown or does not reach the score.
            InputError: x does not fit the model, or an input has no gradient.
        """
        analysis, names = self._at(layers), self._with_gradient(inputs)
        sized = self._at_size(x) if lacks_size(analysis) else None
        if sized is not None:
            return sized.look(x, layers=named(analysis, layers), inputs=inputs)
        choices = analysis.choices
        tails: dict[str | int, Tail] = {c.name: self._tail(analysis, c) for c in choices}
        tails |= {asked: tails[c.name] for asked, c in zip(layers or (), choices, strict=False)}
        return ForwardPass(analysis, self._open(analysis, names), tails, self._parts(x), names)

    def attend(self, x: Inputs, over: str = "") -> AttentionPass:
        """What the model attends to as it runs on x, over the input of that name.

        Raises:
            InputError: no attention is recognised, or it is none over the picture.
        """
        if over not in self._attended:
            of = self._in_full
            self._attended[over] = Attended(of.analysis, over, of._runner.open, of._part)
        return AttentionPass(self._attended[over], self._parts(x))

    @functools.cached_property
    def _layers(self) -> Sequence[Layer]:
        return self.analysis.layers.table(self._named or "")

    @functools.cached_property
    def _in_full(self) -> OnnxBackend:
        """The same model with fused attention written out; itself where there is none."""
        model = attention_in_full(self.analysis.graph)
        if model is None:
            return self
        return self._like(Source(model, self.analysis.source.path), layer=None)

    def capture(
        self,
        x: Inputs,
        target: Target,
        *,
        layers: Sequence[str | int] | None = None,
        input_gradients: bool = False,
    ) -> list[Capture]:
        """A and G at each layer (None: the default ones), all from one forward pass."""
        return capture(self, x, target, layers=layers, input_gradients=input_gradients)

    def captures(
        self,
        x: Inputs,
        targets: Iterable[Target],
        *,
        layers: Sequence[str | int] | None = None,
        input_gradients: bool = False,
    ) -> Iterator[list[Capture]]:
        """`capture` of one target after another, all from one forward pass, run here and now."""
        return captures(self, x, targets, layers=layers, input_gradients=input_gradients)

    def with_weights(self, change: Change) -> OnnxBackend:
        """The same model with every weight replaced by `change(name, weight)`, 8-bit ones too."""
        return self._like(change_weights(self.analysis.source, change))

    def scored(self, output: str) -> OnnxBackend:
        """The same model with another output as its score, as it stands; the file is read once."""
        if output not in self._scored:
            source = replace(self.analysis, choices=())
            self._scored[output] = self._like(source, layer=None, score=f"{AS_IT_IS}{output}")
        return self._scored[output]

    def with_score(self, output: str) -> OnnxBackend:
        """As `scored`, its axes as they are too: what another file reads of it."""
        return self._like(self.analysis, layer=None, score=f"{EXACTLY}{output}")

    def as_guided(self) -> OnnxBackend:
        """The same model with guided backpropagation in place of its gradient."""
        if self._guided:
            return self
        if "" not in self._scored:
            self._scored[""] = self._like(replace(self.analysis, choices=()), guided=True)
        return self._scored[""]

    def head_weights(self, layer: str | int) -> Array:
        """W [C, K] of a head that is a mean over a layer's places and one linear layer.

        Raises:
            LayerError: what follows the layer is something else.
        """
        analysis = self._at([layer])
        return head_weights(analysis.graph, analysis.choices[0], analysis.score.tensor)

    def head_reads(self, layer: str | int) -> Reads:
        """How the head reads the places of a layer: through a mean of them, a maximum, ..."""
        if layer not in self._reads:
            analysis = self._at([layer])
            self._reads[layer] = reads_of(analysis.layers.route, analysis.choices[0])
        return self._reads[layer]

    @functools.cached_property
    def _taken(self) -> Sequence[InputInfo]:
        """What the model takes: asked of every look, and the same at each."""
        maps = self.analysis.layers.maps
        return [maps.taken(t) for t in self.analysis.graph.inputs]

    def bend(self, x: Inputs, layer: str, cotangent: Array) -> tuple[Array, Array]:
        """Of y behind a layer's A: H A [N, K, *S], H the second derivative of <cotangent, y>, and
        J A of the score's shape.
        """
        analysis = self._at([layer])
        sized = self._at_size(x) if lacks_size(analysis) else None
        if sized is not None:
            return sized.bend(x, layer, cotangent)
        (choice,) = analysis.choices
        if choice.name not in self._bends:
            self._bends[choice.name] = Bend(analysis, choice, self._opened)
        return self._bends[choice.name](self._parts(x), cotangent)

    @functools.cached_property
    def biases(self) -> dict[str, Array]:
        """By layer, what the model adds to make it [1, K, *S], for FullGrad."""
        return biases(self.analysis)

    @functools.cached_property
    def training_note(self) -> str:
        """That operators of it do what they do in training; '' of none."""
        return training_note(self.analysis.graph.nodes, self.analysis.graph.values.get)

    @functools.cached_property
    def guided_note(self) -> str:
        """Where guided backpropagation is the plain gradient; mostly nothing."""
        return guided_note(self.analysis)

    @functools.cached_property
    def _defaults(self) -> Sequence[Choice]:
        """Found when first needed: a model without maps can still be run, and seen by name."""
        own = self.analysis.choices
        return (own if self._named is None else own[:1]) or self.analysis.layers.defaults()

    @property
    def _named(self) -> str | None:
        """The layer that the backend was opened with; None: the default ones."""
        first = next(iter(self.analysis.choices), None)
        return None if first is None or first.scale else first.name

    @functools.cached_property
    def _plain(self) -> Any:
        return self._runner.open(self.analysis.model)

    def _opened(self, model: onnx.ModelProto) -> Any:
        """A session; that of the plain model is one for all."""
        return self._plain if model is self.analysis.model else self._runner.open(model)

    def _parts(self, x: Inputs) -> list[dict[str, Array]]:
        """x as the model takes it: one batch, or one a row."""
        infos = self.inputs()
        return rows(feed(x, infos), infos)

    def _at(self, layers: Sequence[str | int] | None) -> Analysis:
        """The analysis that sees these layers: a composite may hide one in the usual."""
        if layers is None:
            return replace(self.analysis, choices=tuple(self._defaults))
        if tuple(layers) not in self._seen:
            self._seen[tuple(layers)] = self.analysis.at(layers)
        return self._seen[tuple(layers)]

    def _at_size(self, x: Inputs) -> OnnxBackend | None:
        """The model as it is seen at the size of x, the last one only; None: no size is open.

        Raises:
            InputError: it takes none of that size.
        """
        size = size_of(self.analysis, feed(x, self.inputs()))
        if size is not None and size not in self._sized:
            self.forward(x)  # a runtime opens no model that is fixed at a size it does not take
            self._sized = {size: self._like(self.analysis, size=size)}
        return None if size is None else self._sized[size]

    def _like(self, source: Any, **options: Any) -> OnnxBackend:
        """A backend with the settings of this one."""
        asked: dict[str, Any] = {"layer": self._named, "score": self.analysis.asked_score}
        asked |= {"guided": self._guided} | self._runner.asked | options
        return OnnxBackend(source, **asked)

    def _part(self, model: onnx.ModelProto) -> OnnxBackend:
        """A backend of a part of the model that gives its score."""
        return self._like(model, layer=None, score=f"{EXACTLY}{self.analysis.score.name}")

    def _with_gradient(self, asked: Sequence[str] | None) -> list[str]:
        """The names of the inputs whose gradients are wanted."""
        fed, path = self.analysis.graph.inputs, self.analysis.layers.path
        return with_gradient({t.name: floating(t) and t.name in path for t in fed}, asked)

    def _open(self, analysis: Analysis, inputs: Sequence[str]) -> Passes | ByScale:
        key = tuple(c.name for c in analysis.choices), tuple(inputs)
        if key not in self._passes:
            scales = None if inputs else scales_of(analysis, guided=self._guided)
            self._passes[key] = (
                Passes(split(analysis, inputs, guided=self._guided), self._opened)
                if scales is None
                else ByScale(scales, self._opened, replace(self._runner, threads=1).open)
            )
        return self._passes[key]

    def _tail(self, analysis: Analysis, choice: Choice) -> Tail:
        if choice.name not in self._tails:
            self._tails[choice.name] = Tail(analysis, choice, self._runner)
        return self._tails[choice.name]
