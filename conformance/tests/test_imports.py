"""Imports point one way: `reference` ← `torch_impl` ← `conformance`."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

import reference

HOUSE = Path(reference.__file__).resolve().parent.parent
OWN = ("reference", "torch_impl", "conformance")


class Import(NamedTuple):
    """One import of a module: the names of what it may import, by dotted names."""

    file: Path
    modules: tuple[str, ...]
    named: tuple[str, ...]  # what is taken from the module, if it is an ImportFrom


pytestmark = pytest.mark.xdist_group("imports")  # one worker reads the sources, once


@cache
def read(path: Path) -> tuple[str, list[ast.Import | ast.ImportFrom]]:
    """The docstring of a module, and its imports; not all its syntax, which fills the memory."""
    module = ast.parse(path.read_bytes())
    found = [each for each in statements(module) if isinstance(each, ast.Import | ast.ImportFrom)]
    return ast.get_docstring(module) or "", found


def statements(node: ast.AST) -> Iterator[ast.AST]:
    """All statements in a node, but for those that types alone need."""
    for each in ast.iter_child_nodes(node):
        typing = isinstance(each, ast.If) and ast.unparse(each.test) == "TYPE_CHECKING"
        if isinstance(each, ast.stmt | ast.excepthandler | ast.match_case) and not typing:
            yield each
            yield from statements(each)


@cache
def imports(package: str) -> list[Import]:
    """All imports of a package, of functions too, but for those that types alone need."""
    found = []
    for path in sorted((HOUSE / package).rglob("*.py")):
        for node in read(path)[1]:
            names = tuple(alias.name for alias in node.names)
            if isinstance(node, ast.Import):
                found.append(Import(path, names, ()))
            else:
                assert node.level == 0, f"{path}: a relative import"
                found.append(Import(path, (node.module or "",), names))
    return found


def imported(package: str) -> set[tuple[str, str]]:
    """(file, module) of each import in a package."""
    return {(each.file.name, name) for each in imports(package) for name in each.modules}


def outside(package: str, *allowed: str) -> set[tuple[str, str]]:
    """The imports that are neither of the standard library nor of these packages."""
    tops = sys.stdlib_module_names | set(allowed)
    return {(file, name) for file, name in imported(package) if name.split(".", 1)[0] not in tops}


def graph() -> dict[str, set[str]]:
    """The own modules that each own module imports, whenever it does, by dotted names."""
    paths = [path for package in OWN for path in (HOUSE / package).rglob("*.py")]
    dotted = [".".join(path.relative_to(HOUSE).with_suffix("").parts) for path in paths]
    modules = {
        path: name.removesuffix(".__init__") for name, path in zip(dotted, paths, strict=True)
    }
    graph: dict[str, set[str]] = {name: set() for name in modules.values()}
    for each in (each for package in OWN for each in imports(package)):
        if each.named:
            (module,) = each.modules
            submodules = {f"{module}.{name}" for name in each.named} & graph.keys()
            whole = {module} & graph.keys() if len(submodules) < len(each.named) else set()
            graph[modules[each.file]] |= submodules | whole
    return graph


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603


@pytest.mark.parametrize("package", OWN)
def test_a_package_has_imports_to_be_read(package: str) -> None:
    assert len(imported(package)) > 3


def test_reference_imports_numpy_and_itself_alone() -> None:
    assert not outside("reference", "numpy", "reference")


def test_torch_impl_imports_torch_numpy_reference_and_itself_alone() -> None:
    assert not outside("torch_impl", "torch", "numpy", "reference", "torch_impl")


def test_torch_impl_takes_the_vocabulary_of_reference_alone() -> None:
    own = {name for _, name in imported("torch_impl") if name.split(".", 1)[0] == "reference"}
    assert own == {"reference.step"}


def test_no_product_module_imports_the_tests() -> None:
    tests = {path.name for path in (HOUSE / "conformance" / "tests").rglob("*.py")}
    users = {file for file, name in imported("conformance") if name.startswith("conformance.tests")}
    assert users <= tests


def test_no_module_imports_itself_in_a_circle() -> None:
    found = graph()
    assert len(found) > 50
    TopologicalSorter(found).prepare()  # raises CycleError, which names the circle


def test_a_module_that_a_docstring_says_to_have_what_is_left_out_is_there() -> None:
    gone = []
    for path in (each for package in OWN for each in (HOUSE / package).rglob("*.py")):
        named = re.findall(r"`([\w/]+\.py)`", read(path)[0].partition("Left out")[2])
        places = path.parent, path.parent.parent, HOUSE / "conformance", HOUSE
        gone += [(path, e) for e in named if not any((place / e).exists() for place in places)]
    assert not gone


def rooms() -> dict[str, set[str]]:
    """The rooms of `conformance`, folders and single files, that each one imports, ever."""
    graph: dict[str, set[str]] = {}
    for each in imports("conformance"):
        room = each.file.relative_to(HOUSE / "conformance").parts[0].removesuffix(".py")
        module = each.modules[0].split(".") if each.named else []
        if module[:1] == ["conformance"] and module[1:] and module[1] != room:
            graph.setdefault(room, set()).add(module[1])
    return graph


def test_rooms_import_one_way() -> None:
    graph = rooms()
    assert len(graph) > 20
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_a_check_of_the_reference_imports_nothing_slow_that_it_does_not_need() -> None:
    code = """
import sys
from conformance.cli import main
try:
    main(["check", "reference", "--case", "hand-2-3-1"])
except SystemExit as left:
    slow = {"torch", "asyncio", "importlib.metadata", "pydantic", "unittest"}
    print("exit", left.code, sorted(slow & set(sys.modules)))
"""
    assert run(code).splitlines()[-1] == "exit 0 []"


def test_the_plugin_imports_nothing_heavy() -> None:
    code = """
import sys, conformance.plugin
print(sorted({"numpy", "torch", "rich", "flint", "safetensors", "typer"} & set(sys.modules)))
"""
    assert run(code).strip() == "[]"


def test_the_command_line_imports_nothing_heavy_before_a_command_needs_it() -> None:
    code = """
import sys, conformance.cli
print(sorted({"numpy", "torch", "flint", "safetensors"} & set(sys.modules)))
"""
    assert run(code).strip() == "[]"
