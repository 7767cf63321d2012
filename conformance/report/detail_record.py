"""What is behind the verdicts of a case as JSON values, and back.

Left out: the verdicts themselves (`record.py`).
"""

import math
from dataclasses import asdict
from typing import Any

from conformance.judging.case_report import CaseReport
from conformance.judging.records import Cell, Entry, Point


def details_to_json(report: CaseReport) -> dict[str, Any]:
    """The cells and the free run of a case; nothing if they were not asked for."""
    if not report.cells and not report.curve:
        return {}
    return {
        "cells": [_cell_to_json(each) for each in report.cells],
        "curve": [_numbers(asdict(each)) for each in report.curve],
    }


def details_from_json(values: dict[str, Any]) -> dict[str, Any]:
    """The fields of a `CaseReport` that `details_to_json` wrote."""
    return {
        "cells": tuple(_cell(each) for each in values.get("cells", ())),
        "curve": tuple(_point(each) for each in values.get("curve", ())),
    }


def number(value: Any) -> Any:
    """A value that JSON has: a string for a float that is not finite."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _cell_to_json(cell: Cell) -> dict[str, Any]:
    worst = [_numbers(asdict(each)) for each in cell.worst]
    limits = [number(each) for each in cell.limits]
    return {**asdict(cell), "worst": worst, "limits": limits}


def _cell(values: dict[str, Any]) -> Cell:
    low, high = (float(each) for each in values["limits"])
    made = {
        "shape": tuple(values["shape"]),
        "worst": tuple(_entry(each) for each in values["worst"]),
        "counts": tuple(values["counts"]),
        "limits": (low, high),
    }
    return Cell(**{**values, **made})


def _entry(values: dict[str, Any]) -> Entry:
    numbers = {name: float(values[name]) for name in ("got", "right", "ulps", "ratio")}
    return Entry(tuple(values["index"]), **numbers)


def _point(values: dict[str, Any]) -> Point:
    numbers = {name: float(values[name]) for name in ("error", "tolerance")}
    return Point(**{**values, **numbers, "index": tuple(values["index"])})


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    return {name: number(value) for name, value in values.items()}
