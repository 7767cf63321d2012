"""Cases for those who cannot read safetensors: as JSON, as `.npz`, as raw bytes, or as packages.

Every number can be read back bit for bit, and the same case gives the same bytes everywhere. A
package is for another language: the small cases but those on MNIST images, whose licence is
another, in `cases.json` and `cases.bin`, with a loader of `ports/packages`, a README and a
licence. Its version is that of the corpus. Left out: whether the numbers are right (`store.py` and
`cases/verify.py`).
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from os.path import lexists
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np

from conformance.corpus.case import CONVENTIONS, SCHEMA_VERSION, Case
from conformance.corpus.casefile import case_header, json_lines, readable, sha256, write
from conformance.corpus.recorded import tensors
from conformance.corpus.store import corpus_hash, read, version
from conformance.errors import UsageError
from reference.step import Array

Files = dict[str, bytes]


def export(place: Path, chosen: Sequence[Case], form: str, folder: Path) -> Iterator[list[Path]]:
    """Write cases into a folder, one after the other; yields the files of each once they are there.

    All is looked at before the first file is written. A file that is there already is left as it
    is, whatever else is in the folder too.

    Args:
        place: the corpus.
        chosen: cases of it.
        form: one of `FORMS`.
        folder: where to; it is made if need be.

    Raises:
        UsageError: the folder is none, or one of the files is there with another content.
        CorpusError: a case is damaged, or the folder cannot be written to.
    """
    _refuse_file(folder)
    names, made = FORMS[form]

    def files(case: Case) -> dict[Path, bytes]:
        return {folder / name: raw for name, raw in made(case, tensors(read(place, case))).items()}

    for case in chosen:
        if any(lexists(folder / name.format(case.id)) for name in names):
            for path, raw in files(case).items():
                _is_there(path, raw)
    for case in chosen:
        written = files(case)
        for path, raw in written.items():
            if not _is_there(path, raw):
                write(path, raw)
        yield [*written]


def put_all(folder: Path, files: Files) -> list[Path]:
    """Write files into a folder, or none of them; a file that is there already is left as it is.

    Raises:
        UsageError: the folder is none, or one of the files is there with another content.
        CorpusError: the folder cannot be written to.
    """
    _refuse_file(folder)
    missing = [name for name, raw in files.items() if not _is_there(folder / name, raw)]
    for name in missing:
        write(folder / name, files[name])
    return [folder / name for name in files]


def _refuse_file(folder: Path) -> None:
    """Refuse what is there and no folder.

    Raises:
        UsageError: it is.
    """
    if lexists(folder) and not folder.is_dir():
        raise UsageError(f"{folder} is no folder: give one, there or not yet there")


def _as_json(case: Case, named: Mapping[str, Array]) -> Files:
    """The header and `tensors`, matrices as lists of rows: what the corpus has for tiny cases."""
    return {f"{case.id}.json": readable(case, named)}


def _as_npz(case: Case, named: Mapping[str, Array]) -> Files:
    """A zip archive of `.npy` files, no object among them; `case` is the header, JSON in UTF-8."""
    header = json.dumps(case_header(case), ensure_ascii=False).encode()
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name, array in {"case": np.frombuffer(header, np.uint8), **named}.items():
            entry = ZipInfo(f"{name}.npy")  # dated 1980, whenever it is written
            entry.create_system, entry.external_attr = 3, 0o644 << 16  # wherever, too
            with archive.open(entry, "w") as out:
                np.lib.format.write_array(out, array, allow_pickle=False)
    return {f"{case.id}.npz": buffer.getvalue()}


def _as_bin(case: Case, named: Mapping[str, Array]) -> Files:
    """The arrays one behind the other, and the header with where each of them lies."""
    places, offset = [], 0
    for name, array in named.items():
        place = {"name": name, "dtype": case.dtype, "shape": array.shape, "offset": offset}
        places.append({**place, "bytes": array.nbytes})
        offset += array.nbytes
    raw = b"".join(array.tobytes() for array in named.values())
    described = {
        **case_header(case),
        "file": f"{case.id}.bin",
        "bytes": len(raw),
        "sha256": sha256(raw),
        "tensors": places,
    }
    return {
        f"{case.id}.bin": raw,
        f"{case.id}.index.json": f"{json_lines(described, 2)}\n".encode(),
    }


FORMS: dict[str, tuple[tuple[str, ...], Callable[[Case, Mapping[str, Array]], Files]]] = {
    "json": (("{}.json",), _as_json),
    "npz": (("{}.npz",), _as_npz),
    "bin": (("{}.bin", "{}.index.json"), _as_bin),
}
"""The names of a case's files, `{}` being its id, and what makes them."""


def _is_there(path: Path, raw: bytes) -> bool:
    """Whether this file is there already.

    Raises:
        UsageError: something else is.
    """
    if not lexists(path):
        return False
    try:
        same = path.is_file() and path.stat().st_size == len(raw) and path.read_bytes() == raw
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; give another folder") from error
    if not same:
        raise UsageError(f"{path} is there with another content: remove it, or give another folder")
    return True


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
