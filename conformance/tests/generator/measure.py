"""Judging many programs, and the figures.

Left out: the command line (`__main__.py`), which worker processes do not import.
"""

import multiprocessing
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from conformance.tests.generator.judgement import Judgement, judge
from conformance.tests.generator.program import right
from conformance.tests.generator.selection import selected
from conformance.tests.generator.style import TAGS, styles


def judged(
    names: Sequence[str], *, count: int, seed: int, tag: str, jobs: int
) -> Iterator[Judgement]:
    """The judgements on the programs of some styles, as they come.

    Args:
        names: of the styles.
        count: of programs with a fault, in all.
        seed: of the choice of faults.
        tag: if given, faults of this equation alone.
        jobs: how many processes.
    """
    task = partial(_of_style, count=-(-count // len(names)), seed=seed, tag=tag)
    if jobs == 1:
        for name in names:
            yield from task(name)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for found in pool.map(task, names):
            yield from found


def figures(judgements: Sequence[Judgement]) -> list[str]:
    """The figures, as lines of text."""
    rights = [each for each in judgements if not each.tags]
    wrongs = [each for each in judgements if each.tags]
    alone = [each for each in wrongs if each.equation]
    stopped = Counter(each.kind for each in rights)
    kinds = Counter(each.kind for each in wrongs)
    place = _share(sum(each.place for each in alone), len(alone))
    counts = f"conformant {kinds['passed']}, not judged {kinds['not judged']}"
    return [
        f"{len(judgements)} programs of {len({each.style for each in judgements})} styles",
        f"right: {len(rights)}, accused {stopped['accused']}, not judged {stopped['not judged']}",
        f"wrong: {len(wrongs)}, {counts}",
        f"  the equation alone {_share(len(alone), len(wrongs))}, of those the line {place}",
        *(_of_tag(tag, [each for each in wrongs if tag in each.tags]) for tag in TAGS),
    ]


def line_of(each: Judgement) -> str:
    """What was said of one program, in a line."""
    blamed = " ".join(f"{tag}:{line}" for tag, line in each.blamed.items()) or "-"
    lines = ",".join(map(str, sorted(each.lines)))
    should = f"{'+'.join(sorted(each.tags))}:{lines}" if each.tags else "-"
    said = " ".join(each.said.split())[:160]
    return f"{each.kind:15} {each.id:48} expected {should:10} said {blamed} {said}".rstrip()


def _of_tag(tag: str, wrongs: Sequence[Judgement]) -> str:
    alone = [each for each in wrongs if each.equation]
    place = sum(each.place for each in alone)
    passed = sum(each.kind == "passed" for each in wrongs)
    return (
        f"  {tag:4}{len(wrongs):5}  conformant {passed:3}, "
        f"alone {_share(len(alone), len(wrongs))}, line {_share(place, len(alone))}"
    )


def _of_style(name: str, *, count: int, seed: int, tag: str) -> list[Judgement]:
    style = next(each for each in styles() if each.name == name)
    programs = (right(style), *selected(style, count, seed, tag))
    return [judge(each) for each in programs]


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.1f} %)" if whole else "0 of 0"
