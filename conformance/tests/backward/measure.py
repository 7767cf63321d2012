"""Putting programs to `conformance.check_backward`, and the table of what it says.

Left out: the command line (`__main__.py`), which worker processes do not import.
"""

import json
import multiprocessing
import re
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import conformance
from conformance.tests.backward.mutants import Mutant, mutant, mutants
from conformance.tests.backward.program import SEED, Program, imported


@dataclass(frozen=True)
class Said:
    """What was said of one program, right or edited.

    Attributes:
        id: of the mutant, or of the right program.
        line: the edited one; 0 in a right program.
        text: of the edited line.
        computes: whether the edited line still holds an operation.
        missed: the wrong gradients that are not said to be wrong.
        exit_code: of the report; 4 if the engine raised an exception.
        blamed: the lines of the blames, the first to be read first.
        said: the blames or the exception, in a line.
        seconds: that it took.
    """

    id: str
    line: int
    text: str
    computes: bool
    missed: tuple[str, ...]
    exit_code: int
    blamed: tuple[int, ...]
    said: str
    seconds: float

    @property
    def seen(self) -> bool:
        """Whether every wrong gradient is said to be wrong."""
        return self.exit_code == 1 and not self.missed

    @property
    def first(self) -> bool:
        """Whether the edited line is the first to be read."""
        return self.seen and self.blamed[:1] == (self.line,)

    @property
    def good(self) -> bool:
        """Whether nothing better could have been said."""
        if not self.line:
            return self.exit_code == 0
        return self.seen and (self.first or not self.computes)


@dataclass(frozen=True)
class Judgement(Said):
    """The same of a program of `check_backward`.

    Attributes:
        program: the name of the right one.
        scaled: whether the edit only multiplies all gradients by one factor.
        mends: whether a blame is said to mend all gradients.
    """

    program: str
    scaled: bool
    mends: bool

    @property
    def mended(self) -> bool:
        """Whether there is a repair."""
        return self.seen and self.mends

    @property
    def second(self) -> bool:
        """Whether the edited line is among the first two."""
        return self.seen and self.line in self.blamed[:2]

    @property
    def good(self) -> bool:
        """Whether nothing better could have been said."""
        return super().good and (not self.line or self.mended)


