"""Starts one command, holds it to its limits, and leaves nothing of it.

A program of its own, `python -I -S guard.py CONFIG`, of the standard library alone. CONFIG is JSON:
`command`, `environment`, `folder` (that it works in and that is removed at its end; empty if it has
none), `input` (a file descriptor), `seconds`, `memory`, `processes`, `disk`, `files`. One line of
JSON on stdout says how it ended. When stdin is closed, as by the death of who started it, the
command is ended too.

On Linux this process adopts the orphans among its descendants, so that a process that left its
group, its session and its parent is still found, and is ended with the others. Left out: what the
command may see and reach (`limits.py`).
"""

import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import stat
import sys
import time
from typing import Any

if sys.platform == "win32":
    raise ImportError("the limits of a submission need Linux or macOS")
import resource

OUTPUT = 4 << 20  # bytes of its output; more of it ends the command
TAIL = 4096  # bytes of its stderr that are kept
TICK = 0.05  # seconds between two measurements
PATIENCE = 20.0  # seconds in which its processes have to be gone
OPEN = 512  # open files
MANY = 1000  # processes that are killed before others are sought
CHILD_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


def main() -> None:
    """Do what the configuration says."""
    config = json.loads(sys.argv[1])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(CHILD_SUBREAPER, 1, 0, 0, 0)
    folder = config["folder"]
    started = time.monotonic()
    try:
        pid, output, errors = start(config, folder)
        try:
            said = attend(config, folder, (pid, output, errors), started)
        finally:
            end_all(pid)
    finally:
        if folder:
            remove(folder)
    said["seconds"] = round(time.monotonic() - started, 2)
    sys.stdout.write(json.dumps(said))


def start(config: dict[str, Any], folder: str) -> tuple[int, int, int]:
    """The process of the command, its output and its stderr."""
    outputs, errors = os.pipe(), os.pipe()
    most = processes_of_user() + 4 * config["processes"]
    pid = os.fork()
    if pid:
        os.close(outputs[1])
        os.close(errors[1])
        return pid, outputs[0], errors[0]
    try:
        os.setsid()
        for number, source in enumerate((config["input"], outputs[1], errors[1])):
            os.dup2(source, number)
        os.closerange(3, OPEN)
        os.chdir(folder or "/")
        confine(config, most)
        place = {"HOME": folder, "TMPDIR": folder} if folder else {}
        command, variables = config["command"], {**config["environment"], **place}
        os.execve(command[0], command, variables)  # noqa: S606 - no shell is wanted
    except BaseException as error:  # noqa: BLE001 - this process may not go on as its parent
        os.write(2, f"cannot be started: {error}".encode())
    os._exit(127)


def confine(config: dict[str, Any], processes: int) -> None:
    """The limits that the kernel keeps for each process; see `exceeded` for all together.

    The memory is that of its own data, so that a library that only maps much is not stopped. The
    processes are those of the user, who has others; root is not held to them.
    """
    limits = {
        "RLIMIT_DATA": config["memory"],
        "RLIMIT_NPROC": processes,
        "RLIMIT_FSIZE": config["disk"],
        "RLIMIT_NOFILE": OPEN,
        "RLIMIT_CORE": 0,
    }
    for name, most in limits.items():
        which = getattr(resource, name)
        hard = resource.getrlimit(which)[1]
        held = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (held, held))


def attend(
    config: dict[str, Any], folder: str, running: tuple[int, int, int], started: float
) -> dict[str, Any]:
    """Read what it writes until it has ended, or until there is a reason to end it."""
    pid, output, errors = running
    written, last = bytearray(), b""
    waiting = {0, output, errors}
    ended, status = "", None
    while not ended and status is None:
        status = reap(pid)
        ready = select.select(waiting, [], [], 0 if status is not None else TICK)[0]
        while ready:
            for each in ready:
                heard = os.read(each, 1 << 16)
                if each == output:
                    written += heard
                elif each == errors:
                    last = (last + heard)[-TAIL:]
                if not heard:
                    waiting.discard(each)
            if 0 not in waiting:
                ended = "parent"
            ready = [] if len(written) > OUTPUT or ended else select.select(waiting, [], [], 0)[0]
            if time.monotonic() - started > config["seconds"]:
                break  # it writes faster than is read
        if len(written) > OUTPUT:
            ended = "output"
        ended = ended or ("" if status is not None else exceeded(config, folder, started))
    text = bytes(written[:OUTPUT]).decode(errors="replace")
    words = last.decode(errors="replace")
    return {"ended": ended, "status": status, "output": text, "errors": words}


