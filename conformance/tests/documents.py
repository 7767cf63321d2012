"""The blocks of the README and of the guides: console blocks run, and their output compared.

    python -m conformance.tests.documents [DOCUMENT.md ...]    show what differs

A block that begins with ```console holds commands, each after `$ `, and the output of each. It is
run in a folder that has the examples and the ports of a clone, and nothing else. A line `…` stands
for lines that are left out; numbers that are times or speeds are not compared. A block after the
comment `<!-- not run: REASON -->` is not run, and one after `<!-- seldom run: REASON -->` by the
tests before a release alone. Left out: the tests (`test_documents.py`).
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

PACKAGE = Path(__file__).resolve().parents[1]
CLONE = PACKAGE.parent
GUIDES = PACKAGE / "guides"
README = CLONE / "README.md"
LEFT_OUT = "…"
COLUMNS = 80
_FENCE = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]*) -->\n+)?```(?P<kind>\w+)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_TIMES = re.compile(r" *[\d.,]+(?:e[+-]\d+)? (?:s|ms|samples/s)\b")
_VERSIONS = re.compile(r"\b\d+(?:\.\d+){2,}(?:\+\w+)?")


@dataclass(frozen=True)
class Block:
    """A fenced block of a document.

    Attributes:
        document: its file.
        line: of its first line within the fence.
        kind: `console`, `pycon`, …
        mark: the comment before it, such as `not run: it installs`.
        body: its text.
    """

    document: Path
    line: int
    kind: str
    mark: str
    body: str

    @property
    def name(self) -> str:
        """The document and the line."""
        return f"{self.document.relative_to(CLONE)}:{self.line}"

    @property
    def runs(self) -> bool:
        """Whether it is run."""
        return not self.mark.startswith("not run")


@dataclass(frozen=True)
class Command:
    """A command of a console block, and what it is said to print."""

    text: str
    output: tuple[str, ...]


def documents() -> list[Path]:
    """The README and the guides that a clone has."""
    found = [README, *sorted(GUIDES.glob("*.md")), CLONE / "CONTRIBUTING.md"]
    return [each for each in found if each.is_file()]


def blocks(document: Path, kind: str) -> list[Block]:
    """The blocks of one kind of a document."""
    text = document.read_text(encoding="utf-8")
    return [
        Block(document, _line(text, each.start("body")), kind, each["mark"] or "", each["body"])
        for each in _FENCE.finditer(text)
        if each["kind"] == kind
    ]


def _line(text: str, position: int) -> int:
    return 1 + text.count("\n", 0, position)


def commands(body: str) -> list[Command]:
    """The commands of a console block; one that ends with a backslash goes on in the next line."""
    lines = body.replace("\\\n", "").splitlines()
    starts = [i for i, each in enumerate(lines) if each.startswith("$ ")]
    parts = pairwise([*starts, len(lines)])
    return [Command(lines[i][2:], tuple(map(str.rstrip, lines[i + 1 : k]))) for i, k in parts]


def run(command: str, folder: Path) -> list[str]:
    """What a command prints, standard output and standard error together."""
    scripts = sysconfig.get_path("scripts")
    environment = {
        **os.environ,
        "COLUMNS": str(COLUMNS),
        "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONPATH": f"{CLONE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep),
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(  # noqa: S602 - a command of our own documents
        command,
        shell=True,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return [each.rstrip() for each in done.stdout.decode("utf-8").splitlines()]


def clone(folder: Path) -> Path:
    """A folder with the examples, the ports and the fixtures of a clone, at the same places."""
    (folder / "fixtures").symlink_to(CLONE / "fixtures")
    for part in ("examples", "ports"):
        shutil.copytree(PACKAGE / part, folder / PACKAGE.name / part)
    return folder


def agrees(said: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether the printed lines are the said ones, of which `…` stands for any number."""
    parts = ("(?:.*\n)*?" if each == LEFT_OUT else f"{re.escape(masked(each))}\n" for each in said)
    return (
        re.fullmatch("".join(parts), "".join(f"{masked(each)}\n" for each in printed)) is not None
    )


def masked(line: str) -> str:
    """A line without what is another from run to run or from machine to machine."""
    return _VERSIONS.sub("N", _TIMES.sub(" TIME", line))


def differences(block: Block) -> Iterator[str]:
    """What the commands of a console block print, where that is not what the block says."""
    with TemporaryDirectory() as room:
        folder = clone(Path(room))
        for each in commands(block.body):
            printed = run(each.text, folder)
            if not agrees(each.output, printed):
                said = [f"  says   | {line}" for line in each.output]
                does = [f"  prints | {line}" for line in printed]
                yield "\n".join([f"{block.name}: $ {each.text}", *said, *does])


def main(names: Sequence[str]) -> int:
    """Show what differs; the number of commands that differ."""
    chosen = [Path(each).resolve() for each in names] or documents()
    found = 0
    for document in chosen:
        for block in blocks(document, "console"):
            for each in differences(block) if block.runs else ():
                found += 1
                print(f"{each}\n")
    return found


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
