"""Shapes fixed by `static`: nothing is computed at run time, outputs stay, `strip` opens them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from backends.onnx import instrument, strip
from backends.onnx.reading.kinds import DATA_DEPENDENT
from backends.onnx.reading.static import reopen, with_open_borders
from cam_core.cli.group import gradcam
from cam_core.errors import CamError
from tests.sessions import run

NET = """<ir_version: {ir}, opset_import: ["" : {opset}]>
net (float[N, 3, H, W] x{weights}) => (float[N, 5] y, float[N, 4, A, B] a) {{
    c = Conv<pads = [1, 1, 1, 1]>(x, w)
    a = Relu(c)
    b = MaxPool<kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1>(a)
    half = {half}
    gap = GlobalAveragePool(half)
    flat = Flatten(gap)
    y = MatMul(flat, v)
}}"""
RESIZE = """Resize<mode = "linear", coordinate_transformation_mode = "half_pixel">(b, , scales)
    shape = Shape(a)"""
SHAPES: dict[str, tuple[int, ...]] = {"w": (4, 3, 3, 3), "v": (4, 5)}


def net(opset: int = 13, ir: int = 8) -> onnx.ModelProto:
    """A gradient through a linear Resize, which computes extents where they are open."""
    weights = ", float[4, 3, 3, 3] w, float[4, 5] v" if ir < 4 else ""
    half = RESIZE if opset >= 11 else "Relu(b)"
    text = NET.format(opset=opset, ir=ir, weights=weights, half=half)
    model = onnx.parser.parse_model(text if opset >= 10 else text.replace(", ceil_mode = 1", ""))
    rng = np.random.default_rng(3)
    for name, shape in SHAPES.items():
        value = rng.normal(size=shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(value, name))
    if opset >= 11:
        scales = np.array([1, 1, 2, 1.5], np.float32)
        model.graph.initializer.append(numpy_helper.from_array(scales, "scales"))
    return model


def added(model: onnx.ModelProto, source: onnx.ModelProto) -> list[onnx.NodeProto]:
    return list(model.graph.node)[len(source.graph.node) :]


def at_run_time(nodes: list[onnx.NodeProto]) -> set[str]:
    return {node.op_type for node in nodes} & set(DATA_DEPENDENT)


def extents(infos: Any) -> list[list[int]]:
    """As declared, 0 for an open one."""
    return [[dim.dim_value for dim in info.type.tensor_type.shape.dim] for info in infos]


@pytest.mark.parametrize(("opset", "ir"), [(8, 3), (9, 3), (13, 8), (18, 8), (21, 10)])
@pytest.mark.parametrize("target", ["input", "top:2", 3, "cotangent"])
def test_everything_is_declared_and_stays(opset: int, ir: int, target: Any) -> None:
    source, x = net(opset, ir), np.random.default_rng(1).normal(size=(2, 3, 9, 11))
    names = ("map", "gradients", "score")[: 2 if target == "cotangent" else 3]
    kept = {"layer": "b", "target": target, "outputs": names}
    fixed, free = instrument(source, static=(2, 3, 9, 11), **kept), instrument(source, **kept)
    weights = {t.name for t in fixed.graph.initializer}
    declared = [i for i in fixed.graph.input if i.name not in weights]
    assert all(min(shape, default=1) > 0 for shape in extents(declared))
    assert all(min(shape, default=1) > 0 for shape in extents(fixed.graph.output))
    assert not at_run_time(added(fixed, source))
    assert [n.SerializeToString() for n in fixed.graph.node][: len(source.graph.node)] == [
        n.SerializeToString() for n in source.graph.node
    ]
    feed = {"x": x.astype(np.float32)}
    plain = run(source, **feed)
    if target == "input":
        feed["cam_class"] = np.array([1, -1], np.int64)
    if target == "cotangent":
        feed["cam_cotangent"] = np.eye(5, dtype=np.float32)[[2, 0]]
    found, expected = run(fixed, **feed), run(free, **feed)
    assert all(np.array_equal(found[name], plain[name]) for name in plain)
    assert extents(fixed.graph.output) == [list(value.shape) for value in found.values()]
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-6, atol=1e-7, err_msg=name)
    assert strip(fixed).SerializeToString() == source.SerializeToString()


def test_an_open_model_computes_extents() -> None:
    """Else the test above could not fail."""
    source = net()
    assert at_run_time(added(instrument(source, layer="b"), source))


def test_an_open_size_gets_a_heatmap() -> None:
    with pytest.raises(CamError, match="needs a static input size"):
        instrument(net(), outputs="heatmap")
    model = instrument(net(), layer="a", outputs="heatmap", target=1, static=(1, 3, 8, 8))
    x = np.random.default_rng(2).normal(size=(1, 3, 8, 8)).astype(np.float32)
    assert run(model, x=x)["cam_heatmap"].shape == (1, 8, 8)


def test_a_symbol_has_its_size_wherever_it_stands() -> None:
    source = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 17]>
    net (float[N, 4, L] x, float[N, 4, L] z) => (float[N, K] y) {
        s = Add(x, z)
        a = Relu(s)
        y = ReduceSum<keepdims = 0>(a, axes)
    }""")
    source.graph.initializer.append(numpy_helper.from_array(np.array([2], np.int64), "axes"))
    fixed = instrument(source, layer="a", static={"x": (2, 4, 6)} | {"z": (2, 4, 6)})
    assert extents(fixed.graph.output) == [[2, 4], [2, 4, 6]]
    with pytest.raises(CamError, match="'N' is 2 already"):
        instrument(source, layer="a", static={"x": (2, 4, 6), "z": (3, 4, 6)})
    one = instrument(source, layer="a", static={"x": (2, 4, 6)})
    assert extents(one.graph.input) == [[2, 4, 6], [2, 4, 6], [2]]


