"""The loop over the data that a network has, `SGD`: whether an epoch takes each sample once.

It is called once, on ten samples in mini-batches of three, with an update that notes what it is
given. Left out: the update itself, and the order, which anybody may choose.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from conformance.running.tracebacks import call, headline
from conformance.subjects.book.network import BookNetwork
from reference.step import Array, Batch

N, M = 10, 3  # M does not divide N, so the last mini-batch is short
ETA = 0.5

APART = "SGD pairs inputs with the targets of other samples (x-and-y-shuffled-apart)"
TWICE = "SGD takes some samples twice in an epoch and leaves others out (shuffle-duplicates-rows)"
SHORT = f"SGD leaves out the last, short mini-batch of {N} samples by {M} (remainder-dropped)"
NOMINAL = "SGD gives the last, short mini-batch an η as if it were whole (remainder-nominal-size)"
OUT = f"SGD leaves out samples of {N} in mini-batches of {M}"


@dataclass(frozen=True)
class OwnLoop:
    """What is wrong with a network's loop, and why it was not judged, if it was not."""

    remarks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


NOTHING = OwnLoop()


def own_loop(network: BookNetwork) -> OwnLoop:
    """Run one epoch of a new network's SGD with an update that only notes its mini-batches."""
    with _chance_kept():
        return _followed(network)


def _followed(network: BookNetwork) -> OwnLoop:
    net, taken = network.make(network.probe), list[list[tuple[Any, Any]]]()
    if not callable(getattr(net, "SGD", None)):
        return NOTHING
    batch = _data(network.probe)

    rates = []

    def note(mini_batch: Any, *others: Any, **named: Any) -> None:
        rates.append(named.get("eta", others[0] if others else None))
        taken.append(
            [(_index(network, x, batch.x), _index(network, y, batch.y)) for x, y in mini_batch]
        )

    try:
        net.update_mini_batch = note
        with redirect_stdout(StringIO()), np.errstate(all="ignore"), _elsewhere():
            call(net.SGD, [network.sample(batch, i) for i in range(N)], 1, M, ETA)
    except Exception as error:  # noqa: BLE001 - it may be asked in another way
        return OwnLoop(notes=(f"SGD was not judged: {headline(error)}",))
    pairs = [pair for each in taken for pair in each]
    if not pairs or any(None in pair for pair in pairs):
        what = "other samples than it has" if pairs else "none"
        return OwnLoop(notes=(f"SGD was not judged: it gives update_mini_batch {what}",))
    return OwnLoop((*_faults(pairs), *_rate_faults([*map(len, taken)], rates)))


def _faults(pairs: Sequence[tuple[int, int]]) -> Iterator[str]:
    if any(x != y for x, y in pairs):
        yield APART
    times = Counter(x for x, _ in pairs)
    left = N - len(times)
    if left and max(times.values()) > 1:
        yield TWICE
    elif left:
        yield SHORT if left == N % M else OUT


def _rate_faults(lengths: Sequence[int], rates: Sequence[Any]) -> Iterator[str]:
    """Whether the short mini-batch alone is given a smaller η, as if it had the nominal length."""
    known = all(isinstance(rate, (float, np.floating)) for rate in rates)
    if known and any(length < M for length in lengths):
        nominal = [ETA * length / M for length in lengths]
        if np.allclose(np.array(rates, np.float64), nominal, rtol=1e-6):
            yield NOMINAL


def _data(sizes: tuple[int, ...]) -> Batch:
    """Samples of which no two entries are alike, so that each is known by any of them."""
    x, y = (np.arange(1.0, n * N + 1).reshape(n, N) / (n * N + 1) for n in (sizes[0], sizes[-1]))
    return Batch(x, y)


def _index(network: BookNetwork, given: Any, columns: Array) -> int | None:
    """Which column it is."""
    numbers = np.ravel(network.numbers.back(given)).astype(np.float64)
    near = (i for i in range(N) if np.allclose(numbers, columns[:, i], rtol=1e-6))
    return next(near, None) if numbers.size == len(columns) else None


@contextmanager
def _elsewhere() -> Iterator[None]:
    """A folder that is left empty-handed: a loop may save what it has trained."""
    with TemporaryDirectory() as folder, chdir(folder):
        yield


@contextmanager
def _chance_kept() -> Iterator[None]:
    """The generators that a shuffle may use, begun anew and put back."""
    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(state)
        np.random.set_state(numpy_state)  # noqa: NPY002
