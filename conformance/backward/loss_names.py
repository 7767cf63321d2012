"""What the names of a number tell: that it is a loss, that it has to get less, or to grow.

Left out: what its curvature tells (`aim.py`).
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain, pairwise

import numpy as np

from conformance.backward.source import MOVES, expression, handed_names, line_of, stored_names
from conformance.backward.syntax import defined_around, returned_place, statement, tree
from conformance.programs.vocabulary import ERRORS, LOSSES
from conformance.tracing.node import Node

KINDS = r"huber|hinge|triplet|contrastive|infonce|pinball|focal|dice_?loss|logloss|mae|logcosh"
"""What losses are called by their form."""

LINEAR = ("add", "subtract", "multiply", "divide", "negative", *MOVES)
"""Operations by which a loss is made of its terms."""

NAMED = re.compile(
    r"((total|train|batch|mean|avg|epoch)_?|\w+_)?((loss|cost|objective|nll|nlml|mse|bce)\w*"
    rf"|({LOSSES})s?(_\w+)?|(ce|rmse|{KINDS}|{ERRORS})s?)|[CJL]",
    re.IGNORECASE,
)

MINIMISED = re.compile(
    r"loss|cost|nll|nlml|mse|bce|neg|minus|error|divergence|(?<![a-z])(kl|ce)(?![a-z])"
    r"|cross_?entrop|perte|verlust|kosten|custo",
    re.IGNORECASE,
)

MAXIMISED = re.compile(
    r"(.*_)?(llh?|lml|log_?(li[kh]|vrais|vero(s|ss)im)\w*|likelihood|vraisemblance|verosimili\w+"
    r"|log_?post(erior)?|sharpe|utility|profit)(_.*)?|.*(尤度|似然).*",
    re.IGNORECASE,
)


DERIVATIVE = re.compile(r"[Gg]rad|[Dd]eriv|[Pp]rime|[Dd]elta|[Bb]ack|^d_?[A-Z_]")


def names_a_loss(name: str) -> bool:
    """Whether a function of this name gives a loss, or what has to grow, and no derivative.

    It may be private, and of words that begin with capitals: `_loss`, `computeCost`.
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip("_"))
    named = NAMED.fullmatch(words) or MAXIMISED.fullmatch(words)
    return named is not None and not DERIVATIVE.search(name)


def is_named(node: Node) -> bool:
    """Whether a variable or a function by the name of a loss has a number, or what is printed.

    Or a method returns it of a class by such a name.
    """
    texts = chain(_texts_around(node), _texts_before_calls(node))
    words = (word for text in texts for word in re.findall(r"\w+", text))
    named = any(NAMED.fullmatch(each.strip("_")) for each in chain(names_of(node), words))
    return named or _is_of_loss_class(node)


def _is_of_loss_class(node: Node) -> bool:
    """Whether a method of a class by the name of a loss returns a number, and no derivative."""
    line = line_of(node)
    if line is None or returned_place(line, expression(node)) is None:
        return False
    return not DERIVATIVE.search(node.frames[0].function) and names_a_loss(defined_around(line))


def is_printed(node: Node) -> bool:
    """Whether the statement that computed a value assigns to nothing, as one that prints it."""
    return isinstance(_statement(node), ast.Expr)


def _texts_around(node: Node) -> list[str]:
    """The texts in the statement that computed a value, if that only calls something.

    They are of what is called a loss there, and of what is computed of it, if anything is.
    """
    found, own = _statement(node), expression(node)
    if not isinstance(found, ast.Expr) or (_called(found) and own and not _called(own)):
        return []
    texts = (each.value for each in ast.walk(found) if isinstance(each, ast.Constant))
    return [each for each in texts if isinstance(each, str)]


def _called(part: ast.AST) -> set[str]:
    """The variables and attributes in some source that are called a loss."""
    read = (getattr(each, "id", getattr(each, "attr", "")) for each in ast.walk(part))
    return {each for each in read if NAMED.fullmatch(each)}


def _texts_before_calls(node: Node) -> Iterator[str]:
    """The texts in front of calls, as they are printed, of the function that gives a value."""
    line, whole = line_of(node), _statement(node)
    known = {} if line is None else _texts(tree(line.file))
    if line is None or not known:
        return
    given = {node.frames[0].function} if returned_place(line, expression(node)) is not None else ()
    of_lambda = isinstance(whole, ast.Assign) and isinstance(whole.value, ast.Lambda)
    for name in stored_names(node) if of_lambda else given:
        yield from known.get(name, ())


