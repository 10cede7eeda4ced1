"""The robustness corpus: damaged models and pictures, the same at every run.

`CASES` maps a name to a `Case`: how to lay its files into an empty folder, and what must come of
it: "works", "refused" (a one-line error), or "either".
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from tests.project import corpus_images
from tests.project.corpus_models import PLAIN, chain, external
from tests.project.corpus_mutations import MUTATIONS

SEEDS = 2
"""Times that each mutation meets each model; names and numbers differ."""


class Case(NamedTuple):
    lay: Callable[[Path, np.random.Generator], None]
    """Writes `model.onnx`, or `image` and its like, into a folder."""
    expected: str
    image: str = ""
    """The picture's name, where the case is about one."""

    def into(self, folder: Path, name: str) -> None:
        self.lay(folder, np.random.default_rng(zlib.crc32(name.encode())))


def _save(model: Any, folder: Path) -> None:
    (folder / "model.onnx").write_bytes(model.SerializeToString())


# whole models, mutated


@functools.cache
def _source(name: str) -> tuple[bytes, bytes]:
    """The model's file, and that of its external weights."""
    if name == "external":
        model, data = external()
        return model.SerializeToString(), data
    if name == "instrumented":
        from backends.onnx import instrument

        return instrument(PLAIN["functions"]()).SerializeToString(), b""
    return PLAIN[name]().SerializeToString(), b""


NAMES = (*PLAIN, "external", "instrumented")


def _lay(name: str, folder: Path, change: Callable[[bytes], bytes] = bytes) -> None:
    model, data = _source(name)
    (folder / "model.onnx").write_bytes(change(model))
    if data:
        (folder / "weights.bin").write_bytes(data)


def _mutated(name: str, mutation: str) -> Case:
    def lay(folder: Path, rng: np.random.Generator) -> None:
        def change(data: bytes) -> bytes:
            model = onnx.ModelProto.FromString(data)
            MUTATIONS[mutation](model, rng)
            return bytes(model.SerializeToString())

        _lay(name, folder, change)

    return Case(lay, "either")


def _bytes(name: str, how: str) -> Case:
    def change(data: bytes, rng: np.random.Generator) -> bytes:
        at, to = sorted(int(i) for i in rng.integers(len(data), size=2))
        return {
            "cut": lambda: data[:at],
            "head lost": lambda: data[at:],
            "zeros": lambda: data[:at] + bytes(to - at) + data[to:],
            "hole": lambda: data[:at] + data[to:],
            "twice": lambda: data[:to] + data[at:],
            "noise inside": lambda: data[:at] + rng.bytes(30) + data[at:],
            "1 bit": lambda: corpus_images.flip_bits(data, rng, 1),
            "9 bits": lambda: corpus_images.flip_bits(data, rng, 9),
            "90 bits": lambda: corpus_images.flip_bits(data, rng, 90),
        }[how]()

    return Case(lambda folder, rng: _lay(name, folder, lambda d: change(d, rng)), "either")


BYTES = ("cut", "head lost", "zeros", "hole", "twice", "noise inside", "1 bit", "9 bits", "90 bits")


# external data


def _external(expected: str, /, **entries: str | None) -> Case:
    """The first weight's entry changed; None takes one away."""

    def lay(folder: Path, rng: np.random.Generator) -> None:
        home = folder / "home"
        _outside(folder)
        model = onnx.ModelProto.FromString(_source("external")[0])
        _set(model.graph.initializer[0], entries)
        _save(model, home)

    return Case(lay, expected)


def _outside(folder: Path) -> None:
    """A folder `home` for the model, and files beside it that it must not read."""
    home, data = folder / "home", _source("external")[1]
    home.mkdir()
    (home / "weights.bin").write_bytes(data)
    (folder / "secret.bin").write_bytes(data)
    (folder / "home2").mkdir()
    (folder / "home2" / "secret.bin").write_bytes(data)
    (home / "link.bin").symlink_to("../secret.bin")
    (home / "folder").symlink_to("..")
    (home / "loop").symlink_to("loop")
    (home / "zero").symlink_to("/dev/zero")
    (home / "empty").mkdir()


def _set(tensor: Any, entries: dict[str, str | None]) -> None:
    kept = {e.key: e.value for e in tensor.external_data} | entries
    del tensor.external_data[:]
    for key, value in kept.items():
        if value is not None:
            tensor.external_data.add(key=key, value=value)


def _secret(tensor: Any) -> Any:
    tensor.data_location = TensorProto.EXTERNAL
    for field in ("raw_data", "float_data"):
        tensor.ClearField(field)
    _set(tensor, {"location": "../secret.bin", "offset": "0", "length": "4"})
    return tensor