def exceeded(config: dict[str, Any], folder: str, started: float) -> str:
    """Which limit the command and all that it started go beyond together."""
    if time.monotonic() - started > config["seconds"]:
        return "time"
    pids = descendants(config["processes"])
    if sum(map(threads_of, pids)) > config["processes"]:
        return "processes"
    if sum(map(memory_of, pids)) > config["memory"]:
        return "memory"
    return "disk" if folder and fills(folder, config["disk"], config["files"]) else ""


def reap(pid: int) -> int | None:
    """Take what has ended; the status of this process, negative for a signal, once it has."""
    status = None
    while True:
        try:
            gone, code = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if gone == pid:
            status = os.waitstatus_to_exitcode(code)
        if not gone:
            return status


def descendants(most: int) -> list[int]:
    """The processes that this one has started, theirs, and so on, until there are too many."""
    found = children(os.getpid())
    for each in found:  # which grows, and for ever if they start others faster than is read
        if len(found) > most:
            break
        found += children(each)
    return found


def children(pid: int) -> list[int]:
    """Those of a process, started by any of its threads; none where the system does not say."""
    found = []
    for task in entries(f"/proc/{pid}/task"):
        found += text_of(f"/proc/{pid}/task/{task}/children").split()
    return list(map(int, found))


def end_all(pid: int) -> None:
    """Kill the process and its descendants, those that they start meanwhile too."""
    if sys.platform != "linux":  # where only its group is known
        with contextlib.suppress(OSError):  # it has gone
            os.killpg(pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for each in descendants(MANY):
            with contextlib.suppress(OSError):  # it has gone
                os.kill(each, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


def threads_of(pid: int) -> int:
    """How many threads a process has, each of which the kernel counts as a process."""
    return len(entries(f"/proc/{pid}/task"))


def memory_of(pid: int) -> int:
    """Its bytes of memory; what it shares with others counts for each.

    Left out: dividing what is shared, as `smaps_rollup` does, which waits while a process forks.
    """
    sizes = text_of(f"/proc/{pid}/statm").split()
    return int(sizes[1]) * resource.getpagesize() if sizes else 0


def processes_of_user() -> int:
    """The threads of all processes of this user."""
    own, count = os.getuid(), 0
    for name in entries("/proc"):
        try:
            mine = name.isdecimal() and os.stat(f"/proc/{name}").st_uid == own
        except OSError:
            continue  # it has gone
        count += threads_of(int(name)) if mine else 0
    return count


def fills(folder: str, most_bytes: int, most_files: int) -> bool:
    """Whether a folder holds more than it may."""
    size = count = 0
    for place, folders, files in os.walk(folder):
        count += len(folders) + len(files)
        for each in files:
            try:
                size += os.lstat(os.path.join(place, each)).st_blocks * 512
            except OSError:
                continue  # it has gone
        if size > most_bytes or count > most_files:
            return True
    return False


def remove(folder: str) -> None:
    """Remove a folder, whatever its permissions are."""
    shutil.rmtree(folder, ignore_errors=True)
    for place, folders, _ in os.walk(folder):
        for each in ("", *folders):
            path = os.path.join(place, each)
            if stat.S_ISDIR(os.lstat(path).st_mode):
                os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)


def entries(folder: str) -> list[str]:
    """The names in a folder; none if it has gone."""
    try:
        return os.listdir(folder)
    except OSError:
        return []


def text_of(path: str) -> str:
    """The text of a file; empty if it has gone."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


if __name__ == "__main__":
    main()
