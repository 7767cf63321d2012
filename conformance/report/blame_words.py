"""What is said of an equation that is wrong, in every form that a report has.

Left out: its cause (`cause_words.py`), its line of code (`source_words.py`).
"""

from collections.abc import Sequence

from conformance.corpus.case import Case
from conformance.model.row import Row
from conformance.outcome import Blame, LostEquation, Outcome
from conformance.report.edit_words import edit_words
from conformance.report.message import difference, run_words, what
from conformance.report.source_words import file_and_line
from conformance.verdict.compare import Verdict, doubtful

LISTED = 8  # declined cases of one reason that a line names


def case_of(report: Outcome, blame: Blame | LostEquation) -> Case:
    """The case of the first verdict."""
    return next(each.case for each in report.cases if each.case.id == blame.first.case)


def equation_of_blame(report: Outcome, blame: Blame) -> Row:
    """The equation that is wrong, with the formula of the case in which it is so first."""
    case = case_of(report, blame)
    return case.rows[blame.first.name]


def heading(report: Outcome, blame: Blame) -> str:
    """Which equation is wrong, at which layers, in how many cases."""
    cases = len(report.cases)
    count = f"{blame.cases} of {cases} case{'s'[: cases != 1]}"
    return f"{blame.tag} is wrong{at_layers(blame.layers)}, in {count}"


def at_layers(layers: Sequence[int]) -> str:
    """` at layers 2 and 3`; nothing for the cost, which has no layer."""
    *most, last = [str(layer) for layer in layers] or [""]
    if most:
        return f" at layers {', '.join(most)} and {last}"
    return f" at layer {last}" if last else ""


def first_words(report: Outcome, blame: Blame | LostEquation) -> list[str]:
    """The first verdict: where, both values, what else may be to blame."""
    first = blame.first
    case = case_of(report, blame)
    words = [f"first in {case.id}, step {first.step}{run_words(first)}: {what(first)}"]
    if first.worst is not None:
        words.append(difference(first.worst))
    if first.hidden:
        words.append(doubtful(case, first))
    return words


def change_words(report: Outcome, place: str) -> list[str]:
    """What change of one line makes every case right, if one is known.

    Args:
        report: that knows it.
        place: file and number of the line that is said to be wrong; empty if none is.
    """
    change = report.change
    if change is None:
        return []
    at = file_and_line(change)
    return [edit_words(change.kind, change.text, "every case", at if at != place else "")]


def explained(report: Outcome, first: Verdict) -> list[Verdict]:
    """The quantities of the same step that are wrong because of this one."""
    verdicts = next(each.verdicts for each in report.cases if each.case.id == first.case)
    here = (first.step, first.mode, first.name)
    return [v for v in verdicts if (v.step, v.mode, v.explained_by) == here]


def skipped_words(report: Outcome) -> str:
    """How many cases were not put to the subject, and why; empty if all were."""
    reasons: dict[str, int] = {}
    for reason in report.skipped.values():
        reasons[reason] = reasons.get(reason, 0) + 1
    return ", ".join(
        f"{count} case{'s'[: count != 1]} (it {reason})" for reason, count in reasons.items()
    )


def declined_words(report: Outcome, most: int | None = LISTED) -> str:
    """Why the subject declined cases, and which: `no float32 (a-float32, b-float32)`.

    Args:
        report: of the subject.
        most: ids that are named for each reason; all if None.
    """
    ids: dict[str, list[str]] = {}
    for id_, reason in report.declined.items():
        ids.setdefault(reason, []).append(id_)
    return "; ".join(f"{reason} ({_listed(cases, most)})" for reason, cases in ids.items())


def _listed(ids: Sequence[str], most: int | None) -> str:
    left = len(ids) - len(ids[:most])
    return ", ".join(ids[:most]) + f" and {left} more" * bool(left)


def errors(report: Outcome) -> list[str]:
    """Why the subject could not be judged in some cases, each said once."""
    return list(dict.fromkeys(each.error for each in report.cases if each.error))
