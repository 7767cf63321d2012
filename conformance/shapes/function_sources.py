"""What the source of a function tells: what it returns, part by part, and what it takes apart.

Left out: which functions there are (`definitions.py`).
"""

import ast
from collections.abc import Iterator, Sequence
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

from conformance.backward.syntax import base, tree
from conformance.programs.vocabulary import bare, is_gradient, kinds_of, names_gradients, stem


def leaves_out_label(function: Any) -> bool:
    """Whether a function takes a row of a table, and uses all of it but its end: `row[:-1]`."""
    code, parts = getattr(function, "__code__", None), source_parts(function)
    slices = {ast.unparse(each) for each in parts if isinstance(each, ast.Subscript)}
    taken = () if code is None else code.co_varnames[: code.co_argcount]
    return any(f"{name}[:-1]" in slices for name in taken if "row" in kinds_of(name))


def taken_apart(function: Any) -> dict[str, tuple[str, ...]]:
    """The names that a function gives the parts of each element of an argument, by the argument.

    Such are `for u, i, r in data` and `(x, y), rest = data[0], data[1:]`, also where it hands the
    argument on to another function of its file.
    """
    plain = getattr(function, "__func__", function)
    return _taken_apart(plain, ()) if isinstance(plain, FunctionType) else {}


@lru_cache(maxsize=512)
def _taken_apart(
    function: FunctionType, within: tuple[FunctionType, ...]
) -> dict[str, tuple[str, ...]]:
    code, found = function.__code__, dict[str, tuple[str, ...]]()
    taken = code.co_varnames[: code.co_argcount]
    for pairs, called, handed in _parts_of_elements(code):
        inner = list[tuple[str, tuple[str, ...]]]()
        other = function.__globals__.get(called)
        if isinstance(other, FunctionType) and other not in (*within, function):
            inside = _taken_apart(other, (*within, function))
            given = zip(other.__code__.co_varnames, handed, strict=False)
            inner = [(of, inside.get(name, ())) for name, of in given]
        for of, names in (*pairs, *inner):
            if names and of in taken:
                found.setdefault(of, names)
    return found


@lru_cache(maxsize=512)
def _parts_of_elements(
    code: CodeType,
) -> tuple[tuple[list[tuple[str, tuple[str, ...]]], str, list[str]], ...]:
    """What a function unpacks, with the names of the parts, and what it hands on to which other.

    The functions of a file are made again for each of its runs, of the same code.
    """
    module = tree(code.co_filename)
    definition = module and _definition(module, code.co_name, code.co_firstlineno)
    found = []
    for each in ast.walk(definition) if definition else ():
        elements = [(e, of) for e, of in unpacked(each) if isinstance(of, ast.Name)]
        pairs = [(of.id, tuple(map(ast.unparse, _elements(e)))) for e, of in elements]
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name):
            found.append((pairs, each.func.id, [getattr(e, "id", "") for e in each.args]))
        elif pairs:
            found.append((pairs, "", []))
    return tuple(found)


def unpacked(part: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What the elements of values are unpacked to in a loop, or where one is assigned."""
    if isinstance(part, ast.For | ast.comprehension):
        yield from _in_loop(part.target, part.iter)
    elif isinstance(part, ast.Assign):
        targets, values = map(_elements, (part.targets[0], part.value))
        whole = zip(targets, values, strict=False) if values else [(part.targets[0], part.value)]
        for target, value in whole:
            if isinstance(value, ast.Subscript) and not isinstance(value.slice, ast.Slice):
                yield target, value.value


def _in_loop(target: ast.expr, of: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What each element of a value is unpacked to in a loop through it, numbered or beside others.

    What is put together there, as by `zip`, is not one.
    """
    if isinstance(of, ast.Name | ast.Attribute):
        yield target, of
    elif isinstance(of, ast.Call) and isinstance(target, ast.Tuple):
        name = getattr(of.func, "id", "")
        parts = {"zip": target.elts, "enumerate": target.elts[1:]}.get(name, [])
        for part, value in zip(parts, of.args, strict=False):
            yield from _in_loop(part, value)


AXIS = ("axis", "keepdims", "dim", "keepdim")
REDUCTIONS = {"sum", "mean", "var", "std", "max", "min", "amax", "amin", "norm"}


def names_axis(function: Any) -> bool:
    """Whether a function sums, or the like, along an axis that it names: of one vector none is."""
    calls = [e for e in source_parts(function) if isinstance(e, ast.Call)]
    summing = [e for e in calls if getattr(e.func, "attr", "") in REDUCTIONS]
    placed = any(len(each.args) > _arrays_given(each) for each in summing)
    return placed or any(each.arg in AXIS for e in summing for each in e.keywords)


def _arrays_given(call: ast.Call) -> int:
    """How many arrays a reduction is given: `np.sum(x, 0)` is given one, `x.sum(0)` none."""
    module = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value)
    return int(module in ("np", "numpy", "torch", "jnp"))


