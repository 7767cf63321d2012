"""Judge every program, right and with each fault, and print the rates: a name judges that one."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from conformance.cli.say import say
from conformance.tests.programs.shapes_faults import FAULTS
from conformance.tests.shapes.measure import judge


def main() -> None:
    """Print a line a program, then the rates."""
    chosen, verbose = [e for e in sys.argv[1:] if e != "-v"], "-v" in sys.argv
    right, wrong = [], []
    with TemporaryDirectory() as folder:
        for name in chosen or FAULTS:
            runs = [judge(name, i, Path(folder)) for i in (None, *range(len(FAULTS[name])))]
            right.append(runs[0])
            wrong += runs[1:]
            signs = "".join(
                "." if e.named and e.ok else "l" if e.ok else str(e.exit_code) for e in runs[1:]
            )
            slowest = max(each.seconds for each in runs)
            say(f"{name:24} {runs[0].exit_code} {signs} {slowest:.2f} s")
            for each in runs if verbose else []:
                if not each.ok or (each.fault is not None and not each.named):
                    say(f"--- fault {each.fault}, line {each.line}, {each.lines}\n{each.words}")
    say(f"right: {sum(e.ok for e in right)} of {len(right)} exit 0")
    seen = sum(each.ok for each in wrong)
    named = sum(each.ok and each.named for each in wrong)
    say(f"wrong: {seen} of {len(wrong)} exit 1, {named} with the edited line first")


main()