def test_local_functions_come_back_too() -> None:
    source = onnx.parser.parse_model("""<ir_version: 8, opset_import: ["" : 17, "my" : 1]>
    net (float[N, 3, H, W] x) => (float[N, 3] y) {
        a = my.Twice(x)
        g = GlobalAveragePool(a)
        y = Flatten(g)
    }
    <opset_import: ["" : 17], domain: "my">
    Twice (x) => (y) { r = Relu(x)  y = Add(r, r) }""")
    fixed = instrument(source, layer="a", static=(2, 3, 5, 7))
    assert extents(fixed.graph.output) == [[2, 3], [2, 5, 7]]
    assert strip(fixed).SerializeToString() == source.SerializeToString()


DATA = """<ir_version: 8, opset_import: ["" : 17]>
net (float[N, 3, H, W] x) => (float[N, 3] y) {
    a = Relu(x)
    n = NonZero(a)
    i = Gather<axis = 0>(n, three)
    u = Gather<axis = 3>(a, i)
    y = ReduceMean<axes = [2, 3], keepdims = 0>(u)
}"""
REFUSED = [
    ({"static": (1, 3, 8)}, "input 'x' is [N, 3, H, W], not [1, 3, 8]: give 4 extents"),
    ({"static": (1, 4, 8, 8)}, "3 is fixed in the model"),
    ({"static": (0, 3, 8, 8)}, "extents are 1 or more"),
    ({"static": {"q": (1, 3, 8, 8)}}, "no input 'q' to fix; the model takes x"),
    ({"static": {}}, "input 'x' stays dynamic; give its shape too"),
    ({"static": (1, 3, 8, 8), "gate": True}, "gate and static exclude each other"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED, ids=[row[1] for row in REFUSED])
def test_what_does_not_fit_is_refused(options: Any, message: str) -> None:
    with pytest.raises(CamError) as caught:
        instrument(net(), **options)
    assert message in str(caught.value)


def test_extents_of_the_data_are_refused() -> None:
    model = onnx.parser.parse_model(DATA)
    model.graph.initializer.append(numpy_helper.from_array(np.array(3, np.int64), "three"))
    instrument(model, layer="a")
    with pytest.raises(CamError, match="depend on the data"):
        instrument(model, layer="a", static=(1, 3, 8, 8))


def test_the_command_fixes_shapes(tmp_path: Path) -> None:
    onnx.save(net(), tmp_path / "net.onnx")
    arguments = ["instrument", str(tmp_path / "net.onnx"), "-o", str(tmp_path / "cam.onnx")]
    found = CliRunner().invoke(gradcam, [*arguments, "--static", "2,3,8,12"])
    assert found.exit_code == 0, found.output
    assert "static  the input is 2 x 3 x 8 x 12" in found.output
    assert "outputs unchanged, bit for bit" in found.output
    model = onnx.load(tmp_path / "cam.onnx")
    assert extents(model.graph.input) == [[2, 3, 8, 12], [2]]
    onnx.checker.check_model(model, full_check=True)
    named = CliRunner().invoke(gradcam, [*arguments, "--static", "x=1,3,8,8", "--json"])
    assert json.loads(named.output)["static"] == {"x": [1, 3, 8, 8]}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--static", "1,3,H,W"], "is no shape: extents with commas"),
        (["--static", "x=1,2", "--static", "x=1,3"], "names an input twice"),
        (["--static", "1,2", "--static", "z=1,3"], "each shape needs a name"),
    ],
    ids=lambda value: "" if isinstance(value, list) else value,
)
def test_the_command_refuses(flags: list[str], message: str, tmp_path: Path) -> None:
    onnx.save(net(), tmp_path / "net.onnx")
    arguments = ["instrument", str(tmp_path / "net.onnx"), "-o", str(tmp_path / "cam.onnx")]
    found = CliRunner().invoke(gradcam, [*arguments, *flags])
    assert found.exit_code == 2
    assert message in found.stderr
    assert not (tmp_path / "cam.onnx").exists()


