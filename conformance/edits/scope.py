"""What a line of a function could have read: names, functions, attributes, and expressions.

A variable of a loop is known within the loop alone. An expression that another line reads with such
a variable is one that this line could read with an index of its own.
"""

import ast
import builtins
from collections.abc import Iterable, Iterator, Sequence
from copy import copy, deepcopy
from itertools import chain

from conformance.edits.edit import Slot, expression, is_self
from conformance.edits.source_parts import (
    PARTS,
    attribute_names,
    attributes_of_object,
    counters,
    last_name,
    lists,
    matrices,
    numpy_name,
    of_one,
    rounds,
)

SLOPES = 150

NUMBERS = 12

PARTS_KEPT = 4
"""Attributes of its object that a function reads, of whose lengths it may need one."""

KINDS = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.BinOp)
"""What may be lacking, the first kinds first."""

MEANS = ("ones", "zeros", "sum", "mean")  # which a file need not call to mean

ROOT = "sqrt"  # likewise: Adam and RMSProp without it call none

OF_SLOPES = ("X * (1 - X)", "1 - X ** 2", "1 - X", "X > 0")

OF_EXPRESSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def expressions(tree: ast.AST) -> Iterator[Slot]:
    """The places of a function that hold expressions which it evaluates."""
    for parent in ast.walk(tree):
        for field, held in ast.iter_fields(parent):
            if field in ("decorator_list", "annotation", "returns", "defaults", "kw_defaults"):
                continue
            places = enumerate(held) if isinstance(held, list) else ((None, held),)
            for place, each in places:
                if isinstance(each, ast.expr) and not _is_stored(each):
                    yield Slot(parent, field, place)


def _is_stored(part: ast.expr) -> bool:
    return isinstance(getattr(part, "ctx", None), ast.Store | ast.Del)


