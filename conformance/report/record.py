"""A report as JSON values, and back: what `--json` writes and what a child process sends.

The format is described by `report.schema.json` beside this file. Numbers that JSON does not have
are the strings "nan", "inf" and "-inf". Left out: reading the subject's source.
"""

from dataclasses import asdict
from typing import Any

from conformance.corpus.case import Case
from conformance.diagnosis.cause import Cause
from conformance.explain.example import Example, Row
from conformance.judging.case_report import CaseReport
from conformance.judging.exact_lane import ExactRun
from conformance.outcome import Report
from conformance.report.detail_record import details_from_json, details_to_json, number
from conformance.report.finding_words import finding_text, problem_text
from conformance.report.judged import judged
from conformance.tracing.digits import Loss
from conformance.tracing.frames import Frame
from conformance.tracing.rewrites import Instead
from conformance.verdict.compare import SUBJECT, Status, Verdict
from conformance.verdict.deviation import Worst
from conformance.verdict.finding import Finding, Kind, finding
from conformance.verdict.on_balls import Exactness, LostDigits

REPORT_VERSION = 1


def to_json(report: Report) -> dict[str, Any]:
    """The report as JSON values."""
    return {
        "report_version": REPORT_VERSION,
        "subject": report.subject,
        "ok": report.ok,
        "exit_code": report.exit_code,
        "conventions": list(report.conventions),
        "judged": judged(report.cases),
        "blames": [
            {
                "equation": blame.tag,
                "layers": list(blame.layers),
                "cases": blame.cases,
                "first": verdict_to_json(blame.first),
                "lines": [asdict(frame) for frame in blame.frames],
            }
            for blame in report.blames
        ],
        "lost": [
            {
                "equation": each.tag,
                "layers": list(each.layers),
                "cases": each.cases,
                "badly": each.badly,
                "first": verdict_to_json(each.first),
                "lines": [asdict(frame) for frame in each.frames],
            }
            for each in report.losses
        ],
        "remarks": report.remarks,
        "findings": [_finding_to_json(each) for each in report.findings],
        "cases": [case_to_json(each) for each in report.cases],
        "skipped": dict(report.skipped),
        "declined": dict(report.declined),
        "exact": [exact_to_json(each) for each in report.exact],
        "causes": [cause_to_json(each) for each in report.causes],
        "smallest": [asdict(each) for each in report.smallest],
    }


def from_json(values: dict[str, Any]) -> Report:
    """The report of some JSON values; what follows from others is computed again."""
    return Report(
        values["subject"],
        tuple(values["conventions"]),
        tuple(case_from_json(each) for each in values["cases"]),
        dict(values["skipped"]),
        tuple(exact_from_json(each) for each in values["exact"]),
        tuple(cause_from_json(each) for each in values.get("causes", ())),
        tuple(example_from_json(each) for each in values.get("smallest", ())),
        dict(values.get("declined", {})),
    )


def case_to_json(report: CaseReport) -> dict[str, Any]:
    """One case as JSON values."""
    return {
        "case": report.case.to_json(),
        "subject": report.subject,
        "status": str(report.status),
        "error": report.error,
        "verdicts": [verdict_to_json(each) for each in report.verdicts],
        "lines": [asdict(frame) for frame in report.frames],
        **details_to_json(report),
    }


def case_from_json(values: dict[str, Any]) -> CaseReport:
    """The case of some JSON values."""
    verdicts = [_verdict(each) for each in values["verdicts"]]
    case = Case.from_json(values["case"], judged=True)
    said = case, values["subject"], verdicts, values["error"]
    frames = tuple(Frame(**each) for each in values.get("lines", ()))
    return CaseReport(*said, **details_from_json(values), frames=frames)


def verdict_to_json(verdict: Verdict) -> dict[str, Any]:
    """One verdict as JSON values."""
    values = vars(verdict) | {"frames": [asdict(each) for each in verdict.frames]}
    values["status"] = str(verdict.status)
    values["problem"] = problem_text(verdict)
    for optional in ("finding", "on_balls", "lost"):
        del values[optional]
    if not verdict.bits:
        del values["bits"]
    if verdict.on_balls is not None:
        error = verdict.on_balls.error
        said = None if error is None else number(error)
        values["on_balls"] = {"error": said, "why": verdict.on_balls.why}
    if verdict.lost is not None:
        values["lost"] = _lost_to_json(verdict.lost)
    if verdict.finding is not None:
        values["finding"] = {"kind": str(verdict.finding.kind), **_values(verdict.finding)}
    if verdict.worst is not None:
        values["worst"] = {name: number(value) for name, value in asdict(verdict.worst).items()}
    return values