def returned_names(function: Any) -> tuple[str, ...]:
    """What the last `return` of a function names, part by part: `return Z, A` gives Z and A."""
    last = _last_return(function)
    return () if last is None else tuple(map(_name, _elements(last) or [last]))


@lru_cache(maxsize=512)
def gives_outputs(function: FunctionType) -> bool:
    """Whether what a function returns beside its loss is made of no targets, as probabilities are.

    What has the name of a gradient is one, and what is made of inputs, too.
    """
    last = _last_return(function)
    parts = [] if last is None else _elements(last)
    beside = parts[1:]
    if not beside or any(isinstance(e, ast.Name) and names_gradients(e.id) for e in beside):
        return False
    code = function.__code__
    taken = {e: {*kinds_of(e)} for e in code.co_varnames[: code.co_argcount]}
    data = {e for e, kinds in taken.items() if kinds & {"inputs", "targets"}}
    return data.isdisjoint(_made_of(function, beside)) and any(
        "targets" in taken.get(e, ()) for e in _made_of(function, parts[:1])
    )


def _made_of(function: FunctionType, values: Sequence[ast.AST]) -> set[str]:
    """The names of the variables of which a function computes some values, at whatever line."""
    kinds = ast.Assign | ast.AugAssign | ast.For
    made = [each for each in source_parts(function) if isinstance(each, kinds)]
    found, waiting = set[str](), [*values]
    while waiting:
        names = {e.id for e in ast.walk(waiting.pop()) if isinstance(e, ast.Name)} - found
        found |= names
        waiting += [each for each in made if not names.isdisjoint(_begun(each))]
    return found


def _begun(made: ast.Assign | ast.AugAssign | ast.For) -> set[str]:
    """The names of the variables that a statement gives a value, or a part of one."""
    targets = made.targets if isinstance(made, ast.Assign) else [made.target]
    parts = (part for each in targets for part in _elements(each) or [each])
    return {base(ast.unparse(each)).lstrip("*") for each in parts}


def stored_names(function: Any) -> tuple[str, ...]:
    """The attributes of its object to which a method assigns."""
    code = getattr(function, "__code__", None)
    whole = "" if code is None else next(iter(code.co_varnames), "")
    return tuple(
        each.attr
        for each in source_parts(function)
        if isinstance(each, ast.Attribute)
        and isinstance(each.ctx, ast.Store)
        and ast.unparse(each.value) == whole
    )


def compared_with(of: Any, name: str) -> list[str]:
    """The words that a function, or a class in its methods, compares an argument with."""
    return [
        word.value
        for function in (vars(of).values() if isinstance(of, type) else [of])
        for each in source_parts(function)
        if isinstance(each, ast.Compare) and ast.unparse(each.left).rpartition(".")[2] == name
        for word in each.comparators
        if isinstance(word, ast.Constant) and isinstance(word.value, str)
    ]


def returned_parts(function: Any, result: Any) -> list[tuple[str, Any]]:
    """What a function returned, part by part, within tuples too, each with what `return` names.

    So are the gradients that a method puts into a tuple or a list: `self.g = (dW, db)`.
    """
    kept = [each for each in _kept_parts(function) if stem(each[0]) != bare(each[0])]
    return [*_parts(_last_return(function), result, "returned"), *kept]


def _kept_parts(function: Any) -> Iterator[tuple[str, Any]]:
    """What a method put into tuples and lists of its object, part by part, each with its name."""
    whole = getattr(function, "__self__", None)
    definition = None if whole is None else definition_of(function)
    for value, name in () if definition is None else _kept_in(definition):
        yield from _parts(value, getattr(whole, name, None), name)


@lru_cache(maxsize=512)
def _kept_in(definition: ast.FunctionDef) -> tuple[tuple[ast.expr, str], ...]:
    """The tuples and lists that a method gives attributes, each with the name of one."""
    return tuple(
        (each.value, target.attr)
        for each in ast.walk(definition)
        if isinstance(each, ast.Assign) and _elements(each.value)
        for target in each.targets
        if isinstance(target, ast.Attribute)
    )


def _parts(written: ast.expr | None, value: Any, path: str) -> Iterator[tuple[str, Any]]:
    parts = list(value) if isinstance(value, tuple | list) else [value]
    elements: Sequence[ast.expr | None] = _elements(written) or [written]
    if len(elements) != len(parts):
        elements = [None] * len(parts)
    for i, (element, part) in enumerate(zip(elements, parts, strict=True)):
        if isinstance(part, tuple | list) and len(_elements(element)) == len(part):
            yield from _parts(element, part, path)
        elif element is not None:
            yield _name(element), part
        else:
            yield (f"{path}[{i}]" if len(parts) > 1 else path), part


