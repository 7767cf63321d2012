"""What a submission may use, and the environment that it runs in.

Left out: what it may see (`sandbox.py`), and who holds it to the limits (`guard.py`).
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import conformance
import reference
import torch_impl
from conformance.corpus import store

MEGABYTE = 1 << 20
FILES = 10_000  # that a submission may make
GRACE = 5.0  # seconds beyond it and a half of it, until what does not end by itself is ended
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
KEPT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "VIRTUAL_ENV")
"""Variables that a submission inherits; others may hold what is not for strangers."""


@dataclass(frozen=True)
class Limits:
    """What a submission may use.

    Attributes:
        seconds: for all of its files together.
        memory: bytes, of all of its processes together.
        processes: at the same time, threads counted.
        disk: bytes that it may write.
        sandbox: `none` or `bwrap`.
    """

    seconds: float = 30.0
    memory: int = 2048 * MEGABYTE
    processes: int = 32
    disk: int = 256 * MEGABYTE
    sandbox: str = "none"

    @property
    def longest(self) -> float:
        """Seconds after which it is ended, whatever it says."""
        return 1.5 * self.seconds + GRACE


def unprotected(limits: Limits) -> Iterator[str]:
    """What does not keep a submission from doing harm, in words."""
    if limits.sandbox == "none":
        yield (
            "no sandbox: a submission can read and write what you can, and use the network; "
            "`--sandbox bwrap` keeps it from that"
        )
    if sys.platform != "linux":
        yield "processes and memory are counted on Linux alone: here each process is limited"
    elif os.getuid() == 0:
        yield "the kernel does not limit the processes of root: they are counted instead"


def own_folders() -> list[Path]:
    """The folders of this program: its packages and the fixtures."""
    packages = [Path(str(each.__file__)).parent for each in (conformance, reference, torch_impl)]
    return [*packages, store.root()]


def environment() -> dict[str, str]:
    """The variables of a submission: few, with one thread a process for linear algebra."""
    paths = dict.fromkeys(str(folder.parent) for folder in own_folders()[:3])
    return {
        **{name: os.environ[name] for name in KEPT if name in os.environ},
        **dict.fromkeys(THREADS, "1"),
        "PYTHONPATH": os.pathsep.join(paths),
        "MPLBACKEND": "Agg",
        "USER": "student",
        "LOGNAME": "student",
    }
