"""The reader of IDX files: what it reads, and that damage is one clear error."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.tests.support import PROFILE
from reference.mnist import read_idx, read_images, read_labels, to_batch
from reference.step import Array

Reader = Callable[[Path], Array]
READERS: list[Reader] = [read_idx, read_images, read_labels]


def idx(shape: tuple[int, ...], data: bytes, *, magic: bytes = b"\0\0\x08") -> bytes:
    """An IDX file of unsigned bytes."""
    return magic + bytes([len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + data


def read(raw: bytes, reader: Reader = read_idx) -> Array:
    """What a reader makes of a file with these bytes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "digits-idx"
        path.write_bytes(raw)
        return reader(path)


def refused(raw: bytes, reader: Reader = read_idx) -> str:
    """The message with which a reader refuses a file, in which it is named."""
    with pytest.raises(ValueError, match="digits-idx: ") as caught:
        read(raw, reader)
    return str(caught.value)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.booleans(), st.randoms())
@PROFILE
def test_what_is_written_is_read(sizes: list[int], zipped: bool, random: Random) -> None:
    data = random.randbytes(int(np.prod(sizes)))
    raw = idx(tuple(sizes), data)
    array = read(gzip.compress(raw) if zipped else raw)
    assert (array.shape, array.tobytes()) == (tuple(sizes), data)
    assert array.dtype == np.uint8


@pytest.mark.parametrize("cut", range(len(idx((2, 3), b"abcdef"))))
def test_a_truncated_file_is_refused(cut: int) -> None:
    assert "byte" in refused(idx((2, 3), b"abcdef")[:cut])


def test_gzip_data_truncated_at_any_byte_are_refused() -> None:
    raw = gzip.compress(idx((2, 3), b"abcdef"), mtime=0)
    for cut in range(2, len(raw)):
        assert "gzip" in refused(raw[:cut])


def test_gzip_data_with_a_flipped_bit_are_refused_or_read_as_they_were() -> None:
    right = idx((2, 3), b"abcdef")
    raw = gzip.compress(right, mtime=0)
    for at in range(2, len(raw)):
        flipped = raw[:at] + bytes([raw[at] ^ 4]) + raw[at + 1 :]
        try:
            assert read(flipped).tobytes() == b"abcdef"
        except ValueError as error:
            assert "digits-idx: " in str(error)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize("magic", [b"\0\0\x09", b"\0\0\x0d", b"\0\1\x08", b"PK\3"])
def test_a_wrong_magic_number_is_refused_with_its_bytes(magic: bytes) -> None:
    assert magic.hex() in refused(idx((2, 3), b"abcdef", magic=magic))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_byte_too_many_is_refused(pack: Callable[[bytes], bytes]) -> None:
    message = refused(pack(idx((2,), b"abc")))
    assert "byte 10: file goes on, 10 bytes expected" in message


def test_of_gzip_data_no_more_is_unpacked_than_the_header_announces() -> None:
    raw = gzip.compress(idx((2, 3), b"abcdef" + bytes(2**24)), mtime=0)
    cut = raw[: len(raw) // 2]  # who unpacks all of it comes upon the cut
    assert "18 bytes expected" in refused(cut)


def test_a_header_that_announces_more_than_memory_is_refused() -> None:
    announced = 2**50
    raw = idx((2**25, 2**25), b"abc")
    assert f"byte 15: file ends, {12 + announced} bytes expected" in refused(raw)


@pytest.mark.parametrize("shape", [(2**32 - 1,) * 4, (0, *(2**32 - 1,) * 4), (1,) * 65, (1,) * 255])
def test_a_header_that_promises_an_impossible_array_is_refused(shape: tuple[int, ...]) -> None:
    refused(idx(shape, b"a"[: min(shape)]))


@pytest.mark.parametrize("shape", [(1, 28, 27), (1, 784), (784,), (1, 28, 28, 1), (1, 27, 28)])
def test_images_of_other_dimensions_are_refused(shape: tuple[int, ...]) -> None:
    assert "(28, 28)" in refused(idx(shape, bytes(int(np.prod(shape)))), read_images)


def test_images_come_one_a_row() -> None:
    data = bytes(k % 256 for k in range(2 * 784))
    images = read(idx((2, 28, 28), data), read_images)
    assert (images.shape, images.tobytes()) == ((2, 784), data)


def test_no_images_are_an_array_of_none() -> None:
    assert read(idx((0, 28, 28), b""), read_images).shape == (0, 784)


def test_no_labels_are_an_array_of_none() -> None:
    assert read(idx((0,), b""), read_labels).shape == (0,)


@pytest.mark.parametrize("shape", [(2, 1), (), (1, 1, 2)])
def test_labels_of_other_dimensions_are_refused(shape: tuple[int, ...]) -> None:
    raw = idx(shape, bytes(int(np.prod(shape))))
    assert f"{len(shape)} dimensions" in refused(raw, read_labels)


@pytest.mark.parametrize(("label", "at"), [(10, 2), (255, 0)])
def test_a_label_beyond_nine_is_refused_with_its_byte(label: int, at: int) -> None:
    data = bytearray(4)
    data[at] = label
    message = refused(idx((4,), bytes(data)), read_labels)
    assert f"byte {8 + at}: label {label}" in message


def test_every_digit_is_a_label() -> None:
    assert read(idx((10,), bytes(range(10))), read_labels).tolist() == list(range(10))


@pytest.mark.parametrize("reader", READERS)
def test_garbage_is_refused_by_name(reader: Reader) -> None:
    @given(st.binary(max_size=40), st.sampled_from([b"", b"\0\0\x08", b"\x1f\x8b", b"\0\0\x08\3"]))
    @example(b"", b"")
    @PROFILE
    def check(raw: bytes, start: bytes) -> None:
        try:
            read(start + raw, reader)
        except ValueError as error:
            assert "digits-idx: " in str(error)  # noqa: PT017 - a file may be right by chance

    check()


@pytest.mark.parametrize("reader", READERS)
def test_a_missing_file_is_an_os_error(reader: Reader, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        reader(tmp_path / "none")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pixels_are_exact_multiples_of_a_256th(dtype: type) -> None:
    images = np.arange(256, dtype=np.uint8).reshape(1, 256)
    x = to_batch(images, np.zeros(1, np.uint8), dtype).x
    assert x.shape == (256, 1)
    assert x.dtype == dtype
    assert all(
        float(x[k, 0]).as_integer_ratio() == (k / 256).as_integer_ratio() for k in range(256)
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_targets_are_one_hot_columns(dtype: type) -> None:
    labels = np.array([3, 0, 9], np.uint8)
    y = to_batch(np.zeros((3, 784), np.uint8), labels, dtype).y
    assert y.shape == (10, 3)
    assert y.dtype == dtype
    assert [np.flatnonzero(column).tolist() for column in y.T] == [[3], [0], [9]]
    assert y.sum() == 3


def test_each_image_keeps_its_own_label() -> None:
    images = np.array([[10] * 784, [20] * 784], np.uint8)
    batch = to_batch(images, np.array([7, 4], np.uint8))
    assert (batch.x[0].tolist(), batch.y.argmax(axis=0).tolist()) == ([10 / 256, 20 / 256], [7, 4])


def test_more_images_than_labels_are_refused() -> None:
    with pytest.raises(ValueError, match="2 images and 1 labels"):
        to_batch(np.zeros((2, 784), np.uint8), np.zeros(1, np.uint8))
