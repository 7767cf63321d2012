"""The matrix of a page: cases by quantities in causal order, one cell for all steps of a case.

Left out: what a cell opens (`write.py`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conformance.explain.formulas import word
from conformance.judging.case_report import CaseReport
from conformance.model.table import NABLA, reduced_name
from conformance.report.matrix import SIGNS, worst
from conformance.verdict.compare import FREE, RESTARTED, Status, Verdict
from reference.step import STATE, causal_order, split


@dataclass(frozen=True)
class Column:
    """A quantity: its name, and its letter, which its layer follows."""

    name: str
    letter: str
    kind: str  # the quantity without its layer
    layer: int | None


@dataclass(frozen=True)
class Cell:
    """The gravest verdict on a quantity in a case; status is empty where the case has no such."""

    column: str
    status: str
    sign: str
    address: str


@dataclass(frozen=True)
class Row:
    """A case."""

    id: str
    status: str
    sign: str
    title: str
    cells: tuple[Cell, ...]
    worst: str


FREE_COLUMN = Column("free", "free", "free", None)


def columns(cases: Sequence[CaseReport]) -> list[Column]:
    """The quantities of the deepest network, in causal order, and the free run."""
    layers = max((each.case.layers for each in cases), default=2)
    state = {split(name)[0] for each in cases for name in each.case.rows} & {*STATE}
    order = [*causal_order(layers, state)]
    if any(each.case.parts for each in cases):
        gradients = [name for name in order if name.startswith(NABLA)]
        end = order.index(gradients[-1]) + 1
        order[end:end] = map(reduced_name, gradients)
    named = [(name, *split(name)) for name in order]
    return [*(Column(name, word(kind), kind, layer) for name, kind, layer in named), FREE_COLUMN]


def rows(cases: Sequence[CaseReport], prefix: str) -> Iterator[Row]:
    """The cases; addresses begin with the prefix."""
    names = [column.name for column in columns(cases)]
    for report in cases:
        # What is wrong beside the equations, such as a loop, is said by itself and of no case.
        beside = bool(report.failures) and not any(each.name for each in report.failures)
        status = Status.PASS if beside else report.status
        yield Row(
            report.case.id,
            str(status),
            SIGNS[status],
            report.case.why,
            tuple(_cell(report, name, prefix) for name in names),
            worst(report),
        )


def address(verdict: Verdict, prefix: str = "") -> str:
    """The address of a verdict in the page, such as `mnist-784-30-10/0/delta2`."""
    mode = verdict.mode.partition(" ")[0] if verdict.mode == FREE else verdict.mode
    end = "" if mode == RESTARTED else "/" + mode.replace(",", "").replace(" ", "-")
    return f"{prefix}{verdict.case}/{verdict.step}/{verdict.name}{end}"


def _cell(report: CaseReport, name: str, prefix: str) -> Cell:
    free = name == FREE_COLUMN.name
    mine = [
        verdict
        for verdict in report.verdicts
        if verdict.name and (verdict.mode == FREE if free else _is(verdict, name))
    ]
    if not mine:
        stopped = report.status is Status.ERROR and (free or name in report.case.rows)
        status = Status.ERROR if stopped else None
        return Cell(name, str(status or ""), SIGNS[status] if status else "", "")
    order = list(SIGNS)
    gravest = min(mine, key=lambda verdict: order.index(verdict.status))
    return Cell(name, str(gravest.status), SIGNS[gravest.status], address(gravest, prefix))


def _is(verdict: Verdict, name: str) -> bool:
    return verdict.name == name and verdict.mode != FREE
