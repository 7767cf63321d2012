"""What is kept from update to update and moves nothing, or is never written.

Left out: what is kept wrongly, and what moves a parameter wrongly (`rule.py`).
"""

import ast
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from conformance.backward.findings import Accused, Cause, Line
from conformance.backward.groups import operation_key
from conformance.backward.source import (
    is_put_again,
    line_of,
    lines_of,
    stored_names,
    written_name,
)
from conformance.backward.syntax import function_around, gives_default, statement, stored, tree
from conformance.programs.execution import names_in
from conformance.script.judgement import Judgement
from conformance.script.linear import (
    ENTRYWISE,
    ancestors,
    has_entries,
    kept,
    links,
    operands,
    source,
)
from conformance.script.multiples import PRODUCTS
from conformance.script.rebound_states import is_nothing, of_own_zeros
from conformance.script.update import Update
from conformance.tracing.ancestors import walk
from conformance.tracing.node import Node


def accused(made: Update, lines: tuple[Line, ...], cause: Cause) -> Accused:
    """The blame of one update for something."""
    return Accused((made.name,), lines, cause, mends=False)


def not_kept(results: Sequence[Judgement]) -> Iterator[Accused]:
    """The parameters that keep less from update to update than others do, or than is computed.

    Something is kept of their gradients too, and moves nothing, or no fewer keep more and these
    are divided by what is computed of their gradients: else another rule is a choice. Where no
    parameter is moved by what is kept, a velocity alone is for that; a total may be for a report,
    and beside squares none tells which rule is meant.
    """
    of_all = [*zip(*(each.updates for each in results), strict=True)]
    news = [made.new for updates in of_all for made in updates]
    counts = [len(made.parameter.states) for made in results[0].updates]
    most, usual = max(counts), max(counts, key=lambda each: (counts.count(each), each))
    for updates, count in zip(of_all, counts, strict=True):
        lost = [e for e in _own_size(updates[0]) if count < usual or (not count and _is_lost(e))]
        if lost:
            kind = "kept" if count < usual else "forgets"
            yield accused(updates[0], lines_of(lost[-1]), Cause(kind))
            continue
        unused = [*_kept_unused(updates, news)] if count < most or not most else []
        if unused and most:
            yield accused(updates[0], _term(updates[0]), Cause("kept"))
        elif unused and all(unused):
            yield accused(updates[0], lines_of(updates[0].new), Cause("unread"))


def _own_size(made: Update) -> Iterator[Node]:
    """What is computed of a gradient by which each entry of it is divided, the latest first."""
    for whole in (e for gradient, _ in made.options for e in made.parts_of(gradient)):
        of = [source(e) for e in whole.args[:1] if type(e) is Node]
        below = whole.args[1] if whole.operation in ("divide", "true_divide") else None
        if of and type(below) is Node and below.depends_on(of[0]) and has_entries(below, whole):
            yield from (e for e in walk([below]) if e.depends_on(of[0]) and source(e) is not of[0])
            return


def _is_lost(node: Node) -> bool:
    """Whether a value is put where something was kept, or added to zeros that nothing wrote."""
    added = node.args if node.operation == "add" else ()
    unread = any(_reads_nothing(each) for each in lines_of(node)[:1])
    return unread or is_put_again(node) or any(map(is_nothing, added))


def _reads_nothing(line: Line) -> bool:
    """Whether a statement goes through what it assigns to without a use: `for a, g in zip(s, gs)`.

    So it is in `s = [g * g for a, g in zip(s, gs)]`.
    """
    here = statement(line.file, line.line) or ast.Pass()
    names, read = stored(here), names_in(here, ast.Load)
    through = [e for e in ast.walk(here) if isinstance(e, ast.comprehension)]
    pairs = (
        pair
        for each in through
        if isinstance(each.target, ast.Tuple) and isinstance(each.iter, ast.Call)
        for pair in zip(each.target.elts, each.iter.args, strict=False)
    )
    return any(
        names & names_in(of, ast.Load) and not names_in(e, ast.Store) & read for e, of in pairs
    )


def _kept_unused(updates: Sequence[Update], news: Sequence[Node]) -> Iterator[bool]:
    """Whether each state made of a parameter's gradients that moves nothing is a velocity.

    A sum of single numbers may be that of losses.
    """
    first, *later = updates
    for second in later[:1]:
        gradients = [e for node, _ in second.options for e in second.parts_of(node)]

        def further(node: Node, of: Node = second.old, end: Node = second.new) -> list[Node]:
            made = (e for e in node.consumers if e.operation in ENTRYWISE)
            return [e for e in made if has_entries(e, of) and not e.depends_on(end)]

        for node in walk(gradients, further):
            key = operation_key(node)
            olds = (e for e in ancestors(node) if operation_key(e) == key)
            old = next((e for e in olds if not e.depends_on(second.old)), None)
            if old is None or not old.depends_on(first.old):
                continue
            if not any(each.depends_on(old) for each in news):
                velocity = any(kept(each, node) for each in gradients)
                total = np.size(node.value) > 1 and not _is_read(node)
                yield 0 < kept(old, node) < 1 if velocity else total