class Names:
    """What a line of a function could have read.

    Attributes:
        slots: the places of its expressions.
        stored: the entries that it gives a value.
        names: of variables.
        counters: those of them that only count.
        rounds: those with which loops over whole numbers count.
        callees: names that are called by what runs, or are of functions that only compute.
        functions: those that are called with one argument, or take one.
        attributes: names of attributes, and of fields of records, that its file has.
        held: names of those that its object has.
        parts: expressions of the function around it.
        entries: what its lists have at the indices that other lines take.
        indices: those, where they are known.
        lengths: of what the function is given; if it may be nothing, of what its object has.
        strings: keys, and parts of keys, that the function has.
        slopes: what derivatives of activations look like, of values of the function: calls that
            other lines have of its own, and the usual ones.
        numpy: the name by which the file knows NumPy; empty if it has none.
        numbers: those of its file that are no whole numbers, such as the slope of a leaky ReLU.
        matrices: operands of products of matrices that the function has, and their transposes.
        unread: those of the names that the function gives a value and does not read, unless loops
            count with them.
    """

    entries: tuple[ast.expr, ...] = ()
    indices: tuple[ast.expr, ...] = ()
    slopes: tuple[ast.expr, ...] = ()

    def __init__(
        self, definition: ast.AST, tree: ast.Module, running: Sequence[ast.AST] = ()
    ) -> None:
        """Look at a function, whatever line of it reads.

        Args:
            definition: the function.
            tree: its file.
            running: the functions of the file that run, which it may call as they do: others may
                write files.
        """
        inside, whole = list(ast.walk(definition)), list(ast.walk(tree))
        self._look_at_file(whole, tree, running or (definition,))
        names = {e.id: None for e in inside if isinstance(e, ast.Name)}
        names |= {e.arg: None for e in inside if isinstance(e, ast.arg)}
        modules = (e for each in whole if isinstance(each, ast.Import) for e in each.names)
        none = {*self.callees, "_", *(e.asname or e.name.split(".")[0] for e in modules)}
        self.names = tuple(each for each in names if each not in none)
        self.lengths = tuple(_lengths(definition, inside))
        loaded = (each for each in inside if isinstance(each, ast.Name))
        read = {each.id for each in loaded if isinstance(each.ctx, ast.Load)}
        self.counters, self.rounds = counters(definition), rounds(definition)
        own = _own_names(definition, inside, script=getattr(definition, "body", None) is tree.body)
        self.unread = tuple(e for e in self.names if e in own and e not in read | self.rounds)
        self.slots = list(expressions(definition))
        self.stored = [e for e in inside if isinstance(e, ast.Subscript) and _is_stored(e)]
        held = [each.get() for each in self.slots]
        texts = (e.value for e in held if isinstance(e, ast.Constant) and isinstance(e.value, str))
        self.strings = tuple(dict.fromkeys(each for each in texts if len(each.split()) == 1))
        some = (e for e in held if isinstance(e, KINDS) and not is_self(e))
        some = (e for e in some if not isinstance(e, ast.Name) or e.id in self.names)
        parts = {ast.dump(e): e for e in some if getattr(e, "id", "") not in self.counters}
        self.parts: tuple[ast.expr, ...] = tuple(map(deepcopy, parts.values()))
        self.matrices = matrices(inside)
        self.spans, self.held = _spans(definition), attributes_of_object(definition, tree)
        self.own = [expression(f"self.{each}") for each in self.held]
        self.lists = lists(inside, self.own)
        self.scopes: dict[int, Names] = {}

    def _look_at_file(
        self, whole: Sequence[ast.AST], tree: ast.Module, running: Sequence[ast.AST]
    ) -> None:
        self.numpy, of_numpy = numpy_name(whole)
        parts = (part for each in running for part in ast.walk(each))
        calls = [each for each in parts if isinstance(each, ast.Call)]
        calls += (e for e in whole if isinstance(e, ast.Call) and of_numpy(e.func))
        found = [e.func for e in calls if len(e.args) == 1 and not (e.keywords or _is_builtin(e))]
        self.defined = of_one(tree)
        found += self.defined
        if self.numpy:
            found.append(expression(f"{self.numpy}.{ROOT}"))
        single = {ast.dump(each): each for each in found}
        every = (*(each.func for each in calls), *found)
        names = dict.fromkeys([*MEANS, *filter(None, map(last_name, every))])
        self.callees = tuple(each for each in names if not each.startswith("__"))
        self.functions = tuple(map(deepcopy, [*single.values()][:PARTS]))
        self.attributes = tuple(attribute_names(whole))
        values = (e.value for e in whole if isinstance(e, ast.Constant))
        self.numbers = tuple(dict.fromkeys(e for e in values if type(e) is float))[:NUMBERS]

    def scope(self, line: int) -> "Names":
        """What one line could have read."""
        if line not in self.scopes:
            self.scopes[line] = self._scope(line)
        return self.scopes[line]

    def _scope(self, line: int) -> "Names":
        unknown = {
            name for name, spans in self.spans.items() if not any(line in each for each in spans)
        }

        def known(parts: Iterable[ast.expr]) -> tuple[ast.expr, ...]:
            return tuple(each for each in parts if not _read(each) & unknown)

        here = copy(self)
        here.names = tuple(each for each in self.names if each not in unknown)
        none = {"self", "cls", *self.counters}
        own = (ast.Name(each, ast.Load()) for each in here.names if each not in none)
        here.parts = self._parts(line, unknown, own)
        here.indices = known(self._indices())
        here.entries = known(self._entries(here.indices))[:PARTS]
        slopes = {ast.dump(each): each for each in self._slopes(here.parts)}
        here.slopes = tuple(slopes.values())[:SLOPES]
        here.matrices = known(self.matrices)
        here.unread = tuple(each for each in self.unread if each not in unknown)
        return here

    def _slopes(self, parts: Sequence[ast.expr]) -> Iterator[ast.expr]:
        """Calls, f(v) of functions of the file, v(1 − v), 1 − v², 1 − v, v > 0 of each value v."""
        yield from (each for each in parts if isinstance(each, ast.Call))
        held = (e for e in parts if isinstance(e, ast.Attribute) and is_self(e.value))
        values = [*(e for e in parts if isinstance(e, ast.Name | ast.Subscript)), *held]
        for function in self.defined:
            yield from (ast.Call(function, [each], []) for each in values)
        for each in values:
            yield from (expression(text, X=each) for text in OF_SLOPES)

    def _parts(
        self, line: int, unknown: set[str], names: Iterable[ast.expr]
    ) -> tuple[ast.expr, ...]:
        """The expressions, those of loops elsewhere with the indices of this line."""
        indices = self._indices(line)
        found: dict[str, ast.expr] = {}
        for part in (*self.parts, *names, *self.own, *self._entries(indices)):
            strange = _read(part) & unknown
            for each in [part] if not strange else _with_indices(part, strange, indices):
                found.setdefault(ast.dump(each), each)
        ordered = sorted(found.values(), key=lambda each: KINDS.index(type(each)))
        return tuple(ordered[:PARTS])

    def _indices(self, *lines: int) -> list[ast.expr]:
        """The indices on a line, or on all of the function, each once; of what is stored last.

        First those of loops, which do for all their rounds.
        """
        read = (each.get() for each in self.slots)
        some = chain((e for e in read if isinstance(e, ast.Subscript)), self.stored)
        own = (each.slice for each in some if each.lineno in lines or not lines)
        found = [deepcopy(each) for each in {ast.dump(each): each for each in own}.values()]
        return sorted(found, key=lambda each: not _read(each))

    def _entries(self, indices: Iterable[ast.expr]) -> list[ast.expr]:
        single = [each for each in indices if not isinstance(each, ast.Slice)]
        return [ast.Subscript(e, each, ast.Load()) for e in self.lists for each in single]


