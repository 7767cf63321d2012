"""Making the corpus: every expected value exact and correctly rounded, every bound rounded up.

The same bytes on every machine, since nothing but integer and ball arithmetic takes part. Files
are written under temporary names and renamed, the manifest last. Left out: the MNIST subset, which
is kept as it is (`embed_mnist` makes it from the canonical files).
"""

import gzip
import json
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import DTypeLike

from conformance.arithmetic.balls import balls, rounded, rounded_up, until_decided
from conformance.cases import recipes
from conformance.corpus.case import SCHEMA_VERSION, Case
from conformance.corpus.recipe import Mnist, Recipe
from conformance.corpus.store import (
    MANIFEST,
    MOST_BYTES,
    case_header,
    file_name,
    layered,
    read_manifest,
    readable,
    serialized,
    sha256,
)
from conformance.errors import CorpusError
from conformance.oracle import exact_step, expectations
from reference.mnist import read_idx, read_images, read_labels, to_batch
from reference.step import Array, Batch, Parameters

T = TypeVar("T")

EMBEDDED = {
    "mnist/t10k-images-idx3-ubyte.gz": (
        1000,
        "f8f3c5a608a9f7d4bd5e9d69b90c53932b8b99371d9db26121b42f62f3abcd56",
    ),
    "mnist/t10k-labels-idx1-ubyte.gz": (
        1000,
        "d14ba0a1a3818edefa35518ed001ece84b7ac0eabe9394551c73928493175d3f",
    ),
    "mnist/train-images-idx3-ubyte.gz": (
        5000,
        "a853ca5da5c224d531837eaa3fe56ac036778bb2fdfad445143b5b7d4ec1c739",
    ),
    "mnist/train-labels-idx1-ubyte.gz": (
        5000,
        "4263f048ea43702387ef1c8494b59e785853c0410e9770600d50f541a6fee264",
    ),
}
"""How many images or labels are embedded, and the SHA-256 of their bytes without the header."""

TINY = 4096  # bytes of tensors up to which a case is written as JSON too


def embedded(place: Path, first: int, count: int, dtype: DTypeLike) -> Batch:
    """Images and labels of the embedded training set as a mini-batch of columns.

    Raises:
        CorpusError: the embedded files are missing or damaged.
    """
    try:
        images = read_images(place / "mnist/train-images-idx3-ubyte.gz")
        labels = read_labels(place / "mnist/train-labels-idx1-ubyte.gz")
    except (OSError, ValueError) as error:
        raise CorpusError(f"{error}; restore fixtures/mnist from the repository") from error
    chosen = slice(first, first + count)
    return to_batch(images[chosen], labels[chosen], dtype)


def embedded_hash(path: Path) -> str:
    """The SHA-256 of the images or labels of an IDX file.

    Raises:
        ValueError: the file is damaged.
        OSError: it cannot be read.
    """
    return sha256(read_idx(path).tobytes())


def embed_mnist(source: Path, place: Path) -> None:
    """Write the first images and labels of the canonical MNIST files as the embedded subset.

    Raises:
        CorpusError: a canonical file is missing or damaged, or is not the canonical one.
    """
    for name, (count, right) in EMBEDDED.items():
        path = source / Path(name).name
        try:
            kept = read_idx(path)[:count]
        except (OSError, ValueError) as error:
            raise CorpusError(f"{error}; give the folder of the four canonical files") from error
        if sha256(kept.tobytes()) != right:
            raise CorpusError(f"{path}: not the canonical MNIST file: other images or labels")
        sizes = struct.pack(f">{kept.ndim}I", *kept.shape)
        raw = b"\0\0\x08" + bytes([kept.ndim]) + sizes + kept.tobytes()
        write(place / name, gzip.compress(raw, 9, mtime=0))


def build_case(recipe: Recipe, place: Path) -> dict[str, bytes]:
    """The files of one case by their names.

    Raises:
        CorpusError: the embedded MNIST files are missing or damaged.
    """
    case = recipe.case
    data = _data(recipe, place)
    start = _trained(recipe, place) if recipe.training else recipe.start(case.dtype)
    tensors = dict(sorted(start.named()))
    for t, samples in enumerate(case.batches):
        batch = data.columns(samples)
        tensors |= {f"{t}/x": batch.x, f"{t}/y": batch.y}
        values, bounds = recorded_step(case, start, batch)
        tensors |= {f"{t}/{name}": array for name, array in values.items()}
        tensors |= {f"bound/{t}/{name}": array for name, array in bounds.items()}
        start = layered(case, values)
    files = {file_name(case): serialized(case, tensors)}
    if sum(array.nbytes for array in tensors.values()) <= TINY:
        files[f"cases/{case.id}.json"] = readable(case, tensors)
    return files


