"""What a line of a function could have read: names, functions, attributes, and expressions.

A variable of a loop is known within the loop alone. An expression that another line reads with such
a variable is one that this line could read with an index of its own.
"""

import ast
import builtins
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

from conformance.edits.edit import Slot
from conformance.edits.source_parts import (
    PARTS,
    attribute_names,
    attributes_of_object,
    counters,
    is_self,
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

OF_EXPRESSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True)
class Scope:
    """What a line could have read.

    Attributes:
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
        unread: those of the names that the function gives a value and does not read.
    """

    names: tuple[str, ...]
    counters: frozenset[str]
    rounds: frozenset[str]
    callees: tuple[str, ...]
    functions: tuple[ast.expr, ...]
    attributes: tuple[str, ...]
    held: tuple[str, ...]
    parts: tuple[ast.expr, ...]
    entries: tuple[ast.expr, ...]
    indices: tuple[ast.expr, ...]
    lengths: tuple[ast.expr, ...]
    strings: tuple[str, ...]
    slopes: tuple[ast.expr, ...]
    numpy: str = ""
    numbers: tuple[float, ...] = ()
    matrices: tuple[ast.expr, ...] = ()
    unread: tuple[str, ...] = ()


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
    """The names of a function, and where they are known."""

    def __init__(
        self, definition: ast.AST, tree: ast.Module, running: Sequence[ast.AST] = ()
    ) -> None:
        """Look at a function.

        Args:
            definition: the function.
            tree: its file.
            running: the functions of the file that run, which it may call as they do: others may
                write files.
        """
        inside, whole = list(ast.walk(definition)), list(ast.walk(tree))
        self.numpy, of_numpy = numpy_name(whole)
        parts = (part for each in running or (definition,) for part in ast.walk(each))
        calls = [each for each in parts if isinstance(each, ast.Call)]
        calls += (e for e in whole if isinstance(e, ast.Call) and of_numpy(e.func))
        found = [e.func for e in calls if len(e.args) == 1 and not (e.keywords or _is_builtin(e))]
        self.defined = of_one(tree)
        found += self.defined
        if self.numpy:
            found.append(ast.Attribute(ast.Name(self.numpy, ast.Load()), ROOT, ast.Load()))
        single = {ast.dump(each): each for each in found}
        every = (*(each.func for each in calls), *found)
        names = dict.fromkeys([*MEANS, *filter(None, map(last_name, every))])
        self.callees = tuple(each for each in names if not each.startswith("__"))
        self.functions = tuple(map(deepcopy, [*single.values()][:PARTS]))
        self.attributes = tuple(attribute_names(whole))
        names = {e.id: None for e in inside if isinstance(e, ast.Name)}
        names |= {e.arg: None for e in inside if isinstance(e, ast.arg)}
        modules = (e for each in whole if isinstance(each, ast.Import) for e in each.names)
        none = {*self.callees, "_", *(e.asname or e.name.split(".")[0] for e in modules)}
        self.names = tuple(each for each in names if each not in none)
        given = [e.arg for e in inside if isinstance(e, ast.arg) and e.arg not in ("self", "cls")]
        own = {e.attr: e for e in inside if isinstance(e, ast.Attribute) and is_self(e.value)}
        kept = [each for each in own.values() if isinstance(each.ctx, ast.Load)]
        arrays: list[ast.expr] = [ast.Name(each, ast.Load()) for each in given]
        arrays += kept[:PARTS_KEPT] if _asks_for_none(definition) else []
        self.lengths = tuple(_call("len", each) for each in arrays)  # such as m
        values = (e.value for e in whole if isinstance(e, ast.Constant))
        self.numbers = tuple(dict.fromkeys(e for e in values if type(e) is float))[:NUMBERS]
        loaded = (each for each in inside if isinstance(each, ast.Name))
        self.read = {each.id for each in loaded if isinstance(each.ctx, ast.Load)}
        self.spans, self.counters = _spans(definition), counters(definition)
        self.rounds = rounds(definition)
        self.slots = list(expressions(definition))
        held = [each.get() for each in self.slots]
        texts = (e.value for e in held if isinstance(e, ast.Constant) and isinstance(e.value, str))
        self.strings = tuple(dict.fromkeys(each for each in texts if len(each.split()) == 1))
        some = (e for e in held if isinstance(e, KINDS) and not is_self(e))
        some = (e for e in some if not isinstance(e, ast.Name) or e.id in self.names)
        read = {ast.dump(e): e for e in some if getattr(e, "id", "") not in self.counters}
        self.parts = tuple(map(deepcopy, read.values()))
        self.matrices = matrices(inside)
        self.held = attributes_of_object(definition, tree)
        self.lists = lists(inside, self.held)

        self.scopes: dict[int, Scope] = {}

    def scope(self, line: int) -> Scope:
        """What a line could have read."""
        if line not in self.scopes:
            self.scopes[line] = self._scope(line)
        return self.scopes[line]

    def _scope(self, line: int) -> Scope:
        unknown = {
            name for name, spans in self.spans.items() if not any(line in each for each in spans)
        }
        names = tuple(each for each in self.names if each not in unknown)
        none = {"self", "cls", *self.counters}
        own = (ast.Name(each, ast.Load()) for each in names if each not in none)
        parts = self._parts(line, unknown, own)
        indices = tuple(each for each in self._indices() if not _read(each) & unknown)
        entries = (each for each in self._entries(indices) if not _read(each) & unknown)
        slopes = tuple({ast.dump(each): each for each in self._slopes(parts)}.values())[:SLOPES]
        return Scope(
            names=names,
            counters=self.counters,
            rounds=self.rounds,
            callees=self.callees,
            functions=self.functions,
            attributes=self.attributes,
            held=tuple(each.attr for each in self.held),
            parts=parts,
            entries=tuple(entries)[:PARTS],
            indices=indices,
            lengths=self.lengths,
            strings=self.strings,
            slopes=slopes,
            numpy=self.numpy,
            numbers=self.numbers,
            matrices=tuple(each for each in self.matrices if not _read(each) & unknown),
            unread=tuple(each for each in names if each not in self.read),
        )

    def _slopes(self, parts: Sequence[ast.expr]) -> Iterator[ast.expr]:
        """Calls, f(v) of functions of the file, v(1 − v), 1 − v², 1 − v, v > 0 of each value v."""
        yield from (each for each in parts if isinstance(each, ast.Call))
        held = (e for e in parts if isinstance(e, ast.Attribute) and is_self(e.value))
        values = [*(e for e in parts if isinstance(e, ast.Name | ast.Subscript)), *held]
        for function in self.defined:
            yield from (ast.Call(function, [each], []) for each in values)
        for each in values:
            rest = ast.BinOp(ast.Constant(1), ast.Sub(), each)
            square = ast.BinOp(each, ast.Pow(), ast.Constant(2))
            yield ast.BinOp(each, ast.Mult(), rest)
            yield ast.BinOp(ast.Constant(1), ast.Sub(), square)
            yield rest
            yield ast.Compare(each, [ast.Gt()], [ast.Constant(0)])

    def _parts(
        self, line: int, unknown: set[str], names: Iterable[ast.expr]
    ) -> tuple[ast.expr, ...]:
        """The expressions, those of loops elsewhere with the indices of this line."""
        indices = self._indices(line)
        found: dict[str, ast.expr] = {}
        for part in (*self.parts, *names, *self.held, *self._entries(indices)):
            strange = _read(part) & unknown
            for each in [part] if not strange else _with_indices(part, strange, indices):
                found.setdefault(ast.dump(each), each)
        ordered = sorted(found.values(), key=lambda each: KINDS.index(type(each)))
        return tuple(ordered[:PARTS])

    def _indices(self, *lines: int) -> list[ast.expr]:
        """The indices on a line, or on all of the function, each once."""
        read = (each.get() for each in self.slots)
        some = (e for e in read if isinstance(e, ast.Subscript))
        own = (each.slice for each in some if each.lineno in lines or not lines)
        return [deepcopy(each) for each in {ast.dump(each): each for each in own}.values()]

    def _entries(self, indices: Iterable[ast.expr]) -> list[ast.expr]:
        single = [each for each in indices if not isinstance(each, ast.Slice)]
        return [ast.Subscript(e, each, ast.Load()) for e in self.lists for each in single]


def _asks_for_none(definition: ast.AST) -> bool:
    """Whether a function may be called with nothing beside its object."""
    if not isinstance(definition, ast.FunctionDef):
        return False
    taken = definition.args
    own = [e for e in (*taken.posonlyargs, *taken.args) if e.arg not in ("self", "cls")]
    return len(own) <= len(taken.defaults)


def _call(function: str, argument: ast.expr) -> ast.expr:
    return ast.Call(ast.Name(function, ast.Load()), [deepcopy(argument)], [])


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