def judged(programs: Sequence[Program], *, count: int, jobs: int = 1) -> Iterator[Judgement]:
    """The judgements on some programs and on mutants of them, as they come.

    Args:
        programs: which are right.
        count: of mutants in all.
        jobs: how many processes.
    """
    task = partial(_of_program, count=-(-count // len(programs)))
    if jobs == 1:
        for each in programs:
            yield from task(each)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for found in pool.map(task, programs):
            yield from found


def _of_program(right: Program, count: int) -> list[Judgement]:
    with tempfile.TemporaryDirectory() as folder:
        found = [judge(right, each, Path(folder)) for each in mutants(right, count)]
        return [judge(right, None, Path(folder)), *found]


def judge(right: Program, wrong: Mutant | None, folder: Path) -> Judgement:
    """What is said of a mutant or of the right program, which gets its own file in this folder."""
    id_ = wrong.id if wrong else f"{right.name}/right"
    path = folder / f"{id_.replace('/', '--')}.py"
    path.write_text(wrong.edit.source if wrong else right.source, encoding="utf-8")
    verdict = _verdict(path)
    wrong_names = {_plain(place) for place in wrong.wrong} if wrong else set()
    return Judgement(
        program=right.name,
        id=id_,
        line=wrong.edit.line if wrong else 0,
        text=wrong.edit.text if wrong else "",
        computes=wrong is None or wrong.edit.computes,
        missed=tuple(sorted(wrong_names - verdict.wrong)),
        scaled=wrong is not None and wrong.factor is not None,
        exit_code=verdict.exit_code,
        mends=verdict.mends,
        blamed=verdict.blamed,
        said=verdict.said,
        seconds=verdict.seconds,
    )


def _plain(name: str) -> str:
    """A name of a gradient without its punctuation, in which styles differ."""
    return re.sub(r"\W|^params", "", name)


@dataclass(frozen=True)
class _Verdict:
    """What `check_backward` says of a file."""

    exit_code: int
    wrong: frozenset[str]
    mends: bool
    blamed: tuple[int, ...]
    said: str
    seconds: float


def _verdict(path: Path) -> _Verdict:
    module = imported(path)
    params, data = module.make(SEED)
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            report = conformance.check_backward(module.f, params, *data)
    except Exception as error:  # noqa: BLE001  # an exception of the engine's is counted
        said = f"{type(error).__name__}: {error}"
        return _Verdict(4, frozenset(), mends=False, blamed=(), said=said, seconds=0.0)
    seconds = time.perf_counter() - start
    places = [place for blame in report.blames for place in blame.lines]
    lines = dict.fromkeys(line for file, line in places if Path(file) == path)
    return _Verdict(
        report.exit_code,
        frozenset(_plain(each.name) for each in report.gradients if not each.ok),
        mends=any(blame.mends for blame in report.blames),
        blamed=tuple(lines),
        said="; ".join(" | ".join(blame.text.split("\n")) for blame in report.blames),
        seconds=seconds,
    )


SAMPLE = Path(__file__).with_name("sample.json")
"""Two mutants of each program by their ids; what is judged wrongly about one today, else ""."""


def write_sample() -> dict[str, str]:
    """Judge the mutants of the sample again, and write what is judged wrongly."""
    with tempfile.TemporaryDirectory() as folder:
        found = {}
        for id_ in json.loads(SAMPLE.read_text(encoding="utf-8")):
            wrong = mutant(id_)
            found[id_] = fault(judge(wrong.program, wrong, Path(folder)))
    SAMPLE.write_text(f"{json.dumps(found, indent=2, sort_keys=True)}\n", encoding="utf-8")
    return found


def fault(each: Judgement) -> str:
    """What could have been said better; "" if nothing."""
    if each.good:
        return ""
    if not each.seen:
        return "not every wrong gradient is seen"
    if not each.mended:
        return "no repair"
    return f"line {each.blamed[0]} is blamed" if each.blamed else "no line is blamed"


COLUMNS = ("program", "right", "mutants", "seen", "mended", "line first", "first two", "median")
ROW = "{:<12} {:<9} {:>7} {:>11} {:>11} {:>11} {:>11} {:>8}"


def table(judgements: Sequence[Judgement]) -> list[str]:
    """The figures of each program and of all, as lines of text.

    `line first` and `first two` count those mutants alone whose edited line holds an operation.
    """
    names = list(dict.fromkeys(each.program for each in judgements))
    rows = [_row(name, [each for each in judgements if each.program == name]) for name in names]
    return [ROW.format(*COLUMNS), *rows, _row("all", judgements)]


def _row(name: str, judgements: Sequence[Judgement]) -> str:
    rights = [each for each in judgements if not each.line]
    wrongs = [each for each in judgements if each.line]
    place = [each for each in wrongs if each.computes]
    accused = sum(each.exit_code != 0 for each in rights)
    shares = [
        share([each.seen for each in wrongs]),
        share([each.mended for each in wrongs]),
        share([each.first for each in place]),
        share([each.second for each in place]),
    ]
    median = statistics.median(each.seconds for each in judgements)
    verdict = f"{accused} accused" if accused else f"{len(rights)} right"
    return ROW.format(name, verdict, len(wrongs), *shares, f"{median:.2f} s")


def share(hits: Sequence[bool]) -> str:
    """How many, and the percentage."""
    return f"{sum(hits)} {100 * sum(hits) / len(hits):.1f} %" if hits else "–"


def line_of(each: Judgement) -> str:
    """What was said of one program, in a line."""
    if not each.line:
        return f"{each.id}: exit {each.exit_code}; {each.said}"
    marks = "" if each.computes else " (computes nothing)"
    marks += " (all gradients times a factor)" if each.scaled else ""
    verdict = f"exit {each.exit_code}, {'mends' if each.mends else 'no repair'}"
    verdict += f", missed {', '.join(each.missed)}" if each.missed else ""
    return f"{each.id}: {each.text}{marks}\n    {verdict}, {each.blamed[:6]}: {each.said[:300]}"
