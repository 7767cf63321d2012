"""Training in lockstep: the same epochs for all, rounding told from a jump, a wrong loop named."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.corpus.case import Case
from conformance.errors import SubjectError, UsageError
from conformance.mistakes.catalogue import CATALOGUE
from conformance.mistakes.mistake import subject_of
from conformance.subjects import ReferenceSession, Subject
from conformance.subjects.book import traced_session
from conformance.subjects.book.book_subject import book_subject
from conformance.subjects.book.traced_session import TracedSession
from conformance.subjects.named import SUBJECTS, find
from conformance.subjects.observation import Observation
from conformance.tests.networks import book, stateful
from conformance.training import training_run as whole_run
from conformance.training.lockstep import Lockstep
from conformance.training.settings import Settings
from conformance.training.show_training import epoch_lines
from conformance.training.training_record import Epoch
from conformance.training.training_run import result
from reference import Batch, Network, Parameters, Step
from reference.equations import BOOK
from reference.step import Array

SMALL = Settings(sizes=(4, 3, 2), epochs=2, mini_batch=3, eta=0.5, subjects=())
LOOPS = {
    "remainder-dropped": (0, 3),
    "remainder-nominal-size": (0, 3),
    "x-and-y-shuffled-apart": (0, 0),
    "gradients-accumulate": (0, 1),
    "shuffle-duplicates-rows": (0, 0),
}
"""Wrong loops, and the first epoch and step in which they must be found."""


def data(n: int = 10) -> Batch:
    rng = np.random.default_rng(99)
    return Batch(rng.random((4, n)), np.eye(2)[:, rng.integers(0, 2, n)])


def lockstep(*subjects: Subject, settings: Settings = SMALL, n: int = 10) -> Lockstep:
    batch = data(n).map(lambda array: array.astype(settings.dtype))
    return Lockstep(settings, batch, batch, subjects)


def walked(walk: Lockstep) -> list[Epoch]:
    return [walk.walk() for _ in range(walk.epoch, walk.settings.epochs)]


def arrays(walk: Lockstep) -> list[Array]:
    partners = [array for each in walk.partners for _, array in each.parameters.named()]
    return [*walk.network.weights, *walk.network.biases, *partners, *walk.companion.weights]


def test_the_reference_walks_as_its_network_trains_itself() -> None:
    walk = lockstep()
    walked(walk)
    net = Network([4, 3, 2], np.random.default_rng(0))
    net.SGD(data(), 2, 3, 0.5)
    assert all(map(np.array_equal, walk.network.weights, net.weights))
    assert all(map(np.array_equal, walk.network.biases, net.biases))


@pytest.mark.parametrize("name", sorted(SUBJECTS))
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("cost", ["quadratic", "cross-entropy"])
def test_of_a_right_subject_rounding_explains_the_drift(name: str, dtype: str, cost: str) -> None:
    settings = replace(SMALL, dtype=dtype, cost=cost, lmbda=0.5)
    walk = lockstep(find(name), settings=settings)
    epochs = walked(walk)
    last = epochs[-1].walked[1]
    assert max(last.ratio, last.worst, last.apart) < 1
    assert min(last.ratio, last.worst, last.apart) > 0 or name == "reference"
    assert [epoch.walked[1].judged for epoch in epochs] == [4, 4]
    assert result(settings, "", epochs, walk).exit_code == 0


@pytest.mark.parametrize("id_", LOOPS)
def test_a_wrong_loop_is_named(id_: str) -> None:
    walk = lockstep(subject_of(CATALOGUE[id_]))
    epochs = walked(walk)
    jump = walk.partners[0].jump
    assert jump is not None
    assert ((jump.epoch, jump.step), jump.causes) == (LOOPS[id_], (id_,))
    assert result(SMALL, "", epochs, walk).exit_code == 1


@pytest.mark.parametrize(
    ("id_", "tag", "layer"), [("bp2-no-sigma-prime", "BP2", 2), ("bias-frozen", "B", 2)]
)
def test_a_wrong_equation_is_named_with_its_layer(id_: str, tag: str, layer: int) -> None:
    walk = lockstep(subject_of(CATALOGUE[id_]))
    walk.walk()
    jump = walk.partners[0].jump
    assert jump is not None
    assert (jump.tag, jump.layer, jump.causes) == (tag, layer, (id_,))


class LateSession(ReferenceSession):
    """Right, but for one step in the middle of the epoch, in which a weight moves too far."""

    taken = 0

    def step(self, batch: Batch) -> Step:
        """Take one step."""
        after = super().step(batch)
        self.taken += 1
        if self.taken == 18:
            w = [np.array(each) for each in after.w]
            w[1][0, 0] += 1e-9
            after = replace(after, w=tuple(w))
            self.parameters = after.parameters
        return after


def late(case: Case, parameters: Parameters) -> LateSession:
    return LateSession(case, parameters, BOOK)


def test_a_jump_is_found_in_a_step_that_nobody_meant_to_judge() -> None:
    walk = lockstep(Subject("late", late), n=100)
    walk._judged = lambda steps: {0, steps - 1}  # type: ignore[method-assign] # noqa: SLF001
    walk.walk()
    jump = walk.partners[0].jump
    assert jump is not None
    assert (jump.step, jump.name, jump.tag) == (17, "w3", "W")
    assert walk.partners[0].judged == 2  # the first step and this one; after it none


def test_a_network_of_the_book_takes_part() -> None:
    walk = lockstep(book_subject(book.Network, "book"))
    epochs = walked(walk)
    assert walk.partners[0].jump is None
    assert epochs[-1].walked[1].ratio < 1


def test_after_a_jump_a_network_is_no_longer_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    """To trace a wrong update is to repeat the run, which takes longer with every step."""
    traced: list[Batch] = []
    step = TracedSession.step

    def recording(session: TracedSession, batch: Batch) -> Observation:
        traced.append(batch)
        return step(session, batch)

    monkeypatch.setattr(TracedSession, "step", recording)
    walk = lockstep(book_subject(stateful.GradientsKept, "kept"))
    last = walked(walk)[-1]
    jump = walk.partners[0].jump
    assert jump is not None
    assert jump.causes == ("gradients-accumulate",)
    assert len(traced) == jump.step + 1
    assert last.walked[1].drift > 0
    assert "judged" not in "".join(epoch_lines(last))


@pytest.mark.thorough  # a run of its own, long enough to forget
def test_a_network_in_training_keeps_its_last_mini_batches_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(traced_session, "REPEATED", 4)
    subject = book_subject(stateful.GradientsKept, "kept")
    partner = lockstep(subject, n=3).partners[0]
    session = partner.session
    assert isinstance(session, TracedSession)
    for _ in range(8):
        assert "w2" in session.step(data(3)).shown
        assert len(session.taken) <= 4


def test_a_subject_cannot_overwrite_what_others_are_given() -> None:
    walk = lockstep(subject_of(CATALOGUE["inputs-mutated"]), find("reference"))
    walked(walk)
    assert walk.partners[1].jump is None


class Silent:
    """Shows z alone."""

    def step(self, batch: Batch) -> Mapping[str, Array]:
        """Take no step."""
        return {"z2": np.zeros((3, batch.m))}


class Broken:
    """Stops."""

    def step(self, _: Batch) -> Mapping[str, Array]:
        """Stop."""
        raise RuntimeError("out of ink")


class Leaving:
    """Leaves the program."""

    def step(self, _: Batch) -> Mapping[str, Array]:
        """Leave."""
        raise SystemExit(5)


@pytest.mark.parametrize(
    ("session", "said"),
    [(Leaving, "stopped: SystemExit"), (Silent, "does not show b2"), (Broken, "out of ink")],
)
def test_a_subject_that_cannot_train_is_one_line(session: type[Any], said: str) -> None:
    walk = lockstep(Subject("odd", lambda *_: session()))
    with pytest.raises(SubjectError, match=said):
        walk.walk()


def resumed(tmp_path: Path, *subjects: Subject, settings: Settings) -> Lockstep:
    """The same run, but interrupted after its first epoch."""
    first, path = lockstep(*subjects, settings=settings), tmp_path / "run.safetensors"
    whole_run.write(path, first, [first.walk()])
    second = lockstep(*subjects, settings=settings)
    assert len(whole_run.restore(path, second)) == 1
    walked(second)
    return second


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_resumed_run_ends_bit_for_bit_where_an_uninterrupted_one_ends(
    tmp_path: Path, dtype: str
) -> None:
    settings = replace(SMALL, epochs=3, dtype=dtype)
    whole = lockstep(find("torch_impl"), settings=settings)
    epochs = walked(whole)
    again = resumed(tmp_path, find("torch_impl"), settings=settings)
    assert all(map(np.array_equal, arrays(whole), arrays(again)))
    assert again.partners[0].drift == epochs[-1].walked[1].drift
    assert again.explained == whole.explained


def test_a_jump_outlives_a_checkpoint(tmp_path: Path) -> None:
    subject = subject_of(CATALOGUE["bias-frozen"])
    whole = lockstep(subject)
    walked(whole)
    again = resumed(tmp_path, subject, settings=SMALL)
    assert again.partners[0].jump == whole.partners[0].jump


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (replace(SMALL, sizes=(4, 5, 2)), "another run: sizes 4,3,2, not 4,5,2"),
        (replace(SMALL, eta=0.25), "another run: eta 0.5, not 0.25"),
        (replace(SMALL, epochs=1), "the run is done: give more --epochs than 1"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(
    tmp_path: Path, settings: Settings, said: str
) -> None:
    walk, path = lockstep(), tmp_path / "run.safetensors"
    whole_run.write(path, walk, [walk.walk()])
    with pytest.raises(UsageError, match=said):
        whole_run.restore(path, lockstep(settings=settings))


def test_a_checkpoint_of_other_digits_is_refused(tmp_path: Path) -> None:
    walk, path = lockstep(), tmp_path / "run.safetensors"
    whole_run.write(path, walk, [walk.walk()])
    with pytest.raises(UsageError, match="other digits"):
        whole_run.restore(path, lockstep(n=11))


def damage(raw: bytes) -> Sequence[bytes]:
    return (b"", raw[:50], raw[:-1], b"\xff" * 8 + raw[8:], raw.replace(b"training", b"trainink"))


def test_a_damaged_checkpoint_is_refused(tmp_path: Path) -> None:
    walk, path = lockstep(), tmp_path / "run.safetensors"
    whole_run.write(path, walk, [walk.walk()])
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    for bad in damage(path.read_bytes()):
        path.write_bytes(bad)
        with pytest.raises(UsageError, match="not a checkpoint"):
            whole_run.restore(path, lockstep())
