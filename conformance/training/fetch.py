"""The four canonical files of MNIST, fetched with pooch: hashes checked, a broken transfer resumed.

Left out: reading them (`reference.mnist`). Needs the extra `data`.

Source of the hashes: the files as Y. LeCun's page gave them, which the mirrors keep byte for byte.
"""

import logging
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from conformance.errors import UsageError

MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
"""PyTorch's mirror, the first one that torchvision asks."""

CANONICAL = {
    "train-images-idx3-ubyte.gz": (
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
    ),
    "train-labels-idx1-ubyte.gz": (
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
    ),
    "t10k-images-idx3-ubyte.gz": (
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
    ),
}
"""The SHA-256 of each file."""

PARTIAL = 206  # HTTP: the rest of a file
BEYOND = 416  # HTTP: there is no such rest
PIECE = 2**10  # bytes; less than one is lost where a connection breaks
Moved = Callable[[str, int, int], None]
"""Told the file, the bytes that are there, and how many there will be."""


def fetch(
    folder: Path,
    url: str = MIRROR,
    moved: Moved = lambda *_: None,
    known: Mapping[str, str] = CANONICAL,
) -> list[Path]:
    """The files in a folder, of which those that are not there yet are fetched.

    Args:
        folder: made if it is not there.
        url: what the names of the files are appended to.
        moved: called as bytes arrive.
        known: the SHA-256 of each file.

    Raises:
        UsageError: pooch is not installed, a file cannot be fetched, or it has another hash.
    """
    try:
        import pooch
        import requests
    except ImportError as error:
        raise UsageError(
            f"fetching needs {error.name}: pip install 'backprop-conformance[data]'"
        ) from error
    pooch.get_logger().setLevel(logging.WARNING)
    base = url if url.endswith("/") else f"{url}/"
    files = pooch.create(path=folder, base_url=base, registry=dict(known))
    try:
        return [Path(files.fetch(name, downloader=_Resuming(folder, moved))) for name in known]
    except requests.ConnectionError as error:
        raise UsageError(f"{base}: cannot be reached; --url gives another address") from error
    except requests.RequestException as error:
        raise UsageError(f"{base}: {error}") from error
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror or error}; give another folder") from error
    except ValueError as error:  # pooch: another hash
        raise UsageError(
            f"{base}: not the canonical files: {str(error).splitlines()[0]}"
        ) from error


class _Resuming:
    """A downloader of pooch's that goes on where the last one broke off."""

    def __init__(self, folder: Path, moved: Moved) -> None:
        self.folder, self.moved = folder, moved

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        """Fetch one file, by way of `NAME.part` in the folder."""
        part = self.folder / f"{url.rsplit('/', 1)[-1]}.part"
        self._rest(url, part)
        shutil.copyfile(part, output_file)
        part.unlink()  # if its hash is wrong it is of no use either

    def _rest(self, url: str, part: Path) -> None:
        import requests

        there = part.stat().st_size if part.exists() else 0
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={there}-"} if there else {})
        with requests.get(url, headers=headers, stream=True, timeout=30) as answer:
            if answer.status_code == BEYOND:  # it was complete, or is another file
                return
            answer.raise_for_status()
            there = there if answer.status_code == PARTIAL else 0
            total = there + int(answer.headers.get("Content-Length", 0))
            with part.open("ab" if there else "wb") as file:
                try:
                    for piece in answer.iter_content(PIECE):
                        file.write(piece)
                        there += len(piece)
                        self.moved(url.rsplit("/", 1)[-1], there, total)
                except requests.RequestException as error:
                    raise UsageError(
                        f"{url}: the connection broke at {there:,} of {total:,} bytes; "
                        f"run it again to go on from there ({self.folder})"
                    ) from error
