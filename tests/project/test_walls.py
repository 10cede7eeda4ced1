"""What may import what, in a fresh process and in the source."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.paths import ROOT

PACKAGES = ("cam_core", "backends", "converters")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FRAMEWORKS = {"onnx", "onnx_graphsurgeon", "onnxruntime", "torch", "onnxscript", "tensorflow"}
COMMANDS = ("cam_core/cli/", "backends/onnx/commands/")
LAZY = FRAMEWORKS | {"PIL", "matplotlib", "click", "rich", "pyarrow", "ray"}


def loaded_by(statement: str) -> set[str]:
    """All modules of a fresh process after a statement, less those of a bare one."""
    code = f"import sys, json; before = set(sys.modules)\n{statement}\n"
    code += "print(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def roots(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_cam_core_loads_numpy_alone() -> None:
    modules = loaded_by("import cam_core")
    third_party = roots(modules) - set(sys.stdlib_module_names) - {"cam_core"}
    assert third_party <= {"numpy", "scipy"}
    assert not {m for m in modules if m.startswith("scipy.") and m.count(".") == 1} & {
        f"scipy.{part}" for part in ("stats", "ndimage", "signal", "optimize", "linalg", "special")
    }


def test_the_command_line_loads_no_framework() -> None:
    if not (ROOT / "cam_core" / "cli" / "__init__.py").exists():
        pytest.skip("this tree has no command line")
    assert not roots(loaded_by("import cam_core.cli")) & FRAMEWORKS


def test_the_packages_of_frameworks_import_nothing() -> None:
    assert loaded_by("import backends, converters") == {"backends", "converters"}


def modules_imported(tree: ast.Module, package: str, *, everywhere: bool) -> set[str]:
    """Roots of what a file imports: at module level, or everywhere; TYPE_CHECKING aside."""
    found = set()
    for node in ast.walk(tree) if everywhere else _at_import(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(package if node.level else (node.module or "").partition(".")[0])
    return found


def _at_import(tree: ast.Module) -> list[ast.AST]:
    """The nodes that run when the file is imported."""
    found, todo = [], list(tree.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        found.append(node)
        todo += ast.iter_child_nodes(node)
    return found


def parse(path: Path) -> tuple[str, ast.Module]:
    return path.relative_to(ROOT).parts[0], ast.parse(path.read_text(encoding="utf-8"))


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_arrows_point_one_way(path: Path) -> None:
    package, tree = parse(path)
    forbidden = {"cam_core": {"backends", "converters"}, "backends": {"converters"}}
    imported = modules_imported(tree, package, everywhere=True)
    assert not imported & forbidden.get(package, {"backends"})
    assert "tests" not in imported


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_optional_packages_are_imported_where_they_are_used(path: Path) -> None:
    package, tree = parse(path)
    imported = modules_imported(tree, package, everywhere=False)
    allowed = set()
    if name(path).startswith(COMMANDS) and "click" in imported:
        allowed = {"click"}
    elif name(path).startswith("backends/onnx/"):
        allowed = {"onnx", "onnx_graphsurgeon"}
    assert not (imported & LAZY) - allowed


@pytest.mark.parametrize("path", [p for p in SOURCES if p.parent.name == "live"], ids=name)
def test_what_live_models_share_knows_no_framework(path: Path) -> None:
    package, tree = parse(path)
    assert not modules_imported(tree, package, everywhere=True) & (LAZY | {"jax", "keras"})


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_only_commands_print(path: Path) -> None:
    if name(path).startswith(COMMANDS):
        return
    _, tree = parse(path)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert not [c.lineno for c in calls if isinstance(c.func, ast.Name) and c.func.id == "print"]


def test_what_only_a_notebook_needs_waits_for_it() -> None:
    assert not loaded_by("import cam_core") & {"html", "base64", "importlib.metadata"}


DOORS = ({"backends", "onnx"}, {"backends", "onnx", "rules"}, {"backends", "torch"})
"""What users import of the backends: their faces, and the door for rules of their own."""


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").rglob("*.py")), ids=name)
def test_benchmarks_go_in_by_the_doors(path: Path) -> None:
    inner = [target for target in imported(path) if target[0] == "backends"]
    assert not [target for target in inner if set(target) not in DOORS]


ROOMS = (
    *("reading", "writing", "running", "rules", "finding", "differentiating", "instrumenting"),
    *("capturing", "blaming", "commands"),
)
"""Of backends/onnx, from the ground up: a room imports only from those before it."""
APART = {("running", "writing"), ("rules", "running")}
"""Those before it that a room does not import from all the same."""
IN_RULES = ("", "parts", "families", "control", "microsoft")
"""The same inside rules/; its face imports all that has rules, to fill the table."""


def imported(path: Path) -> list[tuple[str, ...]]:
    """The parts of the modules of ours that a file imports, by a dot or by name."""
    own, found = path.relative_to(ROOT).parts[:-1], []
    for node in (n for n in ast.walk(parse(path)[1]) if isinstance(n, ast.ImportFrom)):
        base = own[: len(own) + 1 - node.level] if node.level else ()
        module = (*base, *(node.module.split(".") if node.module else ()))
        for alias in node.names if module[0] in PACKAGES else ():
            inner = ROOT.joinpath(*module, alias.name)
            is_module = inner.is_dir() or inner.with_suffix(".py").exists()
            found.append((*module, alias.name) if is_module else module)
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "backends/onnx").glob("*/**/*.py")), ids=name)
def test_rooms_import_downwards(path: Path) -> None:
    *_, room = path.relative_to(ROOT).parts[:3]
    for target in (t for t in imported(path) if t[:2] == ("backends", "onnx")):
        assert target[2] in ROOMS, f"{room} imports the face"
        assert ROOMS.index(target[2]) <= ROOMS.index(room)
        assert (room, target[2]) not in APART


@pytest.mark.parametrize("path", sorted((ROOT / "backends/onnx/rules").rglob("*.py")), ids=name)
def test_rules_stand_on_their_ground(path: Path) -> None:
    inner = path.relative_to(ROOT / "backends/onnx/rules").parts[:-1]
    if path.name == "__init__.py" and not inner:
        return
    floor = IN_RULES.index("".join(inner))
    for target in (t[3:] for t in imported(path) if t[1:3] == ("onnx", "rules") and t[3:]):
        assert IN_RULES.index(target[0] if target[0] in IN_RULES else "") <= floor


IN_TARGETS = ("", "classes", "places", "vectors", "reading", "detection")
"""The same inside cam_core/targets."""
READERS = ("__init__.py", "table.py", "grammar.py")
"""Its face and its grammar, which know all kinds."""


@pytest.mark.parametrize("path", sorted((ROOT / "cam_core/targets").rglob("*.py")), ids=name)
def test_targets_stand_on_their_ground(path: Path) -> None:
    inner = path.relative_to(ROOT / "cam_core/targets").parts[:-1]
    if path.name in READERS and not inner:
        return
    floor = IN_TARGETS.index("".join(inner))
    for target in (t[2:] for t in imported(path) if t[:2] == ("cam_core", "targets") and t[2:]):
        assert IN_TARGETS.index(target[0] if target[0] in IN_TARGETS else "") <= floor
        assert f"{target[0]}.py" not in READERS


@pytest.mark.parametrize("package", ["backends/onnx", "backends/torch", "cam_core"])
def test_no_imports_go_in_a_circle(package: str) -> None:
    """Those for types alone included; faces, which hand names on, are left out."""
    files = [path for path in (ROOT / package).rglob("*.py") if path.name != "__init__.py"]
    modules = {path.relative_to(ROOT).with_suffix("").parts: path for path in files}
    needs = {path: {modules[t] for t in imported(path) if t in modules} for path in files}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(name(path) for path in error.args[1]))
