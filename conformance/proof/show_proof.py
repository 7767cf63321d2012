"""The catalogue on a terminal: all known mistakes in a table, or one of them at work.

Left out: how a failure is worded (`report/message.py`).
"""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.corpus import store
from conformance.errors import UsageError
from conformance.explain.step_lines import examples
from conformance.judging.case_report import CaseReport
from conformance.judging.judge import check_case
from conformance.mistakes.catalogue import ALL, CATALOGUE
from conformance.mistakes.mistake import Mistake, subject_of
from conformance.processes.prove_processes import WORLDS, WRONG, prove
from conformance.report.message import line
from conformance.verdict.compare import FREE

SMALL = 100  # neurons in the widest layer of a case at which a mistake is shown


def show_all(console: Console) -> None:
    """Print the table of the known mistakes."""
    table = Table(box=None, pad_edge=False)
    table.add_column("mistake", no_wrap=True)
    table.add_column("breaks", max_width=7)
    table.add_column("what is done wrong")
    for mistake in ALL.values():
        table.add_row(mistake.id, " ".join(mistake.blames) or "–", mistake.sentence)
    console.print(table)
    others = len(ALL) - len(CATALOGUE)
    console.print(Text(f"{len(CATALOGUE)} known mistakes, and {others} of several processes;"))
    console.print(Text("`conformance mistakes ID` shows one at work"))


def show_one(console: Console, id_: str, *, verbose: bool = False) -> None:
    """Print a mistake, its formula beside the right one, and the smallest network that shows it.

    Args:
        console: where it is printed.
        id_: of the mistake.
        verbose: whether to print what each case shows, too.

    Raises:
        UsageError: there is no mistake of this id.
        CorpusError: the fixtures are damaged.
    """
    for text in _lines(find(id_), verbose=verbose):
        console.print(Text(text), soft_wrap=True)


def find(id_: str) -> Mistake:
    """The known mistake of this id.

    Raises:
        UsageError: there is none.
    """
    if id_ not in ALL:
        near = get_close_matches(id_, ALL, cutoff=0.5)
        meant = f": did you mean {' or '.join(near)}?" if near else ";"
        raise UsageError(f"no known mistake {id_!r}{meant} `conformance mistakes` lists them all")
    return ALL[id_]


def _lines(mistake: Mistake, *, verbose: bool) -> Iterator[str]:
    yield mistake.id
    yield f"  {mistake.sentence}"
    yield ""
    yield f"  wrong      {mistake.wrong}"
    yield f"  right      {mistake.right}"
    yield f"  breaks     {', '.join(mistake.blames) or f'no equation; it {mistake.remark}'}"
    yield f"  seen in    {mistake.source}"
    yield f"  hidden by  {mistake.hidden or 'nothing known'}"
    if mistake.convention:
        yield f"  {mistake.convention}"
    yield ""
    if mistake.id not in CATALOGUE:
        yield from _caught_in_processes(mistake.id)
        return
    for example in examples(subject_of(mistake), mistake.blames):
        yield "the smallest network that shows it:"
        yield ""
        yield example.text.rstrip("\n")
        yield ""
    first, *cases = _caught(list(_at_work(mistake)))
    yield first if verbose else f"{first}: -v shows what each says"
    yield from cases if verbose else ()


def _caught(reports: Sequence[CaseReport]) -> Iterator[str]:
    caught = [report for report in reports if report.failures]
    yield f"caught in {len(caught)} of {len(reports)} small cases"
    for report in caught:
        first = report.failures[0]
        mode = " of the free run" if first.mode == FREE else ""
        yield f"{report.case.id}, step {first.step}{mode}: {', '.join(report.blamed) or 'conduct'}"
        yield line(report.case, first)
    missed = [report.case.id for report in reports if not report.failures]
    if missed:
        yield f"not seen in {', '.join(missed)}"


def _caught_in_processes(id_: str) -> Iterator[str]:
    """How often it is caught, of one process with micro-batches, of two and of three."""
    proved = prove(WRONG[id_])
    for world, (seen, cases) in zip(WORLDS, proved.caught, strict=True):
        yield f"caught in {seen} of {cases} cases of {world} process{'es'[: 2 * (world > 1)]}"


def _at_work(mistake: Mistake) -> Iterator[CaseReport]:
    """What is said of a subject with this mistake in each small case."""
    place, subject = store.root(), subject_of(mistake)
    for case in store.cases(place):
        small = max(case.sizes) < SMALL and case.dtype == "float64"
        if small and not subject.unfit(case):
            yield check_case(subject, store.read(place, case))
