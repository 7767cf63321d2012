"""Whether a change of a line is right by chance: by what a name holds that it reads, or no longer.

`mu / n / Z` is `0.5 * mu / n` as long as Z is 2. So a script with another number for such a name
has to be right with the change, too. Left out: which changes there are (`edits`).
"""

import ast
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from copy import deepcopy

from conformance.edits.computing import last_name

MORE = 1.25  # times as much, of what is no whole number


def is_by_chance(
    before: ast.Module, after: ast.Module, is_wrong: Callable[[ast.Module], bool]
) -> bool:
    """Whether a script with a change is wrong once a number is another that the change is about.

    Args:
        before: the script without the change.
        after: the script with it.
        is_wrong: whether a script is, as far as it can be judged.
    """
    one, other = Counter(_statements(before)), Counter(_statements(after))
    changed = [ast.parse(each) for each in (*(one - other), *(other - one))]
    again = _with_others(after, {name for each in changed for name in _read(each)})
    return again is not None and is_wrong(again)


def _statements(tree: ast.AST) -> Iterator[str]:
    """The sources of all statements that have no others in them."""
    for each in ast.walk(tree):
        if isinstance(each, ast.stmt) and not hasattr(each, "body"):
            yield ast.unparse(each)


def _read(tree: ast.AST) -> Iterator[str]:
    """The names that are read, and those of attributes."""
    for each in ast.walk(tree):
        if isinstance(each, ast.Name | ast.Attribute) and isinstance(each.ctx, ast.Load):
            yield last_name(each)


def _with_others(tree: ast.Module, names: Collection[str]) -> ast.Module | None:
    """A script in which some names hold other numbers; None if none is written for any."""
    made = deepcopy(tree)
    numbers = [each for target, each in _given(made) if last_name(target) in names]
    for each in numbers:
        match each.value:
            case int(value):
                each.value = value + 1
            case float(value):
                each.value = value * MORE
    return made if numbers else None


def _given(tree: ast.Module) -> Iterator[tuple[ast.expr, ast.Constant]]:
    """The numbers that names are given: by an assignment, by a call, or if none is given."""
    for each in ast.walk(tree):
        pairs: list[tuple[ast.expr, ast.expr | None]] = []
        match each:
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                pairs = [*zip(names, values, strict=False)]
            case ast.Assign(targets=names, value=value):
                pairs = [(name, value) for name in names]
            case ast.keyword(arg=str(name), value=value):
                pairs = [(ast.Name(name), value)]
            case ast.arguments():
                taken = [*each.posonlyargs, *each.args]
                lacking = len(taken) - len(each.defaults)
                own = [*taken[lacking:], *each.kwonlyargs]
                held = zip(own, [*each.defaults, *each.kw_defaults], strict=True)
                pairs = [(ast.Name(taken.arg), value) for taken, value in held]
        for target, number in pairs:
            if isinstance(number, ast.Constant) and type(number.value) in (int, float):
                yield target, number
