"""What the gradient by an output, which a loss function gives, is handed on to.

Such is `net.rueckwaerts(d)` after `loss, d = cross_entropy(net.vorwaerts(x), y)`, or `backprop(d)`
after `scores, backprop = model(x)`: it is given that gradient, and what its forward pass made or
belongs to. Left out: an update, which shares nothing with a forward pass but the parameters.
"""

import ast
import builtins
from collections.abc import Collection, Iterator, Sequence
from types import FunctionType, ModuleType

from conformance.backward.syntax import tree
from conformance.shapes.definitions import Definitions
from conformance.shapes.function_sources import returned_functions

Scope = Sequence[ast.AST]
"""The parts of a function, or of what no function holds."""


def handed_on(found: Definitions, giving: Collection[str], known: Collection[str]) -> set[str]:
    """The names of the functions and classes of a file that may go back from a loss.

    Args:
        found: what the file defines.
        giving: the names of the functions that give a loss and gradients.
        known: the names of what was judged: what it does inside is judged with it.
    """
    scopes = [each for file in found.files for each in _scopes(tree(file), known)]
    modules = {name for name, e in vars(found.module).items() if isinstance(e, ModuleType)}
    names = (name for scope in scopes for name in _handed_on(scope, giving, modules))
    return {owner for name in names for owner in _owners(name, found)}


def _scopes(module: ast.AST | None, known: Collection[str]) -> Iterator[Scope]:
    """The functions of a module, but those of some names and their methods; what is in none."""
    own, waiting = list[ast.AST](), [] if module is None else [*ast.iter_child_nodes(module)]
    for each in waiting:
        if not isinstance(each, ast.FunctionDef | ast.ClassDef):
            own.append(each)
            waiting += ast.iter_child_nodes(each)
        elif each.name not in known and isinstance(each, ast.FunctionDef):
            yield [*ast.walk(each)]
        elif each.name not in known:
            waiting += each.body
    yield own


def _handed_on(scope: Scope, giving: Collection[str], modules: Collection[str]) -> Iterator[str]:
    """The names of what a scope calls with such a gradient, and shares more than modules with."""
    made = [each for each in scope if isinstance(each, ast.Assign)]
    for loss in made:
        call = loss.value
        if not isinstance(call, ast.Call) or ast.unparse(call.func) not in giving:
            continue
        gradients, given = _names(*loss.targets), {e for e in map(_name, call.args) if e}
        inside = [e for each in call.args for e in ast.walk(each) if isinstance(e, ast.Call)]
        before = [e for e in made if e is not loss and not given.isdisjoint(_names(*e.targets))]
        forward = _names(*inside, *(e for e in before if gradients.isdisjoint(_names(e.value))))
        for each in (e for e in scope if isinstance(e, ast.Call) and e is not call):
            shared = (_names(each) & forward) - given - {*modules}
            if shared and not gradients.isdisjoint(_names(*each.args)):
                yield getattr(each.func, "attr", _name(each.func))


def _name(part: ast.expr) -> str:
    return part.id if isinstance(part, ast.Name) else ""


def _names(*parts: ast.AST) -> set[str]:
    """The names in some parts of a program."""
    return {e.id for each in parts for e in ast.walk(each) if isinstance(e, ast.Name)}


def _owners(name: str, found: Definitions) -> list[str]:
    """The classes and functions that a name may be of: what is neither was returned by one."""
    classes = [e.__name__ for e in found.classes if isinstance(vars(e).get(name), FunctionType)]
    functions = [e.__name__ for e in found.functions if e.__name__ == name]
    if classes or functions or name in vars(found.module) or hasattr(builtins, name):
        return classes + functions
    return [each.__name__ for each in found.functions if returned_functions(each)]