def _escape_in(place: str) -> Case:
    """A tensor that is no initialiser of the graph reads outside the folder all the same."""

    def lay(folder: Path, rng: np.random.Generator) -> None:
        _outside(folder)
        model = PLAIN["branches"]()
        tensor = _secret(numpy_helper.from_array(np.ones(1, np.float32), "secret"))
        constant = helper.make_node("Constant", [], ["secret"], value=tensor)
        add = helper.make_node("Add", ["y", "secret"], ["shifted"])
        branch = model.graph.node[1].attribute[0].g
        if place == "a Constant":
            model.graph.node.extend([constant, add])
            model.graph.output[0].name = "shifted"
        elif place == "a branch":
            branch.initializer.append(tensor)
            branch.node.append(helper.make_node("Add", ["yes_out", "secret"], ["moved"]))
            branch.output[0].name = "moved"
        elif place == "a branch's Constant":
            branch.node.extend([constant, helper.make_node("Add", ["yes_out", "secret"], ["mv"])])
            branch.output[0].name = "mv"
        elif place == "a function":
            opsets = [helper.make_opsetid("", 12)]
            body = [constant, helper.make_node("Add", ["q", "secret"], ["o"])]
            model.functions.append(helper.make_function("own", "f", ["q"], ["o"], body, opsets))
            model.opset_import.add(domain="own", version=1)
            model.graph.node.append(helper.make_node("f", ["y"], ["shifted"], domain="own"))
            model.graph.output[0].name = "shifted"
            model.ir_version = 8
        else:
            sparse = model.graph.sparse_initializer.add()
            sparse.values.CopyFrom(tensor)
            sparse.indices.CopyFrom(numpy_helper.from_array(np.zeros(1, np.int64)))
            sparse.dims.append(1)
            model.graph.node.append(add)
            model.graph.output[0].name = "shifted"
        _save(model, folder / "home")

    return Case(lay, "refused")


EXTERNAL = {
    "whole": _external("works"),
    "parent": _external("refused", location="../secret.bin"),
    "parent in the middle": _external("refused", location="empty/../../secret.bin"),
    "sibling with the same beginning": _external("refused", location="../home2/secret.bin"),
    "backslashes": _external("refused", location="..\\secret.bin"),
    "absolute": _external("refused", location="/etc/passwd", offset="0", length="20"),
    "symlink out": _external("refused", location="link.bin"),
    "symlinked folder": _external("refused", location="folder/secret.bin"),
    "symlink to itself": _external("refused", location="loop"),
    "device": _external("refused", location="zero"),
    "device by name": _external("refused", location="/dev/zero"),
    "folder": _external("refused", location="empty"),
    "the folder itself": _external("refused", location="."),
    "no location": _external("refused", location=None),
    "empty location": _external("refused", location=""),
    "absent": _external("refused", location="gone.bin"),
    "zero byte": _external("refused", location="weights.bin\0"),
    "long": _external("refused", location="x" * 5000),
    "huge offset": _external("refused", offset=str(2**62)),
    "huger offset": _external("refused", offset="9" * 5000),
    "huge length": _external("refused", length=str(2**40)),
    "negative offset": _external("refused", offset="-8"),
    "negative length": _external("refused", length="-8"),
    "offset and length cancel": _external("refused", offset=str(2**40), length=str(-(2**40))),
    "offset in words": _external("refused", offset="zero"),
    "short length": _external("refused", length="4"),
    "long length": _external("refused", length="700"),
    "no length at the end": _external("refused", offset="736", length=None),
    "checksum": _external("either", checksum="00"),
    "no entries": _external("refused", location=None, offset=None, length=None),
}
EXTERNAL |= {
    f"escape in {place}": _escape_in(place)
    for place in ("a Constant", "a branch", "a branch's Constant", "a function", "a sparse weight")
}


# by hand


def _odd(expected: str, make: Callable[[], Any]) -> Case:
    return Case(lambda folder, rng: _save(make(), folder), expected)


def _recursive(links: int) -> Any:
    """Functions that call each other in a ring."""
    model = PLAIN["functions"]()
    opsets = list(model.functions[0].opset_import)
    for i in range(links):
        body = [helper.make_node(f"f{(i + 1) % links}", ["q"], ["o"], domain="local")]
        model.functions.append(helper.make_function("local", f"f{i}", ["q"], ["o"], body, opsets))
    model.graph.node[1].op_type = "f0"
    return model


def _doubling(depth: int) -> Any:
    """Each function calls the next one twice: 2**depth nodes when inlined."""
    model = PLAIN["functions"]()
    opsets = list(model.functions[0].opset_import)
    for i in range(depth):
        name = f"f{i + 1}" if i + 1 < depth else "gate"
        body = [
            helper.make_node(name, ["q"], ["half"], domain="local"),
            helper.make_node(name, ["half"], ["o"], domain="local"),
        ]
        model.functions.append(helper.make_function("local", f"f{i}", ["q"], ["o"], body, opsets))
    model.graph.node[1].op_type = "f0"
    return model


