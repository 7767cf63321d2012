"""How the checker judges programs in many styles: `python -m conformance.tests.generator`."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from conformance.tests.generator.judgement import Judgement
from conformance.tests.generator.measure import figures, judged, line_of
from conformance.tests.generator.program import program
from conformance.tests.generator.style import TAGS, styles


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge the programs, and print the figures."""
    options = _options(arguments)
    known = [each.name for each in styles()]
    unknown = set(options.style or ()) - set(known)
    if unknown:
        sys.exit(f"no style {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    start = time.perf_counter()
    found = []
    for each in judged(
        options.style or known,
        count=options.count,
        seed=options.seed,
        tag=options.tag,
        jobs=options.jobs,
    ):
        found.append(each)
        if options.list_bad and each.kind != "good":
            say(line_of(each))
    say("\n".join(figures(found)))
    say(f"{time.perf_counter() - start:.0f} s")
    if options.save:
        _save([each for each in found if each.kind != "good"], options.save)


def say(text: str) -> None:
    """Write a line to stdout."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _save(bad: Sequence[Judgement], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for each in bad:
        path = folder / f"{each.id.replace('/', '--')}.py"
        path.write_text(f"{program(each.id).source}\n# {line_of(each)}\n", encoding="utf-8")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m conformance.tests.generator", description=__doc__)
    parser.add_argument("--count", type=int, default=1300, help="programs with a fault, in all")
    parser.add_argument("--style", action="append", help="this style alone; repeatable")
    parser.add_argument("--tag", choices=TAGS, default="", help="faults of this equation alone")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of faults")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--list-bad", action="store_true", help="list what is judged wrongly")
    parser.add_argument("--save", type=Path, metavar="DIR", help="write what is judged wrongly")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
