"""A proof on a terminal: the mistakes down, the cases across, and what is not proved.

Left out: how it comes about (`prove.py`).
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil
from string import ascii_lowercase

from rich.console import Console
from rich.text import Text

from conformance.corpus.case import Case
from conformance.proof.proof import Proof, Row
from conformance.proof.prove import apart, visible
from conformance.report.sentence import pluralize

MOST_CASES = 22  # side by side
MOST_LETTERS = 11  # of tags, as many as in `Z C BP1 BP4`
KEY = """\
○ seen in this case   ● seen, by no other of those that suffice   · not seen
◇ not seen, but without it another cause would be named"""


def show_proof(console: Console, proof: Proof) -> None:
    """Print the matrix, the cases that are redundant, and what is not proved."""
    for block in _blocks(proof.cases):
        cases = dict(zip(ascii_lowercase, block, strict=False))
        _print(console, _matrix(proof, cases))
        _print(console, ["", *KEY.splitlines(), *_legend(proof, cases), ""])
    _print(console, [*_twins(proof), *_redundant(proof), "", *_verdict(proof)])


def show_pairs(console: Console, proof: Proof, asked: int, problems: Sequence[str]) -> None:
    """Print what became of the pairs of mistakes, and which were not asked."""
    pairs = len(visible(proof.rows))
    hidden = len(apart(proof.rows)) - pairs
    said = pluralize(len(problems), "problem") if problems else "both blamed, and no other"
    _print(console, [f"  {problem}" for problem in problems])
    _print(console, [f"{asked} of {pairs} pairs of mistakes in different equations: {said}"])
    why = "after a wrong step there is no free run, and nothing follows from a wrong shape"
    _print(console, [f"left out: {hidden} pairs in which one hides the other ({why})"])


def _print(console: Console, lines: Iterator[str] | Sequence[str]) -> None:
    for line in lines:
        console.print(Text(line))


def _blocks(cases: Sequence[Case]) -> Iterator[Sequence[Case]]:
    """The cases in blocks that fit side by side, of equal lengths but for one case."""
    count = max(1, ceil(len(cases) / MOST_CASES))
    ends = [len(cases) * each // count for each in range(count + 1)]
    yield from (cases[start:end] for start, end in pairwise(ends))


def _matrix(proof: Proof, cases: dict[str, Case]) -> Iterator[str]:
    width = max(len(row.id) for row in proof.rows)
    yield f"{'mistake':{width}} {'blamed on':{MOST_LETTERS}} {''.join(cases)} named"
    for row in proof.rows:
        needed, caught = proof.needed(row), set(row.caught)
        marks = {(True, True): "●", (True, False): "○", (False, True): "◇", (False, False): "·"}
        cells = (marks[case.id in caught, case.id in needed] for case in cases.values())
        yield f"{row.id:{width}} {_tags(row):{MOST_LETTERS}} {''.join(cells)} {_named(row)}"


def _tags(row: Row) -> str:
    if row.caught and not row.blamed:
        return "conduct"
    tags = " ".join(row.blamed) or "–"
    return tags if len(tags) <= MOST_LETTERS else f"{row.blamed[0]} and {len(row.blamed) - 1}"


def _named(row: Row) -> str:
    if not row.breaks:
        return "–"
    causes = [row.named.get(tag, ()) for tag in row.breaks]
    if not all(row.id in each for each in causes):
        return "no"
    others = {id_ for each in causes for id_ in each} - {row.id}
    if others - {*row.twins}:
        return f"beside {len(others)}"
    return "with twin" if others else "yes"


def _legend(proof: Proof, cases: dict[str, Case]) -> Iterator[str]:
    for letter, case in cases.items():
        seen = sum(case.id in row.caught for row in proof.rows)
        needed = sum(case.id in proof.needed(row) for row in proof.rows)
        said = "redundant" if case.id in proof.redundant else f"needed for {needed}"
        yield f"{letter}  {case.id:40} shows {seen:2}, {said}"


def _twins(proof: Proof) -> Iterator[str]:
    """The mistakes that cannot be told apart, each group once."""
    groups = {tuple(sorted((row.id, *row.twins))) for row in proof.rows if row.twins}
    yield from (f"twins, whose formula is the same: {', '.join(each)}" for each in sorted(groups))


def _redundant(proof: Proof) -> Iterator[str]:
    if proof.redundant:
        yield (
            f"redundant: {len(proof.redundant)} of {len(proof.cases)} cases; without them together "
            f"every mistake is caught, blamed and named as with them"
        )
    else:
        yield "redundant: no case"
    needed = [case.id for case in proof.cases if case.id not in proof.unneeded]
    yield f"needed although all others are there: {', '.join(needed) or 'no case'}"


def _verdict(proof: Proof) -> Iterator[str]:
    yield from (f"  {problem}" for problem in proof.problems)
    right = "all caught, blamed on their equations alone, and named"
    said = pluralize(len(proof.problems), "problem") if proof.problems else right
    cases = pluralize(len(proof.cases), "case")
    yield f"{pluralize(len(proof.rows), 'mistake')} in {cases}: {said}"
