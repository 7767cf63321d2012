"""Proving the corpus: every value recomputed in balls, every byte, hash and the schemas compared.

Left out: making it (`build.py`).
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from conformance.cases import recipes
from conformance.cases.build import build_by_id, manifest
from conformance.corpus.case import Case
from conformance.corpus.casefile import parse
from conformance.corpus.embedded import EMBEDDED, embedded_hash
from conformance.corpus.store import MANIFEST, file_name, read_manifest
from conformance.errors import CorpusError
from conformance.model.table import entry
from conformance.running.parallel_runs import in_parallel
from reference.step import STATE, Array, causal_order

MANIFEST_SCHEMA, CASE_SCHEMA = "manifest.schema.json", "case.schema.json"
MOST_NAMED = 3  # tensors of one file that a message names


def verify(place: Path, workers: int) -> Iterator[tuple[str, list[str]]]:
    """Each part of the corpus, the cases first and the manifest last, with what is wrong with it.

    Args:
        place: the corpus.
        workers: how many processes compute.

    Raises:
        CorpusError: the embedded MNIST files or the manifest cannot be read.
    """
    read_manifest(place)
    yield "mnist", _mnist_problems(place)
    ids = [recipe.case.id for recipe in recipes()]
    built: list[tuple[Case, dict[str, bytes]]] = []
    for case, files in in_parallel(build_by_id, ids, place, workers):
        built.append((case, files))
        yield (
            case.id,
            [
                problem
                for name, raw in files.items()
                for problem in file_problems(place / name, raw)
            ],
        )
    yield MANIFEST, _manifest_problems(place, manifest(place, built))
    yield CASE_SCHEMA, _header_problems(place, [case for case, _ in built])
    expected = {place / name for _, files in built for name in files}
    strangers = sorted(set((place / "cases").glob("*")) - expected)
    yield "cases", [f"{path}: no case has this file; remove it" for path in strangers]


def schema_checked() -> bool:
    """Whether the package that checks JSON schemas is installed (the extra `dev`)."""
    return find_spec("jsonschema") is not None


def file_problems(path: Path, right: bytes) -> list[str]:
    """What is wrong with a file of the corpus, given the bytes that it should have."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        return [f"{path}: {error.strerror}; run `conformance fixtures build`"]
    if raw == right:
        return []
    if path.suffix != ".safetensors":
        return [f"{path}: other bytes than the computation gives; run `conformance fixtures build`"]
    try:
        header, tensors = parse(raw, path)
    except CorpusError as error:
        return [str(error)]
    right_header, right_tensors = parse(right, path)
    if header != right_header:
        return [f"{path}: its header is not that of the case"]
    layers = len(header["case"]["sizes"])
    return [f"{path}: {each}" for each in _differences(tensors, right_tensors, layers)] or [
        f"{path}: the same values in other bytes (container changed)"
    ]


def _differences(tensors: dict[str, Array], right: dict[str, Array], layers: int) -> list[str]:
    """The tensors that differ in causal order, the first wrong entry of each in words."""
    found = []
    for name in sorted(tensors.keys() | right.keys(), key=lambda name: _place(name, layers)):
        if name not in tensors:
            found.append(f"tensor {name} is missing")
        elif name not in right:
            found.append(f"tensor {name} does not belong there")
        elif not _same(tensors[name], right[name]):
            found.append(f"tensor {name}: {_difference(name, tensors[name], right[name])}")
    more = len(found) - MOST_NAMED
    return found[:MOST_NAMED] + ([f"and {more} more tensors"] if more > 0 else [])


def _place(name: str, layers: int) -> tuple[bool, str, int, str]:
    """Where a tensor stands: values before bounds, steps and quantities in their order."""
    *before, quantity = name.split("/")
    order = causal_order(layers, STATE)
    step = before[-1].rjust(9) if before else ""
    at = order.index(quantity) if quantity in order else -1
    return before[:1] == ["bound"], step, at, name


def _same(array: Array, right: Array) -> bool:
    return array.dtype == right.dtype and np.array_equal(array, right, equal_nan=True)


def _difference(name: str, array: Array, right: Array) -> str:
    if array.dtype != right.dtype or array.shape != right.shape:
        return f"{array.dtype} {array.shape}, should be {right.dtype} {right.shape}"
    unequal = np.argwhere((array != right) & ~(np.isnan(array) & np.isnan(right)))
    index = tuple(int(i) for i in unequal[0])
    quantity = name.rsplit("/", 1)[-1]
    words = f" ({entry(quantity, index)})" if quantity not in ("x", "y") and index else ""
    return (
        f"entry {list(index)}{words} is {array[index]!r}, should be {right[index]!r}; "
        f"{len(unequal)} of {array.size} entries differ"
    )


def _mnist_problems(place: Path) -> list[str]:
    problems = []
    for name, (_, right) in EMBEDDED.items():
        try:
            if embedded_hash(place / name) != right:
                problems.append(f"{place / name}: not the first images or labels of MNIST")
        except (OSError, ValueError) as error:
            problems.append(f"{error}; restore the file from the repository")
    return problems


def _manifest_problems(place: Path, right: bytes) -> list[str]:
    path = place / MANIFEST
    raw = path.read_bytes()
    problems = schema_problems(place / MANIFEST_SCHEMA, {path: json.loads(raw)})
    if raw != right:
        differs = [
            f"`{key}`"
            for key, value in json.loads(right).items()
            if json.loads(raw).get(key) != value
        ]
        what = f"{' and '.join(differs)} differ from" if differs else "not laid out like"
        problems.append(f"{path}: {what} the computed manifest; run `conformance fixtures build`")
    return problems


def _header_problems(place: Path, cases: list[Case]) -> list[str]:
    """Where the headers of the files, as far as they can be read, depart from their schema."""
    headers = {}
    for path in (place / file_name(case) for case in cases):
        with suppress(OSError, CorpusError):  # told by `file_problems`
            headers[path] = parse(path.read_bytes(), path)[0]
    return schema_problems(place / CASE_SCHEMA, headers)


def schema_problems(schema: Path, instances: Mapping[Path, object]) -> list[str]:
    """Where JSON values, by their files, depart from a schema; none if it cannot be checked."""
    if not schema_checked():
        return []
    import jsonschema

    try:
        validator = jsonschema.Draft202012Validator(json.loads(schema.read_bytes()))
    except (OSError, ValueError) as error:
        return [f"{schema}: {error}; restore the file from the repository"]
    return [
        f"{path}: {error.json_path}: {error.message}"
        for path, instance in instances.items()
        for error in validator.iter_errors(instance)
    ]
