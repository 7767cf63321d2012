"""From a specification to a Python object, and one clear line for each thing that is not there."""

import ast
import functools
import inspect
import linecache
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import conformance.programs.execution
from conformance.errors import SubjectError, UsageError
from conformance.programs.load import describe, is_spec, load
from conformance.subjects.named import find

NETWORK = """\
from collections import OrderedDict
import os

class Network:
    class Layer:
        pass

    def backprop(self, x, y):
        return x

def step():
    return 1

def _helper():
    return 2
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder with my_network.py; paths and modules are as before afterwards."""
    (tmp_path / "my_network.py").write_text(NETWORK)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    modules, opened = set(sys.modules), descriptors()
    yield tmp_path
    assert descriptors() == opened
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def descriptors() -> set[str]:
    """The open file descriptors."""
    return {path.name for path in Path("/dev/fd").iterdir()}


def usage(spec: str, *python_path: Path) -> str:
    """The one line of a specification that is wrong."""
    with pytest.raises(UsageError) as caught:
        load(spec, python_path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def failure(source: str, spec: str = "subject.py:Network") -> list[str]:
    """The lines of the message on a file whose own code fails, without those of carets."""
    Path("subject.py").write_text(source)
    with pytest.raises(SubjectError) as caught:
        load(spec)
    return [line for line in str(caught.value).splitlines() if line.strip(" ^~")]


def loaded(source: str, name: str = "f") -> object:
    """What a function of a file returns."""
    Path("subject.py").write_text(source)
    function = load(f"subject.py:{name}")
    assert callable(function)
    return function()


def package(place: Path, source: str = "class Network: pass\n") -> None:
    """A package `nets_of_test` with a module `plain`."""
    (place / "nets_of_test").mkdir(parents=True)
    (place / "nets_of_test" / "__init__.py").write_text("")
    (place / "nets_of_test" / "plain.py").write_text(source)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("my_network.py:Network", True),
        ("package.module:Network", True),
        ("my_network.py", True),
        ("folder/", True),
        ("reference", False),
        ("trace.safetensors", False),
        ("run:3.safetensors", False),
    ],
)
def test_a_specification_is_told_from_other_subjects(text: str, meant: bool) -> None:
    assert is_spec(text) is meant


def test_a_class_of_a_file_is_found() -> None:
    assert isinstance(load("my_network.py:Network"), type)


def test_a_file_is_found_by_its_absolute_path(here: Path) -> None:
    assert callable(load(f"{here}/my_network.py:step"))


def test_a_name_may_be_dotted() -> None:
    assert describe(load("my_network.py:Network.Layer")) == "Network.Layer"


def test_a_file_need_not_be_named_as_python() -> None:
    Path("network").write_text(NETWORK)
    assert callable(load("./network:step"))


def test_a_module_of_the_current_folder_is_found(here: Path) -> None:
    package(here)
    assert isinstance(load("nets_of_test.plain:Network"), type)


def test_a_module_of_the_python_path_is_found(here: Path) -> None:
    package(here / "elsewhere")
    assert isinstance(load("nets_of_test.plain:Network", [Path("elsewhere")]), type)


def test_a_file_imports_what_lies_beside_it() -> None:
    Path("beside_of_test.py").write_text("answer = 42\n")
    assert loaded("import beside_of_test\ndef f(): return beside_of_test.answer\n") == 42


def test_a_file_imports_late_from_the_python_path(here: Path) -> None:
    package(here / "elsewhere")
    Path("subject.py").write_text("def f():\n    import nets_of_test.plain\n    return 7\n")
    function = load("subject.py:f", [Path("elsewhere")])
    assert callable(function)
    assert function() == 7


def test_a_file_is_known_to_sys_modules_by_a_private_name() -> None:
    name = loaded("def f(): return __name__\n")
    assert isinstance(name, str)
    assert name.startswith("_subject_subject_")
    assert sys.modules[name].__file__ == str(Path("subject.py").resolve())


def test_a_file_is_not_run_as_the_main_program() -> None:
    assert loaded("x = 1\nif __name__ == '__main__':\n    x = 2\ndef f(): return x\n") == 1


def test_the_source_of_a_loaded_function_can_be_read() -> None:
    function = load("my_network.py:step")
    assert callable(function)
    assert inspect.getsource(function) == "def step():\n    return 1\n"


def test_an_edited_file_is_read_anew_though_size_and_second_are_the_same() -> None:
    assert [loaded(f"def f(): return {n}\n") for n in (1, 2)] == [1, 2]


def test_the_lines_of_an_edited_file_are_those_of_now() -> None:
    path = str(Path("subject.py").resolve())
    seen = []
    for source in ("def f(): return 1\n", "def f(): return 10\n"):
        loaded(source)
        seen.append(linecache.getline(path, 1))
    assert seen == ["def f(): return 1\n", "def f(): return 10\n"]


