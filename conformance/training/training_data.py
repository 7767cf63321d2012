"""Where the digits come from: a folder, `MNIST_DIR`, or the images embedded in the fixtures.

Left out: reading the files (`reference.mnist`) and fetching them (`fetch.py`).
"""

import os
from dataclasses import dataclass
from pathlib import Path

from conformance.corpus import store
from conformance.errors import UsageError
from reference.mnist import Mnist, read_mnist

VARIABLE = "MNIST_DIR"


@dataclass(frozen=True, eq=False)
class Source:
    """The digits and, in words, where they come from."""

    mnist: Mnist
    words: str


def digits(folder: Path | None) -> Source:
    """The digits of a folder, else of the folder in `MNIST_DIR`, else the embedded ones.

    Raises:
        UsageError: a file is missing or damaged; the message names it, and the byte.
        CorpusError: the fixtures are not there.
    """
    named = os.environ.get(VARIABLE)
    embedded = folder is None and not named
    place = folder or (Path(named) if named else store.root() / "mnist")
    try:
        mnist = read_mnist(place)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None)
        said = f"{place}: {reason}" if reason else str(error)
        whence = "" if folder or embedded else f"{VARIABLE}: "
        raise UsageError(f"{whence}{said}") from error
    if not (len(mnist.training.labels) and len(mnist.test.labels)):
        raise UsageError(f"{place}: no images")
    counts = (len(part.labels) for part in (mnist.training, mnist.validation, mnist.test))
    words = "{:,} training, {:,} validation and {:,} test images".format(*counts)
    origin = "the embedded part of MNIST" if embedded else str(place)
    return Source(mnist, f"{words} of {origin}")