def _nested(depth: int) -> Any:
    """An If in an If in an If ..."""
    model = PLAIN["branches"]()
    node = model.graph.node[1]
    for i in range(depth):
        inner = helper.make_empty_tensor_value_info(node.output[0])
        body = helper.make_graph([node], f"body_{i}", [], [inner])
        other = model.graph.node[1].attribute[1].g
        node = helper.make_node("If", ["flag"], [f"deep_{i}"], then_branch=body)
        node.attribute.append(helper.make_attribute("else_branch", other))
    node.output[0] = "i"
    model.graph.node[1].CopyFrom(node)
    return model


def _grows(target: int) -> Any:
    """A small file that asks for `target` numbers while it runs."""
    model = PLAIN["cnn"]()
    size = numpy_helper.from_array(np.array([target]), "size")
    model.graph.initializer.append(size)
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["many"]),
        helper.make_node("ReduceSum", ["many"], ["sum"], keepdims=0),
        helper.make_node("Add", ["y", "sum"], ["more"]),
    ]
    model.graph.node[-1].input[0] = "more"
    softmax = model.graph.node.pop()
    model.graph.node.extend([*nodes, softmax])
    return model


def _changed(name: str, change: Callable[[Any], None]) -> Any:
    """One of the small models with one thing changed."""
    model = onnx.ModelProto.FromString(_source(name)[0])
    change(model.graph)
    return model


def _attribute(graph: Any, op_type: str, name: str, value: list[int] | None) -> None:
    """Sets an attribute of the first node of this kind; None takes it away."""
    node = next(n for n in graph.node if n.op_type == op_type)
    kept = [a for a in node.attribute if a.name != name]
    del node.attribute[:]
    node.attribute.extend(kept)
    if value is not None:
        node.attribute.append(AttributeProto(name=name, type=AttributeProto.INTS, ints=value))


def _no_text(folder: Path, rng: np.random.Generator) -> None:
    """A name that is no UTF-8: protobuf takes it, and gives it back as bytes."""
    data = _source("functions")[0].replace(b"HardSigmoid", b"Hard\xffigmoid")
    (folder / "model.onnx").write_bytes(data)


def _extent(graph: Any, axis: int, extent: int) -> None:
    graph.input[0].type.tensor_type.shape.dim[axis].dim_value = extent


BY_HAND = {
    "a name that is no text": Case(_no_text, "refused"),
    "a long stride": _odd(
        "refused",
        lambda: _changed("cnn", lambda g: _attribute(g, "MaxPool", "strides", [2, 2**20])),
    ),
    "a transpose of nothing": _odd(
        "refused", lambda: _changed("tokens", lambda g: _attribute(g, "Transpose", "perm", []))
    ),
    "a constant of nothing": _odd(
        "refused",
        lambda: _changed("modern", lambda g: _attribute(g, "Constant", "value_float", None)),
    ),
    "a wide input": _odd("refused", lambda: _changed("residual", lambda g: _extent(g, 3, 2**20))),
    "chain of 3000": _odd("works", lambda: chain(3000)),
    "function calls itself": _odd("refused", lambda: _recursive(1)),
    "functions in a ring": _odd("refused", lambda: _recursive(3)),
    "functions doubling 40 times": _odd("refused", lambda: _doubling(40)),
    "functions doubling 5 times": _odd("works", lambda: _doubling(5)),
    "20 Ifs deep": _odd("works", lambda: _nested(20)),
    "asks for a tebi": _odd("refused", lambda: _grows(2**40)),
    "asks for more than memory": _odd("refused", lambda: _grows(2**33)),
}


def _cases() -> Iterator[tuple[str, Case]]:
    for name in NAMES:
        yield f"{name}: whole", Case(lambda folder, rng, n=name: _lay(n, folder), "works")
        for mutation in MUTATIONS:
            for seed in range(SEEDS if name not in ("external", "instrumented") else 1):
                yield f"{name}: {mutation} {seed}", _mutated(name, mutation)
        for how in BYTES:
            for seed in range(SEEDS):
                yield f"{name}: {how} {seed}", _bytes(name, how)
    for name, case in EXTERNAL.items():
        yield f"external: {name}", case
    for name, case in BY_HAND.items():
        yield f"by hand: {name}", case
    for group, expected in (("GOOD", "works"), ("BAD", "refused"), ("EITHER", "either")):
        for name, make in getattr(corpus_images, group).items():
            yield f"image: {name}", Case(_lay_image(name, make), expected, name)


def _lay_image(name: str, make: Any) -> Callable[[Path, np.random.Generator], None]:
    def lay(folder: Path, rng: np.random.Generator) -> None:
        (folder / name).write_bytes(make(rng))
        _lay("cnn", folder)

    return lay


CASES: dict[str, Case] = dict(_cases())
