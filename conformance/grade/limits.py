"""What a submission may use and see, and the environment that it runs in.

In a sandbox of bubblewrap it has no network. It sees this program and the Python that runs it,
nothing else of the disk, none of which it can write; a temporary file system of limited size is its
own. Left out: who holds it to the limits of memory, processes and time (`guard.py`).
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import conformance
import reference
import torch_impl
from conformance.corpus import store
from conformance.errors import UsageError

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


def _own_folders() -> list[Path]:
    """The folders of this program: its packages and the fixtures."""
    packages = [Path(str(each.__file__)).parent for each in (conformance, reference, torch_impl)]
    return [*packages, store.root()]


def environment() -> dict[str, str]:
    """The variables of a submission: few, with one thread a process for linear algebra."""
    paths = dict.fromkeys(str(folder.parent) for folder in _own_folders()[:3])
    return {
        **{name: os.environ[name] for name in KEPT if name in os.environ},
        **dict.fromkeys(THREADS, "1"),
        "PYTHONPATH": os.pathsep.join(paths),
        "MPLBACKEND": "Agg",
        "USER": "student",
        "LOGNAME": "student",
    }


WORKPLACE = "/tmp/submission"  # noqa: S108 - in a file system of its own
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/lib32")
SETTINGS = ("ld.so.cache", "alternatives", "localtime", "fonts")  # of /etc
TRIAL = 60.0  # seconds

BEGIN = ("--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL")


def in_sandbox(command: Sequence[str], limits: Limits) -> list[str]:
    """The command, in a sandbox if the limits ask for one."""
    if limits.sandbox == "none":
        return list(command)
    size = ["--size", str(limits.disk)]
    return [
        which("bwrap") or "bwrap",
        *BEGIN,
        *_system(),
        *("--proc", "/proc", "--dev", "/dev", *size, "--tmpfs", "/dev/shm"),  # noqa: S108
        *("--remount-ro", "/dev", *size, "--tmpfs", "/tmp"),  # noqa: S108
        *(word for each in shown_folders() for word in ("--ro-bind", str(each), str(each))),
        *("--dir", WORKPLACE, "--chdir", WORKPLACE, "--remount-ro", "/"),
        *("--setenv", "HOME", WORKPLACE, "--setenv", "TMPDIR", WORKPLACE, "--"),
        *command,
    ]


def shown_folders() -> list[Path]:
    """The folders beside those of the system that a sandbox shows: Python's and ours."""
    prefixes = [Path(each).resolve() for each in (sys.base_prefix, sys.exec_prefix)]
    given = [Path(sys.prefix), *prefixes, *_own_folders()]
    return [each for each in dict.fromkeys(given) if not _within(each, map(Path, SYSTEM))]


def check_sandbox(limits: Limits, *secret: Path) -> None:
    """See that a sandbox can be made, and that it hides what is to be hidden.

    Raises:
        UsageError: bubblewrap is missing, or may not make one here; or a folder that has to be
            hidden is within one that is shown.
    """
    if limits.sandbox == "none":
        return
    if which("bwrap") is None:
        raise UsageError(
            "--sandbox bwrap: bubblewrap is not installed: `apt-get install bubblewrap`, or "
            "`--sandbox none`, which does without"
        )
    for each in secret:
        for shown in (*map(Path, SYSTEM), *shown_folders()):
            if _within(each.resolve(), [shown]):
                raise UsageError(f"--sandbox bwrap: {each} lies in {shown}, which a sandbox shows")
    command = in_sandbox(
        [sys.executable, "-P", "-c", "import conformance.grade.grade_worker"], limits
    )
    trial = subprocess.run(  # noqa: S603 - bubblewrap, with our own words
        command, check=False, capture_output=True, env=environment(), timeout=TRIAL
    )
    if trial.returncode:
        said = trial.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise UsageError(f"--sandbox bwrap: no sandbox can be made here: {''.join(said)}")


def _system() -> Iterator[str]:
    """What a program needs of the system."""
    for each in map(Path, SYSTEM):
        if each.is_symlink():
            yield from ("--symlink", str(each.readlink()), str(each))
        elif each.is_dir():
            yield from ("--ro-bind", str(each), str(each))
    for name in SETTINGS:
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")


def _within(path: Path, folders: "Iterator[Path] | Sequence[Path]") -> bool:
    return any(path.is_relative_to(each) for each in folders)