def test_no_bytecode_is_left_beside_the_file(here: Path) -> None:
    load("my_network.py:Network")
    assert [path.name for path in here.iterdir()] == ["my_network.py"]


def test_a_file_of_another_folder_with_the_same_name_is_another_module(here: Path) -> None:
    (here / "other").mkdir()
    (here / "other" / "my_network.py").write_text(NETWORK)
    first, second = load("my_network.py:Network"), load("other/my_network.py:Network")
    assert getattr(first, "__module__", 1) != getattr(second, "__module__", 1)


@pytest.mark.parametrize("noise", ["print('x')", "os.write(1, b'x')", "os.system('echo x')"])
def test_what_a_subject_prints_at_import_goes_to_stderr(
    noise: str, capfd: pytest.CaptureFixture[str]
) -> None:
    loaded(f"import os\n{noise}\ndef f(): pass\n")
    print("ours")  # noqa: T201 - stdout must be back
    assert capfd.readouterr() == ("ours\n", "x\n" if "write" not in noise else "x")


def test_a_file_that_does_not_exist() -> None:
    message = "there is no file my_netwrk.py (did you mean my_network.py?)"
    assert usage("my_netwrk.py:Network") == message


def test_a_folder_that_does_not_exist() -> None:
    assert usage("nowhere/net.py:Network") == "there is no file nowhere/net.py"


@pytest.mark.parametrize("spec", [".:Network", "./:Network", "./", "."])
def test_a_folder_instead_of_a_file(spec: str) -> None:
    place = spec.removesuffix(":Network")
    expected = f"{place} is a folder: give FILE.py:Name; it has my_network.py"
    assert usage(spec) == expected


def test_a_folder_that_looks_like_a_module(here: Path) -> None:
    (here / "folder_of_test").mkdir()
    expected = "folder_of_test is a folder: give folder_of_test/FILE.py:Name"
    assert usage("folder_of_test:Network") == expected


def test_something_that_is_no_ordinary_file() -> None:
    assert usage("/dev/null:Network") == "/dev/null is no ordinary file"


def test_a_path_that_the_system_refuses() -> None:
    assert "cannot be read: File name too long" in usage(f"{'x' * 300}.py:Network")


def test_a_file_without_a_name_lists_what_could_be_meant() -> None:
    expected = "my_network.py:Network, my_network.py:step"
    assert usage("my_network.py") == f"say what in my_network.py is meant: {expected}"


def test_where_a_class_is_needed_no_function_is_proposed() -> None:
    with pytest.raises(UsageError, match=r"is meant: my_network\.py:Network$"):
        load("my_network.py", kinds=(ast.ClassDef,))


def test_a_file_without_a_name_is_not_run() -> None:
    Path("subject.py").write_text("def f(): pass\n1 / 0\n")
    assert "subject.py:f" in usage("subject.py")


def test_a_file_without_a_name_that_defines_nothing() -> None:
    Path("subject.py").write_text("x = 1\n")
    assert usage("subject.py") == "subject.py defines no public class or function to be checked"


@pytest.mark.parametrize("spec", ["package.module", "my_network.py:", ":Network", "m:1x", "m:a..b"])
def test_words_that_are_no_specification(spec: str) -> None:
    forms = "path/to/file.py:Name or package.module:Name"
    assert usage(spec) == f"{spec!r} names no Python object: give {forms}"


def test_a_module_that_does_not_exist() -> None:
    where = "the current folder, --python-path and what is installed"
    assert usage("no_such.module:X") == f"there is no module no_such.module in {where}"


def test_a_module_inside_what_is_no_package() -> None:
    assert usage("os.no_such:X").startswith("there is no module os.no_such in ")


def test_a_folder_of_the_python_path_that_does_not_exist() -> None:
    expected = "--python-path nowhere: there is no such folder"
    assert usage("my_network.py:Network", Path("nowhere")) == expected


def test_a_name_that_is_not_there_is_shown_what_is() -> None:
    expected = "my_network.py has no 'Netwrok' (did you mean Network?); it has Network, step"
    assert usage("my_network.py:Netwrok") == expected


def test_a_dotted_name_that_is_not_there_is_shown_what_is() -> None:
    expected = "my_network.py:Network has no 'Lair' (did you mean Layer?); it has Layer, backprop"
    assert usage("my_network.py:Network.Lair") == expected


def test_a_long_list_of_names_is_cut() -> None:
    Path("subject.py").write_text("".join(f"def f{n}(): pass\n" for n in range(20)))
    assert usage("subject.py:X").endswith("f6, f7 and 12 more")


