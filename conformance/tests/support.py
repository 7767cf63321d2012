"""What the tests of the tools share: recorded cases, wrong subjects, corpora to damage."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import settings

from conformance.corpus import casefile, store
from conformance.corpus.case import Case
from conformance.corpus.recorded import Recorded
from conformance.judging.observe import ExactRun, exact_run
from conformance.subjects import ReferenceSession, Session, Subject
from conformance.subjects.book.book_network import BookNetwork
from conformance.subjects.book.traced_runs import update_run
from conformance.tests.parts import few
from reference.equations import BOOK, COSTS
from reference.step import Array, Batch, Parameters, split

PROFILE = settings(derandomize=True, deadline=None, max_examples=few(12, 30), database=None)

WRONG: dict[str, tuple[str, Callable[..., Array]]] = {
    "Z": ("weighted_input", lambda w, a, b: w @ a - b),
    "A": ("activation", lambda z: 1 / (1 + np.exp(z))),
    "C": ("cost", lambda a, y: np.square(a - y).sum() / y.shape[1]),
    "BP1": ("output_error", lambda z, a, y: (y - a) * BOOK.activation(z) * BOOK.activation(-z)),
    "BP2": ("hidden_error", lambda w, delta, _z: w.T @ delta),
    "BP3": ("bias_gradient", lambda delta: delta.sum(axis=1, keepdims=True)),
    "BP4": ("weight_gradient", lambda delta, a: delta @ a.T),
    "B": ("updated_bias", lambda b, nabla, eta: b + eta * nabla),
    "W": ("updated_weight", lambda w, nabla, eta, _decay: w - eta * nabla),
}
"""An equation by its tag: its field, and what somebody wrote in its place."""


@cache
def recorded(id_: str) -> Recorded:
    """A case of the corpus with its numbers."""
    return store.read(store.root(), every_case()[id_])


@cache
def every_case() -> dict[str, Case]:
    """The cases of the corpus by their ids."""
    return {each.id: each for each in store.cases(store.root())}


def exactly(subject: Subject, whole: Recorded) -> ExactRun:
    """The first step of a case on balls."""
    run = exact_run(subject, whole.case, whole.steps[0])
    assert run is not None
    return run


def with_equations(**changed: Callable[..., Any]) -> Subject:
    """The reference with some equations replaced."""

    def start(case: Case, parameters: Parameters) -> Session:
        book = BOOK.with_cost(COSTS[case.cost])
        return ReferenceSession(case, parameters, replace(book, **changed))

    return Subject("wrong", start)


def wrong_at(*tags: str) -> Subject:
    """The reference with the equations of these tags wrong."""
    return with_equations(**dict(WRONG[tag] for tag in tags))


class Hiding:
    """A session that shows some quantities alone."""

    def __init__(self, session: Session, kept: tuple[str, ...]) -> None:
        self.session, self.kept = session, kept

    def step(self, batch: Batch) -> dict[str, Array]:
        """Take one step and show a part of it."""
        seen: Any = self.session.step(batch)
        return {name: each for name, each in seen.items() if split(name)[0] in self.kept}


def hiding(subject: Subject, *kept: str) -> Subject:
    """A subject that shows some quantities alone, such as `delta`."""

    def start(case: Case, parameters: Parameters) -> Session:
        return Hiding(subject.start(case, parameters), kept)

    return Subject("hiding", start)


class Showing:
    """A correct subject that shows some of its quantities."""

    def __init__(self, case: Case, parameters: Parameters, *quantities: str) -> None:
        """Start the reference."""
        book = BOOK.with_cost(COSTS[case.cost])
        self.session, self.quantities = ReferenceSession(case, parameters, book), quantities

    def step(self, batch: Batch) -> Mapping[str, Array]:
        """Take one step and show the quantities whose names begin so."""
        named = self.session.step(batch).named()
        return {name: array for name, array in named if name.startswith(self.quantities)}


def showing(*quantities: str) -> Subject:
    """A correct subject that shows the quantities whose names begin so, if any."""
    shown = quantities or ("nothing",)
    return Subject("partial", lambda case, parameters: Showing(case, parameters, *shown))


class Answering:
    """A subject whose every step is what a function makes of the mini-batch."""

    def __init__(self, answer: Callable[[Batch], Any]) -> None:
        """Keep the function."""
        self.answer = answer

    def step(self, batch: Batch) -> Any:
        """Answer."""
        return self.answer(batch)


def answering(answer: Callable[[Batch], Any]) -> Subject:
    """A subject whose every step is what a function makes of the mini-batch."""
    return Subject("answering", lambda _case, _parameters: Answering(answer))


def corpus_of(place: Path, *ids: str) -> Path:
    """A copy of the corpus with the files of some cases alone."""
    source = store.root()
    (place / "cases").mkdir(parents=True)
    for name in ("README.md", store.MANIFEST, "manifest.schema.json", "case.schema.json"):
        shutil.copy(source / name, place / name)
    for id_ in ids:
        name = store.file_name(recorded(id_).case)
        shutil.copy(source / name, place / name)
    return place


def rehash(place: Path, name: str) -> None:
    """Make the manifest agree with a file that was changed."""
    raw = (place / name).read_bytes()
    manifest = json.loads((place / store.MANIFEST).read_bytes())
    manifest["files"][name] = {"bytes": len(raw), "sha256": casefile.sha256(raw)}
    (place / store.MANIFEST).write_text(json.dumps(manifest))


def rewrite(place: Path, id_: str, change: Callable[[dict[str, Array]], object]) -> Path:
    """Change the tensors of a case's file and make the manifest agree."""
    case = recorded(id_).case
    path = place / store.file_name(case)
    _, tensors = casefile.parse(path.read_bytes(), path)
    tensors = {name: array.copy() for name, array in tensors.items()}
    change(tensors)
    path.write_bytes(container(tensors, json.dumps(casefile.case_header(case), ensure_ascii=False)))
    rehash(place, store.file_name(case))
    return path


def container(tensors: Mapping[str, Array], header: str) -> bytes:
    """A safetensors file, each tensor in its own dtype."""
    from safetensors.numpy import save

    return save(dict(tensors), metadata={"case": header})


def half_written(path: Path, raw: bytes) -> int:
    """What `Path.write_bytes` does on a disk that gets full on the way."""
    with path.open("wb") as file:
        file.write(raw[: len(raw) // 2])
    raise OSError(28, "No space left on device")


def traced_and_untraced(cls: type) -> Iterator[tuple[Any, Array]]:
    """Each parameter after an update that is traced, and after the same update untraced."""
    network = BookNetwork(cls, cls.__name__)
    cost, dtype = network.conventions.cost, network.conventions.dtype
    whole = recorded("square-4-4-4-4")
    case, step = replace(whole.case, cost=cost, dtype=dtype), whole.steps[0]
    start = step.parameters.map(lambda array: array.astype(dtype))
    batch = step.batch.map(lambda array: array.astype(dtype))
    made = update_run(network, case, start, batch)
    net = network.make(case.sizes, case.cost)
    network.fill(net, *network.outwards(start))
    network.update(net, batch, (case.eta, case.lmbda, case.n))
    for name, held in network.inwards(net).items():
        yield made.left[name], np.asarray(held)
