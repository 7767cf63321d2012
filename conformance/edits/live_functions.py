"""The functions of a program as they run, each with its source, whose code can be changed.

A change is compiled, and its code put into the functions that were made of the old one; nothing
of the program is executed for it. Functions within functions are a part of the outermost one. What
modules and classes hold is put back after a trial. Left out: which changes there are.
"""

import ast
import gc
import linecache
import sys
from collections.abc import Callable, Collection, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import CodeType, FrameType, FunctionType, ModuleType
from typing import Any

import reference
from conformance.edits.edit import Edit, located
from conformance.tracing.frames import is_installed, is_subject
from conformance.tracing.line_tracer import traced_by

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

OURS = str(Path(reference.__file__).parent)


@dataclass(frozen=True)
class LiveFunction:
    """A function of a program's source, and what was made of it.

    Attributes:
        file: of its source.
        name: of the function.
        definition: its source, a part of the tree.
        tree: the whole source of the file.
        around: the name of the class that it is defined in; empty if in none.
        made: the functions that run it.
        ran: the lines of it that were run.
        callers: the lines, each with its file, that call it.
    """

    file: str
    name: str
    definition: Definition
    tree: ast.Module
    around: str
    made: tuple[FunctionType, ...]
    ran: frozenset[int]
    callers: frozenset[tuple[str, int]]

    @property
    def places(self) -> set[tuple[str, int]]:
        """The lines of it that were run, each with the file."""
        return {(self.file, line) for line in self.ran}

    def has(self, place: tuple[str, int]) -> bool:
        """Whether a line of a file is one of it, run or not."""
        end = self.definition.end_lineno or 0
        return place[0] == self.file and self.definition.lineno <= place[1] <= end

    def without(self, lines: Container[tuple[str, int]]) -> "LiveFunction":
        """The same, as if some lines, each with its file, were not run."""
        return replace(self, ran=frozenset(e for e in self.ran if (self.file, e) not in lines))

    @contextmanager
    def changed(self, edit: Edit) -> Iterator[None]:
        """The program with a change of this function, to the end of the block.

        Raises:
            SyntaxError: what is changed is no program.
            ValueError: it needs variables of functions around it that it has not.
        """
        with edit.made():
            code = compiled(self.definition, self.around, self.file)
        before = [each.__code__ for each in self.made]
        try:
            for each in self.made:
                each.__code__ = code
            yield
        finally:
            for each, old in zip(self.made, before, strict=True):
                each.__code__ = old


def compiled(definition: Definition, around: str, file: str) -> CodeType:
    """The code of a function, as its definition is now.

    Args:
        definition: its source.
        around: the name of the class that it is defined in; empty if in none.
        file: that it is in.

    Raises:
        SyntaxError: it is no program.
    """
    if isinstance(definition, ast.Lambda):
        body: list[ast.stmt] = [located(ast.Expr(definition), definition)]
    else:
        body = [_undecorated(definition)]
    if around:  # whose name is a part of private names
        body = [located(ast.ClassDef(around, [], [], body, []), definition)]
    code = compile(ast.Module(body, []), file, "exec")
    for _ in range(2 if around else 1):
        code = next(each for each in code.co_consts if isinstance(each, CodeType))
    return code


def is_program(file: str) -> bool:
    """Whether a file is a program's: not of the reference, with which it is compared."""
    return is_subject(file) and not file.startswith(OURS)


def live_functions(
    run: Callable[[], object], is_its: Callable[[str], bool] = is_program
) -> tuple[LiveFunction, ...]:
    """The functions of a program that a run calls, as far as their source is known.

    Args:
        run: calls them.
        is_its: whether a file is one of the program's.
    """
    ran = runs_of(run, is_its)
    files = {each.co_filename for each in ran}
    by_code = {code: list[FunctionType]() for code in ran}
    every = (each for each in gc.get_objects() if type(each) is FunctionType)
    for each in {id(e): e for e in (*every, *_held(files))}.values():
        if each.__code__ in by_code:
            by_code[each.__code__].append(each)
    found = list[LiveFunction]()
    for file in sorted(files):
        found += _of_file(file, by_code, ran)
    return tuple(found)


def _held(files: Collection[str]) -> Iterator[FunctionType]:
    """The functions of the modules of some files, which the collector may not look through."""
    for space in namespaces(files):
        for each in vars(space).values():
            inner = getattr(each, "__wrapped__", getattr(each, "__func__", each))
            if isinstance(inner, FunctionType):
                yield inner


