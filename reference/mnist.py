"""MNIST's IDX files, plain or gzip, read into arrays and batches.

Left out: fetching the files; the fixtures carry the first 5,000 + 1,000 images.

Source: the file format on Y. LeCun's MNIST page: a big-endian magic number 0x0000TTDD, TT the
type (08: unsigned byte) and DD the number of dimensions, then one 32-bit size a dimension, then
the data.
"""

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from reference.step import Batch

Bytes = NDArray[np.uint8]
CLASSES = 10
PIXELS = 28 * 28


def read_idx(path: Path) -> Bytes:
    """The unsigned bytes of an IDX file in the shape that its header states.

    Raises:
        ValueError: the file is damaged or not of this kind; the message names it and the byte.
        OSError: the file cannot be read.
    """
    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise ValueError(f"{path}: damaged gzip data ({error})") from error
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":  # noqa: PLR2004 - the magic number's bytes
        raise ValueError(
            f"{path}: byte 0: magic number {raw[:4].hex()} is not IDX bytes (000008DD)"
        )
    start = 4 + 4 * raw[3]
    shape = tuple(int.from_bytes(raw[at : at + 4], "big") for at in range(4, start, 4))
    expected = start + (prod(shape) if len(raw) >= start else 0)
    if len(raw) != expected:
        raise ValueError(f"{path}: byte {len(raw)}: file ends, {expected} bytes expected")
    try:
        return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)
    except ValueError as error:  # more dimensions, or larger ones, than an array can have
        raise ValueError(f"{path}: byte 4: no array has these sizes ({error})") from error


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
