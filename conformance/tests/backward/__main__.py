"""How `check_backward` judges programs and mutants: `python -m conformance.tests.backward`."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from conformance.tests.backward.measure import Judgement, judged, line_of, table, write_sample
from conformance.tests.backward.program import FOLDER, programs


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge the programs, and print the table."""
    parser = argparse.ArgumentParser("python -m conformance.tests.backward", description=__doc__)
    parser.add_argument("--count", type=int, default=540, help="mutants in all")
    parser.add_argument("--program", action="append", help="this one alone; repeatable")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of other programs")
    parser.add_argument("--list-bad", action="store_true", help="list what could be said better")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument(
        "--sample", action="store_true", help="judge the tests' sample, and write it"
    )
    options = parser.parse_args(arguments)
    if options.sample:
        for id_, fault in write_sample().items():
            say(f"{id_}: {fault or 'good'}")
        return
    names = options.program
    chosen = [each for each in programs(options.folder) if not names or each.name in names]
    if not chosen:
        sys.exit(f"no such program in {options.folder}")
    start = time.perf_counter()
    found: list[Judgement] = []
    for each in judged(chosen, count=options.count, jobs=options.jobs):
        found.append(each)
        if options.list_bad and not each.good:
            say(line_of(each))
    say("\n".join(table(found)))
    say(f"{time.perf_counter() - start:.0f} s")


def say(text: str) -> None:
    """Write a line to stdout."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
