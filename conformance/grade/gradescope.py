"""What Gradescope shows a student: a `results.json` a submission.

The points are shared equally among what was judged. What could not be judged has no score, since 0
says that it is wrong. Left out: how Gradescope runs programs.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from conformance.files import make_folder, put_json
from conformance.grade.grade_row import Outcome, Row
from conformance.report.visible import visible

OPTION = "--gradescope"
FILE = "results.json"
UNGRADED = "It has no score: a teacher has to grade it."


def write(folder: Path, rows: Sequence[Row], points: float, *, hide: bool, one: bool) -> None:
    """Write the file of each submission, in a folder of its name.

    Args:
        folder: where; made if it is missing.
        rows: of the submissions.
        points: that a submission gets if all is right.
        hide: whether a student does not see the line and the cause.
        one: whether there is one submission, whose file is in the folder itself.

    Raises:
        UsageError: a file cannot be written.
    """
    for row in rows:
        place = make_folder(OPTION, folder if one else folder / row.name)
        put_json(OPTION, place / FILE, results(row, points, hide=hide))


def results(row: Row, points: float, *, hide: bool) -> dict[str, Any]:
    """What Gradescope is told of a submission; see `write`."""
    judged = row.outcome in (Outcome.RIGHT, Outcome.WRONG)
    tests = [*_tests(row, points)] if judged else []
    score = points if row.outcome is Outcome.RIGHT else sum(each["score"] for each in tests)
    shown = [{**each, "visibility": "visible"} for each in tests]
    if hide:
        shown.append({"name": "for the teacher", "visibility": "hidden", "output": _whole(row)})
    output = _verdict(row) if hide else _whole(row)
    return {
        **({"score": round(score, 4)} if judged else {}),
        "output": output if judged else f"{UNGRADED}\n{output}",
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "execution_time": round(row.seconds),
        "tests": shown,
    }


def _tests(row: Row, points: float) -> Iterator[dict[str, Any]]:
    """Each thing that was judged, with its share of the points."""
    share = points / max(len(row.checks), 1)
    for each in row.checks:
        yield {
            "name": visible(each.name),
            "status": "passed" if each.ok else "failed",
            "score": round(share if each.ok else 0.0, 4),
            "max_score": round(share, 4),
        }


def _verdict(row: Row) -> str:
    """The verdict and what is wrong, without the line and the cause."""
    said = {
        Outcome.RIGHT: "All that was judged is right.",
        Outcome.WRONG: f"Wrong: {row.judged.what or 'see the list'}.",
        Outcome.TIME: "It took longer than it may.",
        Outcome.LIMIT: f"It used more than it may: {row.judged.cause}.",
        Outcome.CRASH: f"Its process ended before it was judged: {row.judged.cause}.",
        Outcome.INTERNAL: "It could not be judged, through no fault of its own.",
    }
    stopped = f"It could not be judged: {row.judged.line} {row.judged.cause}".replace("  ", " ")
    return visible(said.get(row.outcome, stopped))


def _whole(row: Row) -> str:
    """The verdict, what is wrong, the line and the cause, then the whole report."""
    said = row.judged
    first = ": ".join(filter(None, (str(row.outcome), said.what, said.line, said.cause)))
    return "\n".join(map(visible, (first, "", *row.report)))