def test_the_reference_agrees() -> None:
    """Central differences of the plain model in float64 against a fixed file's gradients."""
    rng = np.random.default_rng(7)
    source = net()
    x = rng.normal(size=(1, 3, 8, 8)).astype(np.float32)
    fixed = instrument(
        source, layer="b", target=2, outputs=("gradients", "input_gradients"), static=x.shape
    )
    G = run(fixed, x=x)["cam_input_gradients"]
    double = onnx.ModelProto()
    double.CopyFrom(source)
    for tensor in double.graph.initializer:
        if tensor.name != "scales":
            wide = numpy_helper.to_array(tensor).astype(np.float64)
            tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))
    for info in (*double.graph.input, *double.graph.output):
        info.type.tensor_type.elem_type = onnx.TensorProto.DOUBLE
    D, h = rng.normal(size=x.shape), 1e-6
    run_double = ReferenceEvaluator(double)
    up, down = (run_double.run(["y"], {"x": x + s * D})[0][0, 2] for s in (h, -h))
    assert np.sum(G * D) == pytest.approx((up - down) / (2 * h), rel=1e-4)


def test_borders_are_opened_in_a_copy_and_weights_are_none() -> None:
    """Below IR 4 a weight is declared as an input; one of no numbers has an extent of 0."""
    source = net(8, ir=3)
    source.graph.input.append(onnx.helper.make_tensor_value_info("none", 1, [0]))
    source.graph.initializer.append(numpy_helper.from_array(np.zeros(0, np.float32), "none"))
    assert with_open_borders(source) is source
    source.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 0
    source.graph.output[0].type.tensor_type.shape.dim[0].dim_value = -1
    before = source.SerializeToString()
    made = with_open_borders(source)
    assert source.SerializeToString() == before
    shapes = extents([*made.graph.input, *made.graph.output])
    assert shapes == [[0, 3, 0, 0], [4, 3, 3, 3], [4, 5], [0], [0, 5], [0, 4, 0, 0]]
    written = [
        d for i in (made.graph.input[0], *made.graph.output) for d in i.type.tensor_type.shape.dim
    ]
    assert [d.dim_value for d in written if d.HasField("dim_value")] == [3, 5, 4]
    assert with_open_borders(made) is made
    reopen(made, {e.key: e.value for e in made.metadata_props})
    assert [*made.graph.input, *made.graph.output] == [*source.graph.input, *source.graph.output]
