"""The part of MNIST that is embedded in the fixtures, made once from the canonical files.

Left out: reading IDX files (`reference.mnist`), and the digits of a run
(`training/training_data.py`).
"""

import gzip
import struct
from pathlib import Path

from numpy.typing import DTypeLike

from conformance.corpus.casefile import sha256, write
from conformance.errors import CorpusError
from reference.mnist import read_idx, read_images, read_labels, to_batch
from reference.step import Batch

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


def embedded_bytes(path: Path) -> bytes:
    """The bytes of an embedded MNIST file."""
    try:
        return path.read_bytes()
    except OSError as error:
        what = f"{path}: {error.strerror}; restore fixtures/mnist from the repository"
        raise CorpusError(what) from error
