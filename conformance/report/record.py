"""A report as JSON values, and back: what `--json` writes and what a child process sends.

The format is described by `report.schema.json` beside this file. Numbers that JSON does not have
are the strings "nan", "inf" and "-inf". Left out: reading the subject's source.
"""

from dataclasses import replace
from typing import Any

from conformance.corpus.case import Case
from conformance.diagnosis.measured import Cause
from conformance.edits.edit import Change
from conformance.explain.example import Example
from conformance.judging.case_report import CaseReport, Cell, Point
from conformance.judging.observe import ExactRun
from conformance.outcome import Blame, LostEquation, Outcome
from conformance.report.measure_words import measure_text
from conformance.report.message import finding_text, finding_texts
from conformance.report.sentence import judged
from conformance.statement import Statement
from conformance.tracing.frames import Frame
from conformance.values import from_values, to_values
from conformance.verdict.compare import Status, Verdict
from conformance.verdict.finding import Finding, Kind, finding

REPORT_VERSION = 1
OPTIONAL = ("finding", "from_truth", "on_balls", "lost", "bits")  # of a verdict, where there is one


def to_json(report: Outcome) -> dict[str, Any]:
    """The report as JSON values."""
    return {
        "report_version": REPORT_VERSION,
        "subject": report.subject,
        "ok": report.ok,
        "exit_code": report.exit_code,
        "conventions": list(report.conventions),
        "judged": judged(report.cases),
        "blames": [_equation_to_json(each) for each in report.blames],
        "lost": [{**_equation_to_json(each), "badly": each.badly} for each in report.losses],
        "remarks": finding_texts(report),
        "findings": [_finding_to_json(each) for each in report.findings],
        "cases": [case_to_json(each) for each in report.cases],
        "skipped": dict(report.skipped),
        "declined": dict(report.declined),
        **({"moves_unknown": True} if report.moves_unknown else {}),
        **further_to_json(report),
    }


def _equation_to_json(each: Blame | LostEquation) -> dict[str, Any]:
    return {
        "equation": each.tag,
        "layers": list(each.layers),
        "cases": each.cases,
        "first": _verdict_to_json(each.first),
        "lines": to_values(each.frames),
    }


def further_to_json(report: Outcome) -> dict[str, Any]:
    """What is known beside the cases as JSON values."""
    causes = [{**to_values(each), "measured": _measured_to_json(each)} for each in report.causes]
    return {
        "exact": to_values(report.exact),
        "causes": [{"equation": each.pop("tag"), **each} for each in causes],
        "smallest": to_values(report.smallest),
        **({} if report.change is None else {"change": report.change._asdict()}),
    }


def _measured_to_json(cause: Cause) -> list[dict[str, Any]]:
    return [{**_kind_and_values(each), "text": measure_text(each)} for each in cause.measured]


def from_json(values: dict[str, Any]) -> tuple[Any, ...]:
    """What an outcome is made of, from JSON values; what follows from it is computed again."""
    causes = (
        {
            **each,
            "tag": each["equation"],
            "measured": [{**m, "values": [*m["values"].items()]} for m in each["measured"]],
        }
        for each in values.get("causes", ())
    )
    return (
        values["subject"],
        tuple(values["conventions"]),
        tuple(case_from_json(each) for each in values["cases"]),
        dict(values["skipped"]),
        from_values(tuple[ExactRun, ...], values["exact"]),
        tuple(from_values(Cause, each) for each in causes),
        from_values(tuple[Example, ...], values.get("smallest", [])),
        dict(values.get("declined", {})),
        from_values(Change, values["change"]) if "change" in values else None,
        None,
        values.get("moves_unknown", False),
    )


def case_to_json(report: CaseReport) -> dict[str, Any]:
    """One case as JSON values; with its cells and its free run, if they were asked for."""
    details = {name: to_values(getattr(report, name)) for name in ("cells", "curve")}
    return {
        "case": report.case.to_json(),
        "subject": report.subject,
        "status": str(report.status),
        "error": report.error,
        "verdicts": [_verdict_to_json(each) for each in report.verdicts],
        "lines": to_values(report.frames),
        **(details if any(details.values()) else {}),
    }


def case_from_json(values: dict[str, Any]) -> CaseReport:
    """The case of some JSON values."""
    return CaseReport(
        Case.from_json(values["case"], judged=True),
        values["subject"],
        [_verdict(each) for each in values["verdicts"]],
        values["error"],
        cells=from_values(tuple[Cell, ...], values.get("cells", [])),
        curve=from_values(tuple[Point, ...], values.get("curve", [])),
        frames=from_values(tuple[Frame, ...], values.get("lines", [])),
    )


def _verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    values: dict[str, Any] = to_values(verdict)
    if verdict.on_balls is not None:
        del values["on_balls"]["frames"]
    if verdict.finding is not None:
        values["problem"] = finding_text(verdict.finding)
        values["finding"] = _kind_and_values(verdict.finding)
    return {name: each for name, each in values.items() if each or name not in OPTIONAL}


def _verdict(values: dict[str, Any]) -> Verdict:
    found = _finding(values)
    verdict: Verdict = from_values(Verdict, {n: v for n, v in values.items() if n != "finding"})
    return verdict if found is None else replace(verdict, finding=found, problem="")


def _finding_to_json(finding: Finding) -> dict[str, Any]:
    text, lines = finding_text(finding), to_values(finding.frames)
    return {**_kind_and_values(finding), "text": text, "lines": lines}


def _kind_and_values(statement: Statement) -> dict[str, Any]:
    return {"kind": str(statement.kind), "values": to_values(dict(statement.values))}


def _finding(values: dict[str, Any]) -> Finding | None:
    """What is wrong beside the equations; reports of earlier releases have words alone."""
    if values["name"] or values["status"] != Status.FAIL:
        return None
    said = values.get("finding", {"kind": Kind.OTHER, "values": {"words": values["problem"]}})
    frames = from_values(tuple[Frame, ...], values["frames"])
    return finding(Kind(said["kind"]), frames, **said["values"])
