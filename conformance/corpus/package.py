"""Packages of the small cases for other languages: the numbers, a loader, a README, a licence.

A package has all cases but those on MNIST images, whose licence is another, in two files:
`cases.json`, and `cases.bin` with the numbers. Its version is that of the corpus. The loaders are
in `ports/packages`. Left out: single cases in other forms (`export.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.corpus.case import CONVENTIONS, SCHEMA_VERSION, Case
from conformance.corpus.casefile import json_lines, sha256
from conformance.corpus.export import put_all
from conformance.corpus.recorded import tensors
from conformance.corpus.store import corpus_hash, read, version
from conformance.errors import UsageError
from reference.step import Array

Files = dict[str, bytes]

PORTS = Path(__file__).resolve().parent.parent / "ports"
COMMON = PORTS / "packages"
SECTIONS = (
    *("Tensors", "Equations", "Updates", "What the values are", "The tolerances"),
    "A port's test",
)
"""The parts of the specification that a package's README repeats."""
BOUND = "bound/"
PACKAGES = {"npm": "", "crate": "", "go": "", "python": "backprop_fixtures/"}
"""The packages, and where in them the numbers are."""


def is_small(case: Case) -> bool:
    """Whether a case is one of those that are packed: none is on images of MNIST."""
    return not case.id.startswith("mnist-")


def export_package(place: Path, chosen: Sequence[Case], form: str, folder: Path) -> list[Path]:
    """Write a package into a folder; its files.

    A file that is there already is left as it is.

    Args:
        place: the corpus.
        chosen: cases of it; those that are not small are left out.
        form: one of `PACKAGES`.
        folder: where to; it is made if need be.

    Raises:
        UsageError: no case is small, the folder is none, or a file is there with another content.
        CorpusError: a case is damaged, or the folder cannot be written to.
    """
    small = [case for case in chosen if is_small(case)]
    if not small:
        raise UsageError("a package has no cases on MNIST, whose licence is another: give others")
    return put_all(folder, _files(place, small, form))


def _files(place: Path, chosen: Sequence[Case], form: str) -> Files:
    """The files of a package by their names."""
    values = {
        "version": version(place),
        "count": str(len(chosen)),
        "specification": _specification((place / "README.md").read_text(encoding="utf-8")),
    }
    made = {name: _filled(text, values) for name, text in _templates(form)}
    parts = (COMMON / "HEAD.md", COMMON / form / "README.md", COMMON / "TAIL.md")
    made["README.md"] = _filled(b"\n".join(part.read_bytes() for part in parts), values)
    made["LICENSE"] = (COMMON / "LICENSE").read_bytes()
    at = PACKAGES[form]
    return {**made, **{f"{at}{name}": raw for name, raw in _numbers(place, chosen).items()}}


def _templates(form: str) -> Iterator[tuple[str, bytes]]:
    """The files of a loader as they stand here."""
    folder = COMMON / form
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix(), path.read_bytes()
    if form == "crate":
        yield "src/json.rs", (PORTS / "rust/json.rs").read_bytes()


def _filled(text: bytes, values: dict[str, str]) -> bytes:
    for name, value in values.items():
        text = text.replace(f"@{name}@".encode(), value.encode())
    return text


def _specification(readme: str) -> str:
    """Parts of the README of the fixtures, which is the specification."""
    parts = {part.partition("\n")[0]: part for part in readme.split("\n## ")}
    return "\n".join(f"## {parts[title].rstrip()}\n" for title in SECTIONS)


def _numbers(place: Path, chosen: Sequence[Case]) -> Files:
    """The index, a line for each case, and the numbers, one case behind the other."""
    entries, raw = [], b""
    for case in chosen:
        listed, numbers = _packed(tensors(read(place, case)))
        entry = {
            **case.to_json(),
            "activations": case.activations,  # of sigmoids too
            "update": case.update,  # the book's too
            "constants": dict(case.constants),
            "quantities": [*case.rows],
            "offset": len(raw),
            "tensors": listed,
        }
        entries.append(entry)
        raw += numbers
    about: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "version": version(place),
        "corpus": corpus_hash(place),
        "conventions": CONVENTIONS,
        "bytes": len(raw),
        "sha256": sha256(raw),
        "cases": entries,
    }
    return {"cases.json": f"{json_lines(about, 2)}\n".encode(), "cases.bin": raw}


def _packed(named: Mapping[str, Array]) -> tuple[list[Any], bytes]:
    """Names and shapes, with a 1 where the tolerances lie behind the numbers; and the bytes."""
    listed, raw = list[Any](), b""
    for name, array in named.items():
        if not name.startswith(BOUND):
            bound = named.get(f"{BOUND}{name}")
            listed.append([name, array.shape, *([] if bound is None else [1])])
            raw += array.tobytes() + (b"" if bound is None else bound.tobytes())
    return listed, raw
