"""Making the corpus: every expected value exact and correctly rounded, every bound rounded up.

The same bytes on every machine, since nothing but integer and ball arithmetic takes part. Files
are written under temporary names and renamed, the manifest last. Left out: the MNIST subset, which
is kept as it is (`embed_mnist` makes it from the canonical files).
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from conformance.arithmetic.balls import (
    KinkError,
    balls,
    finite,
    rounded,
    rounded_up,
    tells_ties,
    until_decided,
)
from conformance.cases import recipes
from conformance.corpus import store
from conformance.corpus.case import CORPUS_VERSION, SCHEMA_VERSION, Case
from conformance.corpus.casefile import case_header, json_lines, readable, serialized, sha256, write
from conformance.corpus.embedded import EMBEDDED, embedded, embedded_bytes
from conformance.corpus.recipe import Mnist, Recipe
from conformance.corpus.recorded import Recorded, RecordedStep, layered, tensors
from conformance.corpus.store import MANIFEST, file_name, read_manifest
from conformance.errors import CorpusError
from conformance.model.update_kinds import SGD
from conformance.running.parallel_runs import in_parallel
from conformance.verdict.oracle import at_kinks, exact_step, expectations
from reference.step import Array, Batch, Parameters

TINY = 4096  # bytes of tensors up to which a case of the book is written as JSON too


def build_case(recipe: Recipe, place: Path) -> dict[str, bytes]:
    """The files of one case by their names.

    Raises:
        CorpusError: the embedded MNIST files are missing or damaged.
    """
    case = recipe.case
    data = _data(recipe, place)
    start = _trained(recipe, place) if recipe.training else recipe.start(case.dtype)
    start = case.rule.begun(start)
    named = tensors(recorded_run(case, start, map(data.columns, case.batches)))
    files = {file_name(case): serialized(case, named)}
    of_book = case.update == SGD and not case.masks
    if of_book and sum(array.nbytes for array in named.values()) <= TINY:
        files[f"cases/{case.id}.json"] = readable(case, named)
    return files


def recorded_run(case: Case, start: Parameters, batches: Iterable[Batch]) -> Recorded:
    """A case with its numbers, each step from where the one before has ended; see `recorded_step`.

    Raises:
        ArithmeticError: there are no such numbers.
    """
    steps = []
    for batch in batches:
        values, bounds = recorded_step(case, start, batch)
        steps.append(RecordedStep(start, batch, values, bounds))
        start = layered(case, values)
    return Recorded(case, tuple(steps))


def recorded_step(
    case: Case, parameters: Parameters, batch: Batch
) -> tuple[dict[str, Array], dict[str, Array]]:
    """The correctly rounded values of a step from these floats, and the tolerance around them.

    Raises:
        UndecidedError: neurons are so saturated that a value may be a tie, or beside one.
        OverflowError: a value is beyond the largest number of the format.
    """

    def compute(ties: bool) -> tuple[dict[str, Array], dict[str, Array]]:
        exact = expectations(case, parameters.map(balls), batch.map(balls))
        for layer in case.kinks:
            refuse_kinks(f"z{layer}", exact[f"z{layer}"].value)
        ties = ties and tells_ties(exact[f"z{layer}"].value for layer in range(2, case.layers + 1))
        values, bounds = {}, {}
        for name, quantity in exact.items():
            values[name] = rounded(quantity.value, case.dtype, ties=ties)
            if not np.isfinite(values[name]).all():
                raise OverflowError(f"{name} is beyond the largest {case.dtype}")
            bound = quantity.bound + abs(quantity.value - balls(values[name]))
            bounds[name] = rounded_up(finite(bound), case.type, ties=ties)
        return values, bounds

    return until_decided(compute)


def refuse_kinks(name: str, z: Array) -> None:
    """Refuse a z that may be 0, where f′ jumps: what is right there is a convention.

    Raises:
        KinkError: it may be.
    """
    if at_kinks(z):
        raise KinkError(f"{name} is 0, where f′ jumps: give other numbers")


def manifest(place: Path, built: list[tuple[Case, dict[str, bytes]]]) -> bytes:
    """The manifest over the built cases and the embedded MNIST files."""
    files = {name: raw for _, made in built for name, raw in made.items()}
    files |= {name: embedded_bytes(place / name) for name in EMBEDDED}
    entry = {
        "schema_version": SCHEMA_VERSION,
        "version": CORPUS_VERSION,
        "cases": [case_header(case)["case"] for case, _ in built],
        "files": {
            name: {"bytes": len(raw), "sha256": sha256(raw)} for name, raw in sorted(files.items())
        },
    }
    return f"{json_lines(entry, 2)}\n".encode()


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
            write(place / name, embedded_bytes(source / name))
    before = _listed(place)
    write(place / MANIFEST, manifest(source, built))
    for name in before.difference(*(files for _, files in built)):
        (place / name).unlink(missing_ok=True)


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
        exact = exact_step(case, parameters, batch)
        sure = ties and tells_ties(exact.z)
        return exact.parameters.map(lambda array: rounded(array, np.float64, ties=sure))

    return until_decided(compute)


def read(place: Path, case: Case) -> Recorded:
    """The numbers of a case of the corpus, in a short format or with another update if it says so.

    Each later step of those starts from the truth of the one before, rounded to the format.

    Raises:
        CorpusError: the file is missing or damaged.
        ArithmeticError: in this format there is no such case: a number is beyond its largest, or
            z is 0 where f′ jumps.
    """
    plain = replace(case, scale=1.0)
    if case.base:
        return _moved_otherwise(case, read(place, _by_id(place)[case.base]))
    if case.format.short:
        return in_short(case, store.read(place, plain.in_format("float64")))
    return replace(store.read(place, plain), case=case)


def in_short(case: Case, whole: Recorded) -> Recorded:
    """A case in another format, with the numbers of one rounded to it; as `read`."""
    for name, constant in case.constants:
        if case.format.rounded(constant) == 0:
            raise ArithmeticError(f"{name} = {constant} rounds to 0")
    start = whole.steps[0].parameters.map(case.format.rounded)
    return recorded_run(case, start, (e.batch.map(case.format.rounded) for e in whole.steps))


@lru_cache(maxsize=1)
def _by_id(place: Path) -> dict[str, Case]:
    """The recorded cases by their ids."""
    return {each.id: each for each in store.cases(place)}


def _moved_otherwise(case: Case, base: Recorded) -> Recorded:
    """A case with the start and the data of another one."""
    start = case.rule.begun(base.steps[0].parameters)
    return recorded_run(case, start, (each.batch for each in base.steps))
