"""MNIST's IDX files, plain or gzip, read into arrays and batches, and split as in the book.

Left out: fetching the files; the fixtures carry the first 5,000 + 1,000 images.

Source: the file format on Y. LeCun's MNIST page: a big-endian magic number 0x0000TTDD, TT the
type (08: unsigned byte) and DD the number of dimensions, then one 32-bit size a dimension, then
the data.
"""

import gzip
import zlib
from dataclasses import dataclass
from io import BufferedIOBase
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from reference.step import Batch

Bytes = NDArray[np.uint8]
CLASSES = 10
PIXELS = 28 * 28
PIECE = 2**20  # bytes that are read at once
VALIDATION = 6  # one training image in so many, the last ones, is kept for validation


@dataclass(frozen=True, eq=False)
class Digits:
    """Some images and their labels."""

    images: Bytes  # (n, 784)
    labels: Bytes  # (n,)

    def __post_init__(self) -> None:
        """Check that there are as many labels as images."""
        if len(self.images) != len(self.labels):
            raise ValueError(f"{len(self.images)} images and {len(self.labels)} labels")

    def batch(self, dtype: DTypeLike = np.float64) -> Batch:
        """All of them as columns; see `to_batch`."""
        return to_batch(self.images, self.labels, dtype)

    def part(self, chosen: slice) -> "Digits":
        """Some of them, without a copy."""
        return Digits(self.images[chosen], self.labels[chosen])


@dataclass(frozen=True, eq=False)
class Mnist:
    """The training, validation and test images of a folder."""

    training: Digits
    validation: Digits
    test: Digits


def read_mnist(folder: Path) -> Mnist:
    """The four files of a folder, split as in the book: of 60,000 the last 10,000 validate.

    Of any other number of training images it is the last sixth.

    Raises:
        ValueError: a file is damaged, or there are not as many labels as images.
        OSError: a file is missing or cannot be read.
    """
    training, test = (_read_digits(folder, name) for name in ("train", "t10k"))
    kept = len(training.labels) - len(training.labels) // VALIDATION
    return Mnist(training.part(slice(kept)), training.part(slice(kept, None)), test)


def _read_digits(folder: Path, name: str) -> Digits:
    images, labels = (
        _plain_or_gzip(folder / f"{name}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1")
    )
    try:
        return Digits(read_images(images), read_labels(labels))
    except ValueError as error:
        named = str(error).startswith(str(folder))
        raise error if named else ValueError(f"{folder}: {name} files: {error}") from error


def _plain_or_gzip(path: Path) -> Path:
    for each in (path, path.with_name(f"{path.name}.gz")):
        if each.is_file():
            return each
    raise FileNotFoundError(f"{path}: no such file, nor {path.name}.gz")


def read_idx(path: Path) -> Bytes:
    """The unsigned bytes of an IDX file in the shape that its header states.

    Raises:
        ValueError: the file is damaged or not of this kind; the message names it and the byte.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        if file.peek(2)[:2] != b"\x1f\x8b":
            return _read(file, path)
        try:
            return _read(gzip.GzipFile(fileobj=file), path)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(f"{path}: damaged gzip data ({error})") from error


def _read(file: BufferedIOBase, path: Path) -> Bytes:
    """The array in a file, of which no more is taken than its header announces, and a byte."""
    magic = file.read(4)
    if len(magic) < 4 or magic[:3] != b"\x00\x00\x08":  # noqa: PLR2004 - the magic number's bytes
        raise ValueError(f"{path}: byte 0: magic number {magic.hex()} is not IDX bytes (000008DD)")
    start = 4 + 4 * magic[3]
    sizes = file.read(start - 4)
    shape = tuple(int.from_bytes(sizes[at : at + 4], "big") for at in range(0, len(sizes), 4))
    expected = start + (prod(shape) if len(sizes) == start - 4 else 0)
    data = _at_most(file, expected - start + 1)
    end = 4 + len(sizes) + len(data)
    if end != expected:
        problem = "file ends" if end < expected else "file goes on"
        raise ValueError(f"{path}: byte {min(end, expected)}: {problem}, {expected} bytes expected")
    try:
        return np.frombuffer(data, np.uint8).reshape(shape)
    except ValueError as error:  # more dimensions, or larger ones, than an array can have
        raise ValueError(f"{path}: byte 4: no array has these sizes ({error})") from error


def _at_most(file: BufferedIOBase, size: int) -> bytes:
    """So many bytes, or what there is; piece by piece, for a damaged header may announce any."""
    pieces = []
    while size and (piece := file.read(min(size, PIECE))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def read_images(path: Path) -> Bytes:
    """The images (n, 784) of an IDX file of 28×28 pixels.

    Raises:
        ValueError: as `read_idx`, or other dimensions.
    """
    images = read_idx(path)
    if images.shape[1:] != (28, 28):
        raise ValueError(f"{path}: byte 8: images of shape {images.shape[1:]}, expected (28, 28)")
    return images.reshape(-1, PIXELS)


def read_labels(path: Path) -> Bytes:
    """The labels (n,) of an IDX file.

    Raises:
        ValueError: as `read_idx`, or a label beyond 9.
    """
    labels = read_idx(path)
    if labels.ndim != 1:
        raise ValueError(f"{path}: byte 3: {labels.ndim} dimensions, expected 1")
    if labels.size and labels.max() >= CLASSES:
        first = int(np.argmax(labels >= CLASSES))
        raise ValueError(f"{path}: byte {8 + first}: label {labels[first]} is beyond 9")
    return labels


def to_batch(images: Bytes, labels: Bytes, dtype: DTypeLike = np.float64) -> Batch:
    """Images (n, 784) and labels (n,) as columns: x = pixel / 256 and y one-hot.

    Raises:
        ValueError: there are not as many labels as images.
    """
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images and {len(labels)} labels")
    x = images.T.astype(dtype) / 256  # (784, n); exact in float32 too
    y = np.eye(CLASSES, dtype=dtype)[:, labels]  # (10, n)
    return Batch(x, y)