def returned_keys(function: Any, *, kept: bool = False) -> set[str]:
    """The keys of a dict that a function returns under which a gradient may be, as it is written.

    Args:
        function: it.
        kept: whether the others are asked for, as in `{"w": w, "b": b - lr * db, "h": hidden}`:
            what is a variable of another name, or has its own name as a term.
    """
    last = _last_return(function)
    inside = () if last is None else (e for e in ast.walk(last) if isinstance(e, ast.Dict))
    pairs = (e for each in inside for e in zip(each.keys, each.values, strict=True))
    return {
        str(key.value)
        for key, value in pairs
        if isinstance(key, ast.Constant)
        and kept
        is (
            (isinstance(value, ast.Name) and not is_gradient(value.id))
            or any(_is_named(each, key.value) for each in _terms(value))
        )
    }


def _terms(written: ast.expr) -> Iterator[ast.expr]:
    """The terms of a sum or a difference."""
    if isinstance(written, ast.BinOp) and isinstance(written.op, ast.Add | ast.Sub):
        yield from _terms(written.left)
        yield from _terms(written.right)
    else:
        yield written


def _is_named(written: ast.expr, name: object) -> bool:
    """Whether it is a variable, an attribute or an item of a name."""
    match written:
        case ast.Name(id=own) | ast.Attribute(attr=own) | ast.Subscript(slice=ast.Constant(own)):
            return bool(own == name)
    return False


def _elements(written: ast.expr | None) -> list[ast.expr]:
    return written.elts if isinstance(written, ast.Tuple | ast.List) else []


def _last_return(function: Any) -> ast.expr | None:
    definition = definition_of(function)
    return None if definition is None else _returned_in(definition)


@lru_cache(maxsize=512)
def _returned_in(definition: ast.FunctionDef) -> ast.expr | None:
    inside = [*ast.walk(definition)]
    nested = (each for each in inside[1:] if isinstance(each, ast.FunctionDef))
    inner = {id(e) for each in nested for e in ast.walk(each)}
    found = [e for e in inside if isinstance(e, ast.Return) and id(e) not in inner]
    found.sort(key=lambda each: each.lineno)  # those within an `if` come last in a walk
    return next((e.value for e in reversed(found) if e.value is not None), None)


@lru_cache(maxsize=512)
def _name(value: ast.expr) -> str:
    """What is returned, in a word: `dW`, also of `dW / m`."""
    if isinstance(value, ast.Attribute):
        return value.attr.lstrip("_")
    scaled = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult | ast.Div)
    names = {e.id for e in ast.walk(value) if isinstance(e, ast.Name) and names_gradients(e.id)}
    return names.pop() if scaled and len(names) == 1 else ast.unparse(value)


def beside_names(function: Any) -> list[str]:
    """What a function names after the loss that it returns: `return loss, (da, db)` gives two."""
    names = returned_names(function)[1:]
    return [e.strip() for each in names for e in each.strip("()").split(",")]


def returned_functions(function: FunctionType) -> list[str]:
    """The functions within a function that it returns, by their names, alone or with more."""
    definition = definition_of(function)
    body = [] if definition is None else definition.body
    inner = {each.name for each in body if isinstance(each, ast.FunctionDef)}
    last = body[-1].value if body and isinstance(body[-1], ast.Return) else None
    keys = last.keys if isinstance(last, ast.Dict) else ()
    named = [each.value for each in keys if isinstance(each, ast.Constant)]
    return [e for e in (*returned_names(function), *map(str, named)) if e in inner]


def definition_of(function: Any) -> ast.FunctionDef | None:
    """The definition of a function; None if it is not known."""
    code: Any = getattr(function, "__code__", None)
    module = None if code is None else tree(code.co_filename)
    return None if module is None else _definition(module, code.co_name, code.co_firstlineno)


def source_parts(function: Any) -> list[ast.AST]:
    """The nodes of the definition of a function; none if it is not known."""
    definition = definition_of(function)
    return [] if definition is None else [*ast.walk(definition)]


def moves_what_is_held(function: Any) -> bool:
    """Whether a function, or one of its file that it calls, changes what is held by what it was."""
    code = getattr(function, "__code__", None)
    whole = tree(code.co_filename) if code else None
    definitions = [e for e in ast.walk(whole or ast.Pass()) if isinstance(e, ast.FunctionDef)]
    found, new = set[str](), {code.co_name} if code else set[str]()
    while new:
        found |= new
        parts = [e for each in definitions if each.name in new for e in ast.walk(each)]
        if any(map(_moves, parts)):
            return True
        called = (each.func for each in parts if isinstance(each, ast.Call))
        new = {getattr(e, "attr", getattr(e, "id", "")) for e in called} - found
    return False


def _moves(part: ast.AST) -> bool:
    match part:
        case ast.AugAssign(target=ast.Attribute() | ast.Subscript()):
            return True
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript() as target], value=value):
            return ast.unparse(target) in ast.unparse(value)
    return False


@lru_cache(maxsize=512)
def _definition(module: ast.Module, name: str, line: int) -> ast.FunctionDef | None:
    for each in ast.walk(module):
        if isinstance(each, ast.FunctionDef) and each.name == name:
            first = min([each.lineno, *(e.lineno for e in each.decorator_list)])
            if first <= line <= each.lineno:
                return each
    return None
