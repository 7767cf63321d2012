"""How many scripts are judged rightly: `python -m conformance.tests.scripts [NAME…]`.

A script that is right is to be called right; of one with an edited line, that line is to be blamed
first. Left out: why one is not.
"""

import contextlib
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from conformance.cli.say import say
from conformance.errors import ConformanceError
from conformance.report.script_report import ScriptReport
from conformance.run_script import run_script
from conformance.tests.programs.script_faults import FAULTS, IN_OTHER_FILES

FOLDER = Path(__file__).parent / "programs" / "scripts"


@dataclass(frozen=True)
class Edited:
    """A script with an edited line: in which file, what stood there and what stands there now."""

    script: str
    file: str
    old: str
    new: str

    @property
    def id(self) -> str:
        """A short name of it."""
        return f"{self.script}: {self.new}"

    def line(self) -> int:
        """The number of the edited line."""
        text = (FOLDER / self.script).with_name(Path(self.file).name).read_text()
        return text[: text.index(self.old)].count("\n") + 1


def edited(scripts: list[str]) -> Iterator[Edited]:
    """All edits of some scripts."""
    for script in scripts:
        for old, new in FAULTS[script]:
            yield Edited(script, script, old, new)
        for file, old, new in IN_OTHER_FILES.get(script, ()):
            yield Edited(script, file, old, new)


def report_on(script: str, edit: Edited | None = None) -> ScriptReport:
    """The report on a copy of a script; what it prints is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / script
        if "/" in script:
            shutil.copytree((FOLDER / script).parent, place.parent)
        else:
            shutil.copy(FOLDER / script, place)
        if edit is not None:
            file = place.with_name(Path(edit.file).name)
            text = file.read_text()
            assert text.count(edit.old) == 1, edit
            file.write_text(text.replace(edit.old, edit.new))
        with quiet():
            return run_script(str(place))


def run_edited(folder: Path, text: str, *edits: tuple[str, str]) -> ScriptReport:
    """The report on a script in which some texts stand for others, which are there."""
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    (folder / "script.py").write_text(text)
    with quiet():
        return run_script(str(folder / "script.py"), timeout=20)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing that a child prints is shown, until the end of the block."""
    kept = [os.dup(1), os.dup(2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for each in (*kept, nowhere):
            os.close(each)


def blamed_first(report: ScriptReport) -> tuple[str, int] | None:
    """The file and line that a report blames first."""
    for blame in report.blames:
        return None if blame.line is None else (Path(str(blame.file)).name, blame.line)
    return None


def main(names: list[str]) -> None:
    """Print what is judged wrongly, and the rates."""
    scripts = [each for each in FAULTS if not names or each in names]
    right = 0
    for script in scripts:
        try:
            report = report_on(script)
            right += report.ok
            said = "" if report.ok else str(report)
        except ConformanceError as error:
            said = str(error)
        if said:
            say(f"--- {script} (right)\n{said}")
    first = wrong = 0
    edits = list(edited(scripts))
    for each in edits:
        try:
            report = report_on(each.script, each)
            hit = not report.ok and blamed_first(report) == (Path(each.file).name, each.line())
            wrong, first = wrong + (not report.ok), first + hit
            said = "" if hit else str(report)
        except ConformanceError as error:
            said = str(error)
        if said:
            say(f"--- {each.id} (line {each.line()})\n{said}")
    say(f"right: {right} of {len(scripts)}")
    say(f"wrong: {wrong} of {len(edits)}, the edited line first: {first} of {len(edits)}")


if __name__ == "__main__":
    main(sys.argv[1:])
