"""How the checker judges composed programs: `python -m conformance.tests.composed`."""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from conformance.tests.composed.judge import Kind, judge
from conformance.tests.composed.program import Program, right, selected, wrong


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge right programs and a mistake in each, and print the figures."""
    parser = argparse.ArgumentParser("python -m conformance.tests.composed", description=__doc__)
    parser.add_argument("--count", type=int, default=100, help="right programs")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of programs")
    options = parser.parse_args(arguments)
    chosen = random.Random(options.seed)  # noqa: S311 - no secret
    found = Counter[tuple[bool, Kind]]()
    for parts in selected(options.count, options.seed):
        for each in (right(parts), chosen.choice([*wrong(parts)])):
            kind = _judged(each)
            found[bool(each.line), kind] += 1
            if kind not in ("right", "line"):
                _say(f"{kind}: {each.id}")
    for is_wrong, said in ((False, "right"), (True, "wrong")):
        kinds = {kind: number for (own, kind), number in found.items() if own == is_wrong}
        numbers = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
        _say(f"of {sum(kinds.values())} {said} ones: {numbers}")


def _judged(program: Program) -> Kind:
    with TemporaryDirectory() as folder:
        return judge(program, Path(folder))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
