"""How custom functions of torch, and mutants of them, are judged.

`python -m conformance.tests.custom` prints the table.
"""

import argparse
import sys
from collections.abc import Sequence

from conformance.tests.backward.measure import Said
from conformance.tests.custom.measure import judged, programs, table


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge the functions, and print the table."""
    parser = argparse.ArgumentParser("python -m conformance.tests.custom", description=__doc__)
    parser.add_argument("--count", type=int, default=6, help="mutants of each function")
    parser.add_argument("--program", action="append", help="this one alone; repeatable")
    parser.add_argument("--list-bad", action="store_true", help="list what could be said better")
    options = parser.parse_args(arguments)
    found: list[Said] = []
    for each in judged(options.program or programs(), options.count):
        found.append(each)
        if options.list_bad and not each.good:
            marks = f", missed {', '.join(each.missed)}" if each.missed else ""
            say(f"{each.id}: {each.text}\n    exit {each.exit_code}{marks}, {each.blamed[:4]}:")
            say("    " + each.said.replace("\n", "\n    "))
    say("\n".join(table(found)))


def say(text: str) -> None:
    """Write a line to stdout."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