def test_a_syntax_error_is_shown_with_its_file_and_line() -> None:
    assert failure("x = 1\ndef f(:\n") == ["subject.py:2: invalid syntax: def f(:"]


def test_a_syntax_error_in_a_file_without_a_name() -> None:
    assert failure("def f(:\n", "subject.py") == ["subject.py:1: invalid syntax: def f(:"]


def test_a_syntax_error_in_what_a_file_imports_names_that_file() -> None:
    Path("broken_of_test.py").write_text("\n\nx = = 1\n")
    message = ["broken_of_test.py:3: invalid syntax: x = = 1"]
    assert failure("import broken_of_test\n") == message


def test_a_file_that_is_no_text() -> None:
    Path("subject.py").write_bytes(b"\x00\xff\x00")
    with pytest.raises(SubjectError, match=r"null bytes|decode|invalid"):
        load("subject.py:Network")


def test_an_import_that_raises_shows_the_frames_of_the_subject_alone(here: Path) -> None:
    assert failure("def f():\n    raise KeyError('w2')\n\nf()\n") == [
        "subject.py cannot be imported: KeyError: 'w2'",
        "Traceback (most recent call last):",
        f'  File "{here}/subject.py", line 4, in <module>',
        "    f()",
        f'  File "{here}/subject.py", line 2, in f',
        "    raise KeyError('w2')",
        "KeyError: 'w2'",
    ]


def test_a_module_that_raises_shows_the_frames_of_the_subject_alone(here: Path) -> None:
    package(here, "raise KeyError\n")
    with pytest.raises(SubjectError) as caught:
        load("nets_of_test.plain:Network")
    first, *rest = str(caught.value).splitlines()
    assert first == "nets_of_test.plain cannot be imported: KeyError"
    assert [line for line in rest if "File" in line] == [
        f'  File "{here}/nets_of_test/plain.py", line 1, in <module>'
    ]


def test_an_import_that_raises_no_exception_but_its_base() -> None:
    first, *_ = failure("class Odd(BaseException): pass\nraise Odd('no')\n")
    assert first == "subject.py cannot be imported: Odd: no"


def test_a_package_that_the_subject_misses_is_the_subjects_failure() -> None:
    source = "import no_such_package\nnet = no_such_package.Net()\nNetwork = net.kind\n"
    first, *_ = failure(source)
    assert "it calls no_such_package.Net, and no_such_package is not installed" in first


def test_what_is_defined_beside_data_that_is_not_here_is_loaded() -> None:
    source = "rows = open('rows.csv').read()\nfirst = rows[0]\ndef f(): return 5\n"
    assert loaded(source) == 5


def test_what_is_defined_beside_a_training_that_goes_on_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conformance.programs.execution, "LONGEST", 0.1)
    assert loaded("def f(): return 5\nwhile True: pass\n") == 5


def test_a_module_that_misses_its_own_part_is_the_subjects_failure(here: Path) -> None:
    package(here, "import nets_of_test.plain.part\n")
    with pytest.raises(SubjectError, match=r"plain\.py\", line 1"):
        load("nets_of_test.plain:Network")


def test_an_import_that_calls_sys_exit() -> None:
    lines = failure("import sys\nsys.exit('done')\n")
    assert lines[0] == "subject.py calls sys.exit('done') when it is imported"
    assert lines[-2:] == ["    sys.exit('done')", "SystemExit: done"]


def test_an_attribute_that_raises_is_the_subjects_failure() -> None:
    lines = failure("def __getattr__(name):\n    raise RuntimeError(name)\n")
    assert "RuntimeError: Network" in lines[0]


def test_an_interrupt_is_not_the_subjects_failure() -> None:
    Path("subject.py").write_text("raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load("subject.py:Network")


def test_a_file_that_failed_is_not_left_in_sys_modules() -> None:
    failure("1 / 0\n")
    assert not [name for name in sys.modules if name.startswith("_subject_subject_")]


def test_stdout_is_back_after_a_failure(capfd: pytest.CaptureFixture[str]) -> None:
    failure("1 / 0\n")
    os.write(1, b"ours")
    assert capfd.readouterr().out == "ours"


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (Path, "Path"),
        (usage, "usage"),
        (Path.mkdir, "Path.mkdir"),
        (functools.partial(usage), "partial object"),
        (3, "int object"),
    ],
)
def test_a_thing_has_a_short_name(thing: object, name: str) -> None:
    assert describe(thing) == name


def test_what_is_none_of_pythons_files_is_told_from_a_name(tmp_path: Path) -> None:
    text = tmp_path / "test.txt"
    text.write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="is a folder: give"):
        find(str(tmp_path))
    with pytest.raises(UsageError, match=r"test.txt is no file of Python: give jax_impl"):
        find(str(text))
