"""`python -m conformance.tests.generator`: how the checker judges programs in many styles."""

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from conformance.tests.generator.judgement import Judgement, judge
from conformance.tests.generator.program import Program, program, right
from conformance.tests.generator.selection import selected
from conformance.tests.generator.style import TAGS, Style, styles


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge the programs, and print the figures."""
    options = _options(arguments)
    chosen = [each for each in styles() if not options.style or each.name in options.style]
    if not chosen:
        sys.exit(f"no such style; there are {', '.join(each.name for each in styles())}")
    start = time.perf_counter()
    judged = list(_judged(chosen, options))
    print("\n".join(figures(judged, len(chosen))))
    print(f"{time.perf_counter() - start:.0f} s")
    bad = [each for each in judged if each.kind != "good"]
    if options.list_bad:
        print("\n".join(map(line_of, sorted(bad, key=lambda each: (each.kind, each.id)))))
    if options.save:
        _save(bad, options.save)


def figures(judged: Sequence[Judgement], count: int) -> list[str]:
    """The figures of judged programs, as lines of text."""
    rights = [each for each in judged if not each.tags]
    wrongs = [each for each in judged if each.tags]
    alone = [each for each in wrongs if each.equation]
    kinds = Counter(each.kind for each in wrongs)
    stopped = Counter(each.kind for each in rights)
    lines = [
        f"{len(judged)} programs of {count} styles",
        f"right: {len(rights)}, accused {stopped['accused']}, not judged {stopped['not judged']}",
        f"wrong: {len(wrongs)}, conformant {kinds['passed']}, not judged {kinds['not judged']}, "
        f"the equation alone {_share(len(alone), len(wrongs))}, "
        f"of those the line {_share(sum(each.place for each in alone), len(alone))}",
    ]
    for tag in TAGS:
        some = [each for each in wrongs if tag in each.tags]
        right_ones = [each for each in some if each.equation]
        place = sum(each.place for each in right_ones)
        lines.append(
            f"  {tag:4}{len(some):5}  conformant {sum(e.kind == 'passed' for e in some):4}  "
            f"alone {_share(len(right_ones), len(some))}, line {_share(place, len(right_ones))}"
        )
    return lines


def line_of(each: Judgement) -> str:
    """What was said of one program, in a line."""
    blamed = " ".join(f"{tag}:{line}" for tag, line in each.blamed.items()) or "-"
    should = f"{'+'.join(sorted(each.tags))}:{','.join(map(str, sorted(each.lines)))}" if each.tags else "-"
    said = " ".join(each.said.split())[:160]
    return f"{each.kind:15} {each.id:48} expected {should:10} said {blamed} {said}".rstrip()


def _judged(chosen: Sequence[Style], options: argparse.Namespace) -> Iterator[Judgement]:
    count = -(-options.count // len(chosen))
    task = partial(_of_style, count=count, seed=options.seed, tag=options.tag)
    names = [each.name for each in chosen]
    if options.jobs == 1:
        for name in names:
            yield from task(name)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, context) as pool:
        for found in pool.map(task, names):
            yield from found


def _of_style(name: str, *, count: int, seed: int, tag: str) -> list[Judgement]:
    style = next(each for each in styles() if each.name == name)
    programs: list[Program] = [right(style), *selected(style, count, seed, tag)]
    return [judge(each) for each in programs]


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.1f} %)" if whole else "0 of 0"


def _save(bad: Sequence[Judgement], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for each in bad:
        path = folder / f"{each.id.replace('/', '--')}.py"
        path.write_text(f"{program(each.id).source}\n# {line_of(each)}\n", encoding="utf-8")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m conformance.tests.generator", description=__doc__)
    parser.add_argument("--count", type=int, default=1200, help="wrong programs in all")
    parser.add_argument("--style", action="append", help="these styles alone")
    parser.add_argument("--tag", choices=TAGS, default="", help="faults of this equation alone")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of faults")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--list-bad", action="store_true", help="list what is judged wrongly")
    parser.add_argument("--save", type=Path, metavar="DIR", help="write what is judged wrongly")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