def recorded_step(
    case: Case, parameters: Parameters, batch: Batch
) -> tuple[dict[str, Array], dict[str, Array]]:
    """The correctly rounded values of a step from these floats, and the tolerance around them."""

    def compute(ties: bool) -> tuple[dict[str, Array], dict[str, Array]]:
        exact = expectations(case, parameters.map(balls), batch.map(balls))
        values, bounds = {}, {}
        for name, quantity in exact.items():
            values[name] = rounded(quantity.value, case.dtype, ties=ties)
            off = abs(quantity.value - balls(values[name]))
            bounds[name] = rounded_up(quantity.bound + off, case.dtype, ties=ties)
        return values, bounds

    return until_decided(compute)


def manifest(place: Path, built: list[tuple[Case, dict[str, bytes]]]) -> bytes:
    """The manifest over the built cases and the embedded MNIST files."""
    files = {name: raw for _, made in built for name, raw in made.items()}
    files |= {name: _digits(place / name) for name in EMBEDDED}
    entry = {
        "schema_version": SCHEMA_VERSION,
        "cases": [case_header(case)["case"] for case, _ in built],
        "files": {
            name: {"bytes": len(raw), "sha256": sha256(raw)} for name, raw in sorted(files.items())
        },
    }
    return (json.dumps(entry, indent=1, ensure_ascii=False) + "\n").encode()


def write(path: Path, raw: bytes) -> None:
    """Write a file under a temporary name and rename it, so that no half a file is ever there.

    Raises:
        CorpusError: the folder cannot be written to, or the file would be too large to be read.
    """
    if len(raw) > MOST_BYTES:
        raise CorpusError(f"{path}: {len(raw)} bytes are more than a case may have ({MOST_BYTES})")
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(raw)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise CorpusError(
            f"{path}: {error.strerror}; give a folder that can be written to"
        ) from error


def in_parallel(
    work: Callable[[str, Path], T], ids: Sequence[str], place: Path, workers: int
) -> Iterator[T]:
    """`work(id, place)` of each case in the order of the ids, on several processes.

    Args:
        work: a function of a module, since the processes import it.
        ids: the cases.
        place: the corpus.
        workers: how many processes; 1 works in this one.
    """
    if workers == 1:
        yield from (work(id_, place) for id_ in ids)
        return
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        yield from pool.map(work, ids, [place] * len(ids))


def build_by_id(id_: str, place: Path) -> tuple[Case, dict[str, bytes]]:
    """The files of the case with this id; see `build_case`."""
    recipe = next(recipe for recipe in recipes() if recipe.case.id == id_)
    return recipe.case, build_case(recipe, place)


def build(source: Path, place: Path, workers: int) -> Iterator[Case]:
    """Build all cases and their manifest into a folder; yields each case when it is written.

    Args:
        source: where the embedded MNIST files are.
        place: where to write; files of cases that no longer exist are removed.
        workers: how many processes compute.

    Raises:
        CorpusError: the embedded files are damaged, or the folder cannot be written to.
    """
    ids = [recipe.case.id for recipe in recipes()]
    built: list[tuple[Case, dict[str, bytes]]] = []
    for case, files in in_parallel(build_by_id, ids, source, workers):
        built.append((case, files))
        for name, raw in files.items():
            write(place / name, raw)
        yield case
    if place != source:
        for name in EMBEDDED:
            write(place / name, _digits(source / name))
    before = _listed(place)
    write(place / MANIFEST, manifest(source, built))
    for name in before.difference(*(files for _, files in built)):
        (place / name).unlink(missing_ok=True)


def _digits(path: Path) -> bytes:
    """The bytes of an embedded MNIST file."""
    try:
        return path.read_bytes()
    except OSError as error:
        what = f"{path}: {error.strerror}; restore fixtures/mnist from the repository"
        raise CorpusError(what) from error


def _listed(place: Path) -> set[str]:
    """The files of cases that the present manifest lists, the only ones that may be removed."""
    try:
        listed = read_manifest(place)["files"]
    except CorpusError:
        return set()
    return {f"cases/{Path(name).name}" for name in listed if name.startswith("cases/")}


def _data(recipe: Recipe, place: Path) -> Batch:
    if isinstance(recipe.data, Mnist):
        count = 1 + max(max(samples) for samples in recipe.case.batches)
        return embedded(place, recipe.data.first, count, recipe.case.dtype)
    return recipe.data(recipe.case.dtype)


def _trained(recipe: Recipe, place: Path) -> Parameters:
    """The start after the training steps in float64, rounded once more to the case's dtype."""
    parameters = recipe.start(np.float64)
    for batch in _training_batches(recipe, place):
        parameters = _correctly_rounded_update(recipe.case, parameters, batch)
    return parameters.map(lambda array: array.astype(recipe.case.type))


def _training_batches(recipe: Recipe, place: Path) -> Iterator[Batch]:
    if recipe.training is not None:
        steps, m = recipe.training.steps, recipe.training.m
        data = embedded(place, 0, steps * m, np.float64)
        yield from (data.columns(slice(t * m, (t + 1) * m)) for t in range(steps))


def _correctly_rounded_update(case: Case, parameters: Parameters, batch: Batch) -> Parameters:
    def compute(ties: bool) -> Parameters:
        exact = exact_step(case, parameters, batch).parameters
        return exact.map(lambda array: rounded(array, np.float64, ties=ties))

    return until_decided(compute)
