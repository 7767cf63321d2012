"""What runs within the limits of a submission: it unpacks its files here and judges each.

`python -P -m conformance.grade.grade_worker OPTIONS`, with an archive of the files on stdin. Each
judgement is a line of JSON on stdout, as soon as it is known. Left out: the limits (`guard.py`).
"""

import json
import os
import sys
import zipfile
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from time import monotonic
from typing import Any

from conformance.grade.collect import sources
from conformance.grade.grade_row import Judgement, Outcome
from conformance.values import to_values

Send = Callable[[Judgement], None]


def main() -> None:
    """Judge what stdin holds, and tell stdout alone."""
    started = monotonic()
    options = json.loads(sys.argv[1])
    with os.fdopen(os.dup(1), "wb") as told:
        os.dup2(2, 1)  # what it prints does not belong to the judgements

        def send(judged: Judgement) -> None:
            told.write(json.dumps(to_values(judged)).encode() + b"\n")
            told.flush()

        names = _unpack(send)
        if names is not None:
            _judge_all(names, options, started, send)
    os._exit(0)  # nothing of its code may run now


def _unpack(send: Send) -> list[str] | None:
    """Write the files of the archive here; their names, or None if they cannot be written."""
    try:
        with zipfile.ZipFile(sys.stdin.buffer) as archive:
            names = archive.namelist()
            for name in names:
                path = Path(name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(archive.read(name))
    except OSError as error:
        words = f"it cannot be unpacked: {error.strerror}"
        send(Judgement("", Outcome.NOT_JUDGED, cause=words))
        return None
    return names


def _judge_all(names: list[str], options: dict[str, Any], started: float, send: Send) -> None:
    from conformance.grade.judge_submissions import judge_file

    only, seconds, cost = options["only"], float(options["seconds"]), options["cost"]
    family = None if options["family"] is None else tuple(options["family"])
    files = sources(dict.fromkeys(names, b""))
    asked = [each for each in files if not only or fnmatch(PurePosixPath(each).name, str(only))]
    if not asked:
        has = f"no file {only} in it" if only and files else "no Python file or notebook in it"
        send(Judgement("", Outcome.NOT_JUDGED, cause=has))
    for i, file in enumerate(asked):
        left = seconds - (monotonic() - started)
        if left <= 0 and i:
            words = f"the files before it took all of the {seconds:g} s"
            send(Judgement(file, Outcome.TIME, cause=words))
            continue
        send(judge_file(file, left, cost, family))


if __name__ == "__main__":
    main()
