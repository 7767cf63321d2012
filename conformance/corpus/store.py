"""Reading and writing the corpus: one safetensors file a case, and the manifest over them.

Nothing is unpickled. Every file is checked against the size and the SHA-256 in the manifest before
it is parsed. Left out: what the values should be (`build.py`, `verify.py`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from conformance.corpus.case import CONVENTIONS, SCHEMA_VERSION, Case
from conformance.errors import CorpusError, UsageError
from reference.step import Array, Batch, Parameters, causal_order, split

MANIFEST = "manifest.json"
MOST_BYTES = 64 << 20  # no file of the corpus is larger
RESTORE = "restore the file, or run `conformance fixtures build`"


@dataclass(frozen=True, eq=False)
class RecordedStep:
    """One step of a case: what goes in, what must come out, and how far it may be off."""

    parameters: Parameters
    batch: Batch
    expected: Mapping[str, Array]  # correctly rounded; keys in causal order
    bound: Mapping[str, Array]  # the tolerance of each entry, rounded up


@dataclass(frozen=True, eq=False)
class Recorded:
    """A case with its numbers."""

    case: Case
    steps: tuple[RecordedStep, ...]


def root() -> Path:
    """The corpus of this copy: inside the installed package, or `fixtures/` of the clone.

    Raises:
        CorpusError: there is none.
    """
    package = Path(__file__).resolve().parent.parent
    for place in (package / "_fixtures", package.parent / "fixtures"):
        if (place / "README.md").is_file():
            return place
    raise CorpusError(f"{package}: no fixtures beside the package; install it again")


def read_manifest(place: Path) -> dict[str, Any]:
    """The manifest of a corpus.

    Raises:
        CorpusError: it is missing, damaged, or of another version.
    """
    path = place / MANIFEST
    try:
        manifest = json.loads(path.read_bytes())
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}; run `conformance fixtures build`") from error
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{path}: not JSON ({error}); {RESTORE}") from error
    version = manifest.get("schema_version") if isinstance(manifest, dict) else None
    if version != SCHEMA_VERSION:
        raise CorpusError(
            f"{path}: schema version {version!r}, this program reads version {SCHEMA_VERSION}; "
            "use the fixtures that came with it"
        )
    if not isinstance(manifest.get("cases"), list) or not isinstance(manifest.get("files"), dict):
        raise CorpusError(f"{path}: `cases` or `files` is missing; {RESTORE}")
    return dict(manifest)


def cases(place: Path, pattern: str | None = None, dtype: str | None = None) -> tuple[Case, ...]:
    """The cases of a corpus in the order of their ids, those that the glob and the dtype admit.

    Raises:
        CorpusError: the manifest is damaged.
        UsageError: nothing matches.
    """
    manifest = read_manifest(place)
    try:
        everything = tuple(Case.from_json(entry) for entry in manifest["cases"])
    except (ValueError, TypeError, AttributeError) as error:
        raise CorpusError(f"{place / MANIFEST}: {error}; {RESTORE}") from error
    chosen = tuple(case for case in everything if case.matches(pattern, dtype))
    if not chosen:
        of = f" of dtype {dtype}" if dtype else ""
        raise UsageError(
            f"no case{of} matches {pattern!r}: `conformance fixtures list` shows all "
            f"{len(everything)}, `*` stands for any letters"
        )
    return chosen


def read(place: Path, case: Case) -> Recorded:
    """The numbers of a case.

    Raises:
        CorpusError: the file is missing, damaged, edited, or not the case of the manifest.
    """
    name = file_name(case)
    path = place / name
    raw = checked_bytes(place, name)
    header, tensors = parse(raw, path)
    if header != case_header(case):
        raise CorpusError(f"{path}: its header is not that of {MANIFEST}; {RESTORE}")
    try:
        return _recorded(case, tensors)
    except ValueError as error:
        raise CorpusError(f"{path}: tensor {error}; {RESTORE}") from error


def file_name(case: Case) -> str:
    """The case's file, relative to the corpus."""
    return f"cases/{case.id}.safetensors"


def case_header(case: Case) -> dict[str, Any]:
    """The header of a case's file."""
    described = {
        "schema_version": SCHEMA_VERSION,
        "case": case.to_json(),
        "conventions": CONVENTIONS,
    }
    return dict(json.loads(json.dumps(described)))  # tuples become lists, as a reader sees them


def checked_bytes(place: Path, name: str) -> bytes:
    """The bytes of a file of the corpus, which are those that the manifest lists.

    Raises:
        CorpusError: it is missing, or its size or hash is another.
    """
    path = place / name
    entry = _files(place).get(name)
    if not isinstance(entry, dict):
        raise CorpusError(f"{path}: not listed in {MANIFEST}; {RESTORE}")
    try:
        size, listed = path.stat().st_size, entry.get("bytes")
        if size != listed or size > MOST_BYTES:
            raise CorpusError(
                f"{path}: {size} bytes, {MANIFEST} says {listed} (truncated?); {RESTORE}"
            )
        raw = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path}: {error.strerror}; {RESTORE}") from error
    if sha256(raw) != entry.get("sha256"):
        raise CorpusError(
            f"{path}: not the bytes of {MANIFEST} (edited?): SHA-256 differs; {RESTORE}"
        )
    return raw