def _own_names(definition: ast.AST, inside: Sequence[ast.AST], *, script: bool) -> set[str]:
    """The names that a function is given or gives a value, but for those of classes in it.

    Args:
        definition: of the function.
        inside: all its parts.
        script: whether it stands for what is outside of all functions.
    """
    apart = (ast.ClassDef, ast.FunctionDef) if script else (ast.ClassDef,)
    others = [e for e in inside if isinstance(e, apart) and e is not definition]
    held = {id(part) for each in others for part in ast.walk(each)}
    own = [each for each in inside if id(each) not in held]
    stored = {e.id for e in own if isinstance(e, ast.Name) and isinstance(e.ctx, ast.Store)}
    return stored | {each.arg for each in own if isinstance(each, ast.arg)}


def _lengths(definition: ast.AST, inside: Sequence[ast.AST]) -> Iterator[ast.expr]:
    """The lengths of what a function is given, such as m, or of what its object has."""
    given = [e.arg for e in inside if isinstance(e, ast.arg) and e.arg not in ("self", "cls")]
    own = {e.attr: e for e in inside if isinstance(e, ast.Attribute) and is_self(e.value)}
    kept = [each for each in own.values() if isinstance(each.ctx, ast.Load)]
    arrays: list[ast.expr] = [ast.Name(each, ast.Load()) for each in given]
    for each in (*arrays, *(kept[:PARTS_KEPT] if _asks_for_none(definition) else ())):
        yield expression("len(X)", X=deepcopy(each))


def _asks_for_none(definition: ast.AST) -> bool:
    """Whether a function may be called with nothing beside its object."""
    if not isinstance(definition, ast.FunctionDef):
        return False
    taken = definition.args
    own = [e for e in (*taken.posonlyargs, *taken.args) if e.arg not in ("self", "cls")]
    return len(own) <= len(taken.defaults)


def _is_builtin(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and hasattr(builtins, call.func.id)


def _read(part: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(part) if isinstance(each, ast.Name)}


def _with_indices(
    part: ast.expr, strange: set[str], indices: Iterable[ast.expr]
) -> Iterator[ast.expr]:
    """An expression with other indices in the place of variables that are not known here."""
    for index in indices:
        new = deepcopy(part)
        for slot in list(expressions(ast.Expr(new))):
            each = slot.get()
            if isinstance(each, ast.Subscript) and _read(each.slice) & strange:
                each.slice = deepcopy(index)
        if not _read(new) & strange:
            yield new


def _spans(definition: ast.AST) -> dict[str, list[range]]:
    """The lines on which the variables of loops are known, that no other statement assigns to."""
    found: dict[str, list[range]] = {}
    others = {e.arg for e in ast.walk(definition) if isinstance(e, ast.arg)}
    loops = set[ast.AST]()
    for each in ast.walk(definition):
        if not isinstance(each, ast.For | OF_EXPRESSIONS):
            continue
        targets = (
            [each.target] if isinstance(each, ast.For) else [e.target for e in each.generators]
        )
        named = (e for target in targets for e in ast.walk(target))
        for name in (e for e in named if isinstance(e, ast.Name)):
            found.setdefault(name.id, []).append(range(each.lineno, (each.end_lineno or 0) + 1))
            loops.add(name)
    stored = (e for e in ast.walk(definition) if isinstance(e, ast.Name) and e not in loops)
    others |= {each.id for each in stored if isinstance(each.ctx, ast.Store)}
    return {name: spans for name, spans in found.items() if name not in others}