@lru_cache(maxsize=64)
def _texts(module: ast.Module | None) -> Mapping[str, Sequence[str]]:
    """The texts right in front of which a file prints what functions give, by their names."""
    found = defaultdict[str, list[str]](list)
    for part in ast.walk(module or ast.Pass()):
        said = part.values if isinstance(part, ast.JoinedStr) else getattr(part, "args", None)
        for text, value in pairwise(said if isinstance(said, list) else ()):
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                for call in (each for each in ast.walk(value) if isinstance(each, ast.Call)):
                    found[ast.unparse(call.func).rpartition(".")[2]].append(text.value)
    return found


Term = tuple[Node, int, str | None]
"""A number, the sign by which it is in a sum, and the function that goes on to compute with it:
its name is not that of its terms."""


def _statement(node: Node) -> ast.stmt | None:
    line = line_of(node)
    return None if line is None else statement(line.file, line.line)


def is_minimised(node: Node, within: str | None = None) -> bool:
    """Whether the name of a number says that it has to get less; an objective may have to grow.

    That of a function does not say it of what the function itself, `within`, computes with.
    """
    return any(MINIMISED.search(each) for each in names_of(node) - {within})


def names_of(node: Node) -> set[str]:
    """The variables that a number is stored in, and the function that computes it."""
    return _variables(node) | {each.function for each in node.frames[:1]}


def _variables(node: Node) -> set[str]:
    return stored_names(node) | handed_names(node) | _listed_in(node)


def _listed_in(node: Node) -> set[str]:
    """The list to which a statement appends a value where it is computed."""
    match _statement(node):
        case ast.Expr(ast.Call(ast.Attribute(ast.Name(name), "append"), [value])):
            return {name} if value is expression(node) else set()
    return set()


def by_name(loss: Node) -> int:
    """1 if its name says that a number has to grow, −1 if it has to get less; 0 if nothing tells.

    Else the names of its terms tell, if all that do agree.
    """
    told = _signs(loss)
    return told.pop() if len(told) == 1 else 0


def rises(loss: Node) -> bool:
    """Whether its name says that a number has to grow."""
    return by_name(loss) > 0


def _signs(loss: Node) -> set[int]:
    """What the name of a sum tells, or else the names of its terms by the sign that each has.

    That a function is called a likelihood tells less than what is in it: it may be the negative.
    A sum may have thousands of terms, each added to those before.
    """
    terms: dict[Term, list[Term]] = {}
    whole: Term = (loss, 1, None)
    waiting = [whole]
    for each in waiting:
        if each not in terms:
            terms[each] = [] if _sign_of(*each) else [*_terms(*each)]
            waiting += terms[each]
    told: dict[Term, set[int]] = {}
    for each in sorted(terms, key=lambda e: e[0].number):
        own = _sign_of(*each)
        of_terms = set().union(*(told[e] for e in terms[each]))
        told[each] = {own} if own else of_terms or _of_function(*each)
    return told[whole]


def _sign_of(node: Node, sign: int, within: str | None) -> int:
    """What its own name tells of a term; 0 if nothing."""
    if is_minimised(node, within):
        return -sign
    return sign if any(map(MAXIMISED.fullmatch, _variables(node))) else 0


def _of_function(node: Node, sign: int, within: str | None) -> set[int]:
    """What the name of the function tells that computes a term."""
    function = _function(node)
    grows = function is not None and function != within and MAXIMISED.fullmatch(function)
    return {sign} if grows else set()


def _terms(node: Node, sign: int, _: str | None) -> Iterator[Term]:
    for i, each in enumerate(node.args if node.operation in LINEAR else ()):
        if type(each) is Node and np.size(each.value) == 1:
            yield each, sign * _share(node, i), _function(node)


def _function(node: Node) -> str | None:
    return node.frames[0].function if node.frames else None


def _share(node: Node, place: int) -> int:
    """The sign by which a number is in a sum, or in a product with another number."""
    if node.operation in ("multiply", "divide"):
        others = (each for i, each in enumerate(node.args[:2]) if i != place)
        numbers = (each.value if type(each) is Node else each for each in others)
        return int(np.sign(next((float(np.ravel(each)[0]) for each in numbers), 1.0)))
    return -1 if node.operation == "negative" or (node.operation == "subtract" and place) else 1
