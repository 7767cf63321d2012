"""A recorded trace as a subject: what it holds is judged, what it should hold is said."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from conformance.corpus import casefile, store
from conformance.errors import ConformanceError, SubjectError, UsageError
from conformance.judging.judge import check_case
from conformance.subjects import ReferenceSession
from conformance.subjects.trace.trace_subject import TraceSubject, parse, trace_subject
from conformance.tests.support import recorded
from conformance.verdict.compare import FREE, Status
from reference.step import Array

CASE = "contracting-5-4-3-2"


def tensors(*, free: bool = False) -> dict[str, Array]:
    """A right recording of the case."""
    given = recorded(CASE)
    found: dict[str, Array] = {}
    for t, step in enumerate(given.steps):
        taken = ReferenceSession(given.case, step.parameters).step(step.batch)
        found |= {f"{t}/{name}": np.array(array) for name, array in taken.named()}
    session = ReferenceSession(given.case, given.steps[0].parameters)
    for t, step in enumerate(given.steps if free else ()):
        taken = session.step(step.batch)
        found |= {f"free/{t}/{name}": np.array(array) for name, array in taken.named()}
    return found


def trace(
    place: Path, named: Mapping[str, Array], metadata: dict[str, str] | None = None
) -> TraceSubject:
    """The subject of a file with these tensors."""
    path = place / "trace.safetensors"
    save_file(dict(named), path, metadata={"id": CASE} if metadata is None else metadata)
    return trace_subject(path, store.root())


def status(subject: TraceSubject) -> Status:
    """What is said of it in its case."""
    return check_case(subject, recorded(CASE)).status


def failing(subject: TraceSubject) -> list[str]:
    """The quantities that fail, with their steps."""
    report = check_case(subject, recorded(CASE))
    return [f"{each.mode} {each.step} {each.name} {each.problem}" for each in report.failures]


def test_a_right_recording_passes_and_has_no_free_run(tmp_path: Path) -> None:
    subject = trace(tmp_path, tensors())
    assert status(subject) is Status.PASS
    assert not subject.runs_freely(recorded(CASE).case)
    assert subject.conventions == (f"a recording of {CASE}",)


def test_the_file_of_the_case_is_a_recording_of_it() -> None:
    place = store.root()
    assert status(trace_subject(place / f"cases/{CASE}.safetensors", place)) is Status.PASS


def test_other_cases_do_not_fit(tmp_path: Path) -> None:
    subject = trace(tmp_path, tensors())
    assert subject.unfit(recorded("hand-2-3-1").case) == f"is a recording of {CASE}"
    assert not subject.unfit(recorded(CASE).case)


def test_a_part_of_a_recording_is_judged(tmp_path: Path) -> None:
    assert status(trace(tmp_path, {"1/nabla_w2": tensors()["1/nabla_w2"]})) is Status.PASS
    wrong = {"1/nabla_w2": 2 * tensors()["1/nabla_w2"]}
    assert failing(trace(tmp_path, wrong)) == ["restarted 1 nabla_w2 differs"]


def test_a_free_run_is_judged_where_it_was_recorded(tmp_path: Path) -> None:
    subject = trace(tmp_path, tensors(free=True))
    report = check_case(subject, recorded(CASE))
    assert report.status is Status.PASS
    assert any(each.mode == FREE and each.status is Status.PASS for each in report.verdicts)
    wrong = tensors(free=True)
    wrong["free/0/z2"] = wrong["free/0/z2"] + 1
    assert any(each.startswith("free run 0 z2") for each in failing(trace(tmp_path, wrong)))


CHANGES: dict[str, tuple[Callable[[Array], Array], str]] = {
    "nan": (lambda z: z * np.nan, "is not finite"),
    "shape": (lambda z: np.ascontiguousarray(z.T), "has shape"),
    "float32": (lambda z: z.astype(np.float32), "has dtype float32"),
    "integers": (lambda z: z.astype(np.int64), "has dtype int64"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_wrong_numbers_are_verdicts(name: str, tmp_path: Path) -> None:
    change, problem = CHANGES[name]
    found = tensors()
    found["0/z2"] = change(found["0/z2"])
    first = failing(trace(tmp_path, found))[0]
    assert first.startswith("restarted 0 z2")
    assert problem in first


def test_the_case_is_named_by_the_header_or_by_the_caller(tmp_path: Path) -> None:
    named = {"0/z2": tensors()["0/z2"]}
    for case in (CASE, json.dumps({"id": CASE}), json.dumps({"case": {"id": CASE}})):
        assert trace(tmp_path, named, {"case": case}).case_id == CASE
    with pytest.raises(UsageError, match="does not say which case it is: give --case"):
        trace(tmp_path, named, {})
    path = tmp_path / "trace.safetensors"
    assert trace_subject(path, store.root(), CASE).case_id == CASE
    with pytest.raises(UsageError, match=r"no case 'hand-2-3' .did you mean hand-2-3-1"):
        trace_subject(path, store.root(), "hand-2-3")


@pytest.mark.parametrize("name", ["0/dW1", "3/z2", "0/z9", "z2", "free/0/nabla", "-1/z2", "00/z2"])
def test_an_unknown_name_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(SubjectError) as caught:
        trace(tmp_path, {**tensors(), name: np.zeros(1)})
    assert f"tensor `{name}` is no quantity of {CASE}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_samples_start_and_bounds_are_left_alone(tmp_path: Path) -> None:
    beside = ("0/x", "x", "y", "w2", "b3", "bound/0/z2")
    more = {**tensors(), **{name: np.zeros(1) for name in beside}}
    assert status(trace(tmp_path, more)) is Status.PASS


def test_a_recording_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SubjectError, match="no tensor is a quantity of a step"):
        trace(tmp_path, {"w2": np.zeros(1)})


def test_a_free_run_without_its_parameters_is_an_error(tmp_path: Path) -> None:
    found = tensors(free=True)
    del found["free/0/w3"]
    with pytest.raises(SubjectError, match="`free/0/w3` is missing"):
        trace(tmp_path, found)


def header(**entries: Any) -> bytes:
    """A safetensors file of these tensors and eight bytes of data."""
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text + bytes(8)


def entry(shape: Any = (1, 1), begin: int = 0, end: int = 8, dtype: str = "F64") -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"abc", "it has 3 bytes: 8 of them are to tell the length of its header"),
        (header()[:9], "its header is to be 2 bytes long, and 1 follow"),
        (b"\x02\0\0\0\0\0\0\0no", "its header: Expecting value"),
        (
            header(z2=entry((2, 3))),
            "`z2` of shape [2, 3] takes 48 bytes in F64, its data_offsets 8",
        ),
        (
            header(z2=entry(begin=8, end=16)),
            "`z2` begins at byte 8 of the data, where 0 comes next",
        ),
        (header(z2=entry((0, 1), end=0)), "its tensors end at byte 0 of the data, of which there"),
        (header(z2={"shape": []}), "missing field `dtype`"),
        (header(z2=entry([10**9, [0]])), "not a safetensors file"),
        (header(z2=entry(dtype="F65")), "unknown variant `F65`"),
    ],
    ids=("short", "cut", "text", "shape", "gap", "rest", "entry", "lists", "dtype"),
)
def test_what_is_wrong_with_the_bytes_of_a_file_is_named(raw: bytes, words: str) -> None:
    with pytest.raises(SubjectError) as caught:
        parse(raw, "it")
    assert words in str(caught.value)


def test_a_file_that_is_no_trace_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "trace.safetensors"
    expected: list[tuple[bytes | None, str]] = [
        (None, "there is no file"),
        (b"", "not a safetensors file"),
        (b"\xff" * 100, "not a safetensors file"),
        (b"\x02\0\0\0\0\0\0\0{}", "does not say which case"),
    ]
    for content, message in expected:
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ConformanceError, match=message) as caught:
            trace_subject(path, store.root())
        assert "\n" not in str(caught.value)
    with pytest.raises(UsageError, match="is no file"):
        trace_subject(tmp_path, store.root())
    monkeypatch.setattr(casefile, "MOST_BYTES", 5)
    with pytest.raises(SubjectError, match="larger than"):
        trace_subject(path, store.root())