@dataclass
class RunLines:
    """The lines of a code that were run, and those that call it, each with its file."""

    lines: set[int] = field(default_factory=set)
    callers: set[tuple[str, int]] = field(default_factory=set)


def runs_of(run: Callable[[], object], is_its: Callable[[str], bool]) -> dict[CodeType, RunLines]:
    """What a run comes to of a program, by the code.

    What is installed is none of it, where other code is.
    """
    found: dict[CodeType, RunLines] = {}
    entered: FrameType | None = None

    def trace(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        nonlocal entered
        if not is_its(frame.f_code.co_filename):
            return None
        ran = found.setdefault(frame.f_code, RunLines())
        is_first = event == "line" and entered is frame  # a generator that is closed runs no line
        entered = frame if event == "call" else None
        if event == "line":
            ran.lines.add(frame.f_lineno)
        if is_first:
            back = frame.f_back
            while back and not is_its(back.f_code.co_filename):
                back = back.f_back
            ran.callers |= {(back.f_code.co_filename, back.f_lineno)} if back else set()
        return trace

    with traced_by(trace):
        run()
    return {code: found[code] for code in found if not is_installed(code.co_filename)} or found


def _of_file(
    file: str, made: dict[CodeType, list[FunctionType]], ran: dict[CodeType, RunLines]
) -> Iterator[LiveFunction]:
    lines = {e for code, each in ran.items() if code.co_filename == file for e in each.lines}
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:  # it is no Python source
        return
    for definition, around in outermost(tree, ""):
        span = range(definition.lineno, (definition.end_lineno or 0) + 1)
        name = "<lambda>" if isinstance(definition, ast.Lambda) else definition.name
        decorated = [] if isinstance(definition, ast.Lambda) else definition.decorator_list
        first = min([definition.lineno, *(each.lineno for each in decorated)])
        at = file, name, first
        codes = [e for e in made if (e.co_filename, e.co_name, e.co_firstlineno) == at]
        codes = [e for e in codes if _has_body(e, definition)]
        own = tuple(function for code in codes for function in made[code])
        if own:
            callers = frozenset(each for code in codes for each in ran[code].callers)
            known = frozenset(lines.intersection(span)), callers
            yield LiveFunction(file, name, definition, tree, around, own, *known)


def _has_body(code: CodeType, definition: Definition) -> bool:
    """Whether a code may be that of a definition: on one line there may be several lambdas."""
    if not isinstance(definition, ast.Lambda):
        return True
    body = definition.body
    place = body.lineno, body.end_lineno, body.col_offset, body.end_col_offset
    return place in {*code.co_positions()}


def _undecorated(definition: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
    """The function alone, with the same body, which may be changed."""
    fields = {name: getattr(definition, name) for name in definition._fields}
    made = type(definition)(**{**fields, "decorator_list": []})
    return ast.copy_location(made, definition)


def outermost(tree: ast.AST, around: str) -> Iterator[tuple[Definition, str]]:
    """The functions that are in no other, each with the name of the class around it."""
    for each in ast.iter_child_nodes(tree):
        if isinstance(each, Definition):
            yield each, around
        else:
            yield from outermost(each, each.name if isinstance(each, ast.ClassDef) else around)


def namespaces(files: Collection[str]) -> list[ModuleType | type]:
    """The modules of some files, and the classes that these define, each once."""
    found = dict[int, ModuleType | type]()
    for module in list(sys.modules.values()):
        if getattr(module, "__file__", None) in files:
            waiting: list[ModuleType | type] = [module]
            for each in waiting:
                if id(each) not in found:
                    found[id(each)] = each
                    held = (e for e in vars(each).values() if isinstance(e, type))
                    waiting += [e for e in held if e.__module__ == module.__name__]
    return list(found.values())


class Kept:
    """What the modules and classes of some files held, to be put back after each trial."""

    def __init__(self, files: Collection[str]) -> None:
        """Remember it."""
        self.before = [(each, dict(vars(each))) for each in namespaces(files)]

    def put_back(self) -> None:
        """Give every name its value again, and take those away that were added."""
        for space, held in self.before:
            _restore(space, held)


def _restore(space: ModuleType | type, held: dict[str, object]) -> None:
    kind = type if isinstance(space, type) else ModuleType  # whatever a metaclass does
    now = vars(space)
    for name in [each for each in now if each not in held]:
        kind.__delattr__(space, name)
    for name, value in held.items():
        if now.get(name, _restore) is not value:
            kind.__setattr__(space, name, value)