def _is_read(node: Node) -> bool:
    """Whether a file reads what a statement puts a value into anywhere but where that is put."""
    name, lines = written_name(node).partition("[")[0], lines_of(node)
    parts = [*ast.walk(tree(lines[0].file) or ast.Pass())] if name and lines else []

    own = set[ast.AST]()
    for each in (e for e in parts if isinstance(e, ast.Assign | ast.AugAssign)):
        targets = [each.target] if isinstance(each, ast.AugAssign) else each.targets
        if any(ast.unparse(e) == name for target in targets for e in ast.walk(target)):
            own |= {*ast.walk(each)}
    reads = (e for e in parts if isinstance(e, ast.Name | ast.Attribute) and e not in own)
    return not parts or any(ast.unparse(e) == name for e in reads if isinstance(e.ctx, ast.Load))


def overwritten(results: Sequence[Judgement]) -> Iterator[Accused]:
    """The parameters of which a share of the last step is made, and something else put over it."""
    for updates in zip(*(each.updates for each in results), strict=True):
        for first, second in pairwise(updates):
            shares = (e for node, _ in first.options for e in _shares(node, first.new, second.new))
            lines = [line for each in shares for line in (*_written_later(each), *lines_of(each))]
            if lines:
                yield accused(first, tuple(dict.fromkeys(lines)), Cause("unread"))
                break


def _shares(node: Node, after: Node, until: Node) -> Iterator[Node]:
    """The shares of what moved a parameter that an update makes, and that nothing reads."""
    for each in node.consumers:
        share = next((by for _, by in links(each)), 0.0) if each.operation == "multiply" else 0.0
        if after.number < each.number < until.number and not each.consumers and 0 < share < 1:
            yield each


def _written_later(node: Node) -> Iterator[Line]:
    """The later lines of a function that put something where a value was put."""
    name, line = written_name(node), line_of(node)
    function = None if line is None else function_around(line)
    if line is None or not name:
        return
    parts = ast.walk(function or tree(line.file) or ast.Pass())
    for each in (part for part in parts if isinstance(part, ast.Assign)):
        if each.lineno > line.line and name in map(ast.unparse, each.targets):
            yield Line(line.file, each.lineno)


def unwritten(results: Sequence[Judgement]) -> Iterator[Accused]:
    """The parameters to which a multiple of the same zeros is added at each of several updates.

    What is cleared anew at each update is another array each time, and zeros that stand for what
    no key has are the same.
    """
    for made in zip(*(each.updates for each in results), strict=True):
        keeps = any(each.states for each in made)
        products = [of_own_zeros(each) | ({} if keeps else _of_zeros(each)) for each in made]
        by_key = [{_key(*pair): pair[1] for pair in each.items()} for each in products]
        zeros = set.intersection(*map(set, by_key))
        if zeros and len(made) > 1:
            product = by_key[0][zeros.pop()]
            lines = lines_of(product)
            at = (*_under_other_keys(product), *_kept_at(lines, results[0]))
            yield accused(made[0], (*at, *lines), Cause("zero"))


def _key(zeros: Node, product: Node) -> object:
    """What is the same at each update of the same zeros."""
    default = any(map(gives_default, lines_of(zeros)[:1]))
    return operation_key(product) if default else zeros


def _under_other_keys(product: Node) -> Iterator[Line]:
    """Where the function around a state stores it under a key, which is not that it is read by."""
    line = line_of(product)
    function = None if line is None else function_around(line)
    for part in ast.walk(function or ast.Pass()):
        if line is not None and isinstance(part, ast.Assign) and part.lineno >= line.line:
            whole = part.value.elts if isinstance(part.value, ast.Tuple) else [part.value]
            names = {e.id for e in whole if isinstance(e, ast.Name)}
            if isinstance(part.targets[0], ast.Subscript) and names & stored_names(product):
                yield Line(line.file, part.lineno)


def _kept_at(lines: Sequence[Line], judgement: Judgement) -> Iterator[Line]:
    """Where the function around a line keeps the states of others, which it has in variables."""
    function = function_around(lines[0]) if lines else None
    states = [state.values[-1] for each in judgement.updates for state in each.parameter.states]
    own = [each for each in states if function in [*map(function_around, lines_of(each)[:1])]]
    names = {name for each in own for name in stored_names(each)}
    for part in ast.walk(function or ast.Pass()):
        if isinstance(part, ast.keyword | ast.Assign | ast.Tuple | ast.List | ast.Dict):
            values = (e for e in ast.iter_child_nodes(part) if isinstance(e, ast.Name))
            for each in (e for e in values if e.id in names and isinstance(e.ctx, ast.Load)):
                yield Line(lines[0].file, each.lineno)


def _of_zeros(made: Update) -> dict[Node, Node]:
    """The multiples that an update adds of zeros which were computed of nothing, by these."""
    added = ancestors(made.new, operands=lambda e: [] if e is made.old else operands(e))
    zeros = filter(is_nothing, added)
    return {each: added[each] for each in zeros if added[each].operation in PRODUCTS}


def _term(made: Update) -> tuple[Line, ...]:
    """The line that computes what is added."""
    return lines_of(made.options[0][0] if made.options else made.new)
