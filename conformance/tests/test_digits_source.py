"""Where the digits of a training run come from, and how they are split."""

import gzip
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from conformance.corpus import store
from conformance.errors import UsageError
from conformance.training.training_data import VARIABLE, digits
from reference.mnist import read_mnist

NAMES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")


def write(folder: Path, training: int = 12, test: int = 3, *, zipped: bool = False) -> Path:
    """A folder of four files with images that show their own number."""
    for name, n in zip(NAMES, (training, training, test, test), strict=True):
        shape = (n, 28, 28) if "images" in name else (n,)
        ones = np.ones(shape, np.uint8)
        data = ones * np.arange(n, dtype=np.uint8).reshape(n, *[1] * (len(shape) - 1)) % 10
        sizes = struct.pack(f">{len(shape)}I", *shape)
        raw = b"\0\0\x08" + bytes([len(shape)]) + sizes + data.astype(np.uint8).tobytes()
        path = folder / f"{name}-ubyte{'.gz' if zipped else ''}"
        path.write_bytes(gzip.compress(raw) if zipped else raw)
    return folder


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.mark.parametrize("zipped", [False, True])
def test_the_last_sixth_of_the_training_images_validates(tmp_path: Path, *, zipped: bool) -> None:
    mnist = read_mnist(write(tmp_path, zipped=zipped))
    assert mnist.training.labels.tolist() == list(range(10))
    assert mnist.validation.labels.tolist() == [0, 1]
    assert mnist.validation.images[:, 0].tolist() == [0, 1]
    assert mnist.test.labels.tolist() == [0, 1, 2]


def test_without_a_folder_the_embedded_images_are_taken() -> None:
    source = digits(None)
    assert source.words.startswith("4,167 training, 833 validation and 1,000 test images")
    assert "embedded" in source.words


def test_the_variable_names_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(write(tmp_path)))
    assert len(digits(None).mnist.training.labels) == 10


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (write(tmp_path) / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(UsageError, match="t10k-labels-idx1-ubyte: no such file, nor"):
        digits(tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with pytest.raises(UsageError, match=r"^MNIST_DIR: "):
        digits(None)


def test_a_truncated_file_is_named_with_the_byte(tmp_path: Path) -> None:
    path = write(tmp_path) / "train-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UsageError, match="train-images-idx3-ubyte: byte 1000: file ends"):
        digits(tmp_path)


def test_other_numbers_of_images_and_labels_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(write(other, test=4) / "t10k-labels-idx1-ubyte", tmp_path)
    with pytest.raises(UsageError, match="t10k files: 3 images and 4 labels"):
        digits(tmp_path)


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no images"):
        digits(write(tmp_path, training=0))


def test_the_embedded_images_are_the_first_of_the_fixtures() -> None:
    folder = store.root() / "mnist"
    assert digits(folder).mnist.training.labels[:5].tolist() == [5, 0, 4, 1, 9]