def exact_to_json(run: ExactRun) -> dict[str, Any]:
    """One run of the exact lane as JSON values."""
    return {
        "case": run.case,
        "step": run.step,
        "left": run.left,
        "errors": {name: number(error) for name, error in run.errors.items()},
        "undecided": run.undecided,
    }


def exact_from_json(values: dict[str, Any]) -> ExactRun:
    """The run of some JSON values."""
    errors = {name: float(error) for name, error in values["errors"].items()}
    undecided = dict(values.get("undecided", {}))
    return ExactRun(values["case"], values["step"], values["left"], errors, undecided)


def _lost_to_json(lost: LostDigits) -> dict[str, Any]:
    loss = None if lost.loss is None else _loss_to_json(lost.loss)
    return {"off": number(lost.off), "badly": lost.badly, "loss": loss}


def _lost(values: dict[str, Any]) -> LostDigits:
    loss = None if values["loss"] is None else _loss(values["loss"])
    return LostDigits(float(values["off"]), values["badly"], loss)


def _loss_to_json(loss: Loss) -> dict[str, Any]:
    values = {name: number(value) for name, value in asdict(loss).items() if name != "instead"}
    instead = None if loss.instead is None else asdict(loss.instead)
    operands = [number(each) for each in loss.operands]
    return {**values, "operands": operands, "instead": instead}


def _loss(values: dict[str, Any]) -> Loss:
    made = {
        "operands": tuple(float(each) for each in values["operands"]),
        "result": float(values["result"]),
        "right": float(values["right"]),
        "frames": _frames(values["frames"]),
        "instead": Instead(**values["instead"]) if values.get("instead") else None,
    }
    return Loss(**{**values, **made})


def cause_to_json(cause: Cause) -> dict[str, Any]:
    """One cause as JSON values."""
    values = asdict(cause)
    return {"equation": values.pop("tag"), **{name: list(each) for name, each in values.items()}}


def cause_from_json(values: dict[str, Any]) -> Cause:
    """The cause of some JSON values."""
    rest = {name: tuple(each) for name, each in values.items() if name != "equation"}
    return Cause(values["equation"], **rest)


def example_from_json(values: dict[str, Any]) -> Example:
    """The example of some JSON values."""
    made = {
        "tags": tuple(values["tags"]),
        "rows": tuple(Row(**row) for row in values.get("rows", ())),
    }
    return Example(**{**values, **made})


def _verdict(values: dict[str, Any]) -> Verdict:
    worst = values["worst"]
    if worst is not None:
        numbers = {name: float(worst[name]) for name in ("got", "right", "ulps", "ratio")}
        worst = Worst(**{**worst, **numbers, "index": tuple(worst["index"])})
    made = {
        "status": Status(values["status"]),
        "worst": worst,
        "hidden": tuple(values["hidden"]),
        "frames": _frames(values["frames"]),
        "who": values.get("who", SUBJECT),
        "finding": _finding(values),
        "on_balls": _on_balls(values.get("on_balls")),
        "lost": _lost(values["lost"]) if "lost" in values else None,
    }
    if made["finding"] is not None:
        made["problem"] = ""  # it is said of the finding
    return Verdict(**{**values, **made})


def _on_balls(values: dict[str, Any] | None) -> Exactness | None:
    if values is None:
        return None
    error = values["error"]
    return Exactness(None if error is None else float(error), values["why"])


def _finding_to_json(finding: Finding) -> dict[str, Any]:
    lines = [asdict(frame) for frame in finding.frames]
    text = finding_text(finding)
    return {"kind": str(finding.kind), "text": text, **_values(finding), "lines": lines}


def _values(finding: Finding) -> dict[str, Any]:
    return {"values": dict(finding.values)}


def _finding(values: dict[str, Any]) -> Finding | None:
    """What is wrong beside the equations; reports of earlier releases have words alone."""
    if values["name"] or values["status"] != Status.FAIL:
        return None
    said = values.get("finding", {"kind": Kind.OTHER, "values": {"words": values["problem"]}})
    return finding(Kind(said["kind"]), _frames(values["frames"]), **said["values"])


def _frames(values: list[dict[str, Any]]) -> tuple[Frame, ...]:
    return tuple(Frame(**each) for each in values)
