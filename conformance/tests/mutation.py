"""The mutation run of two folders: `python -m conformance.tests.mutation [FILE …]`.

In `arithmetic/` and `verdict/`, mutmut changes one operator, number or argument of a function at a
time, in a copy, and runs the tests that reach it; a mutant that passes them all survives. What is
run stands in `pyproject.toml`; it needs the extra `mutation`, and a Unix.

Left out: what mutmut does not change, such as constants of a module and decorated functions.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = ("conformance", "reference", "torch_impl", "fixtures", "pyproject.toml", "README.md")
KILLED, ALIVE = ("killed", "timeout", "segfault"), ("survived", "suspicious")


def main() -> None:
    """Mutate some files, or all of them, and print the survivors and the score."""
    parser = argparse.ArgumentParser(description="Mutate arithmetic/ and verdict/, run the tests.")
    parser.add_argument("files", nargs="*", metavar="FILE", help="such as arithmetic/rounding.py")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    names = [".".join(("conformance", *Path(file).with_suffix("").parts)) for file in asked.files]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        copy_to(place)
        mutmut(place, "run", "--max-children", str(asked.processes), *(f"{n}.*" for n in names))
        listed = mutmut(place, "results", capture=True)
        mutmut(place, "export-cicd-stats", capture=True)
        found = json.loads((place / "mutants/mutmut-cicd-stats.json").read_text())
    survivors = [line.strip() for line in listed.splitlines() if line.endswith(ALIVE)]
    killed, alive = (sum(found[each] for each in kind) for kind in (KILLED, ALIVE))
    print(*survivors, f"{killed} of {killed + alive} mutants killed", sep="\n")  # noqa: T201


def copy_to(place: Path) -> None:
    """Copy what the tests need."""
    for part in (ROOT / each for each in PARTS):
        copy = shutil.copytree if part.is_dir() else shutil.copy
        copy(part, place / part.name)


def mutmut(place: Path, *arguments: str, capture: bool = False) -> str:
    """Run a command of mutmut in a copy; what it printed, if that is captured."""
    command, output = [sys.executable, "-m", "mutmut", *arguments], subprocess.PIPE
    done = subprocess.run(  # noqa: S603 - the arguments are ours
        command, cwd=place, check=True, text=True, stdout=output if capture else None
    )
    return done.stdout or ""


if __name__ == "__main__":
    main()