def parse(raw: bytes, path: Path) -> tuple[Any, dict[str, Array]]:
    """The JSON header and the tensors of a safetensors file.

    Raises:
        CorpusError: it is not such a file, or a tensor is neither float64 nor float32.
    """
    try:
        tensors: dict[str, Array] = load(raw)
        length = int.from_bytes(raw[:8], "little")
        header = json.loads(json.loads(raw[8 : 8 + length])["__metadata__"]["case"])
    except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise CorpusError(
            f"{path}: not the safetensors file of a case ({error}); {RESTORE}"
        ) from error
    for name, array in tensors.items():
        if array.dtype not in (np.float64, np.float32):
            raise CorpusError(f"{path}: tensor {name} is {array.dtype}; {RESTORE}")
    return header, tensors


def serialized(case: Case, tensors: Mapping[str, Array]) -> bytes:
    """The bytes of a case's file."""
    ordered = {name: np.array(array, case.type, order="C") for name, array in tensors.items()}
    # One metadata key, since the order of several is not defined.
    return save(ordered, metadata={"case": json.dumps(case_header(case), ensure_ascii=False)})


def readable(case: Case, tensors: Mapping[str, Array]) -> bytes:
    """The same case as JSON for reading by eye; numbers round-trip exactly."""
    values = {name: np.asarray(array).tolist() for name, array in tensors.items()}
    lines = ",\n".join(
        f"    {json.dumps(name)}: {json.dumps(rows)}" for name, rows in values.items()
    )
    header = json.dumps(case_header(case), indent=2, ensure_ascii=False)
    return f'{header[:-2]},\n  "tensors": {{\n{lines}\n  }}\n}}\n'.encode()


def sha256(raw: bytes) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(raw).hexdigest()


def corpus_hash(place: Path) -> str:
    """One short hash over all of the corpus: the SHA-256 of its manifest.

    Raises:
        CorpusError: there is no manifest.
    """
    read_manifest(place)
    return sha256((place / MANIFEST).read_bytes())


@cache
def _files(place: Path) -> dict[str, Any]:
    return dict(read_manifest(place)["files"])


def layered(case: Case, named: Mapping[str, Array]) -> Parameters:
    """The parameters of the case among some named arrays.

    Raises:
        KeyError: one is missing.
        ValueError: their shapes do not make the network of the case.
    """
    parameters = Parameters.of(named)
    if parameters.sizes != case.sizes:
        raise ValueError(f"w2 … b{case.layers}")
    return parameters


def _shapes(case: Case) -> dict[str, tuple[int, ...]]:
    """The tensors of a case and their shapes."""
    start = [f"{kind}{layer}" for layer in range(2, case.layers + 1) for kind in "bw"]
    shapes = {name: shape_of(case, name, 0) for name in start}
    for t, batch in enumerate(case.batches):
        m = len(batch)
        shapes |= {f"{t}/x": (case.sizes[0], m), f"{t}/y": (case.sizes[-1], m)}
        for name in causal_order(case.layers):
            shapes[f"{t}/{name}"] = shapes[f"bound/{t}/{name}"] = shape_of(case, name, m)
    return shapes


def shape_of(case: Case, name: str, m: int) -> tuple[int, ...]:
    """The shape of a quantity of a case, in a mini-batch of m samples."""
    quantity, layer = split(name)
    if layer is None:
        return ()
    columns = {"w": case.sizes[layer - 2], "b": 1}.get(quantity.removeprefix("nabla_"), m)
    return (case.sizes[layer - 1], columns)


def _check(case: Case, tensors: Mapping[str, Array]) -> None:
    """Refuse what is not the tensors of the case, each in its shape and dtype and finite.

    Raises:
        ValueError: the message begins with the name of the tensor.
    """
    shapes = _shapes(case)
    for name in sorted(shapes.keys() ^ tensors.keys()):
        what = "is missing" if name in shapes else "does not belong there"
        raise ValueError(f"{name} {what}")
    for name, shape in shapes.items():
        array = tensors[name]
        if array.shape != shape or array.dtype != case.type:
            right = f"{case.dtype} {shape}"
            raise ValueError(f"{name} is {array.dtype} {array.shape}, should be {right}")
        if not np.isfinite(array).all() or (name.startswith("bound/") and (array < 0).any()):
            raise ValueError(f"{name} holds a number that is not finite, or a bound below zero")


def _recorded(case: Case, tensors: Mapping[str, Array]) -> Recorded:
    _check(case, tensors)
    parameters = layered(case, tensors)
    steps = []
    for t in range(case.steps):
        expected = {name: tensors[f"{t}/{name}"] for name in causal_order(case.layers)}
        bound = {name: tensors[f"bound/{t}/{name}"] for name in expected}
        batch = Batch(tensors[f"{t}/x"], tensors[f"{t}/y"])
        steps.append(RecordedStep(parameters, batch, expected, bound))
        parameters = layered(case, expected)
    return Recorded(case, tuple(steps))
