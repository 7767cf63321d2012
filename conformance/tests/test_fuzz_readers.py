"""The readers of what a command or a trace holds, fuzzed: arrays come out or the documented error.

Left out: the files themselves and the programs that write them (`test_hostile.py`).
"""

import json
import tracemalloc
from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conformance.corpus import casefile, store
from conformance.errors import CorpusError, SubjectError
from conformance.judging.judge import check_case
from conformance.subjects import Subject
from conformance.subjects.command.command_output import arrays
from conformance.subjects.observation import Family
from conformance.subjects.trace.trace_subject import (
    TraceSession,
    families,
    followable,
    id_of,
    parse,
)
from conformance.tests.mutate import CASE, mutated, outputs
from conformance.tests.parts import few
from conformance.tests.support import PROFILE, recorded
from reference.step import causal_order

THOROUGHLY = settings(PROFILE, max_examples=few(60, 1000))
EACH, SEEDS = 10_000, 10  # inputs, in all 100,000

OUTPUTS = outputs()
NAMES = [f"{mode}{t}/{name}" for mode in ("", "free/") for t in (0, 1) for name in causal_order(3)]


def read(raw: bytes) -> Family:
    """The restarted steps of an output.

    Raises:
        SubjectError: it is none.
    """
    given = recorded(CASE).case
    steps, free = families("its output", given, arrays(raw, given))
    followable("its output", given, free)
    return steps


def outcome(reader: Callable[[bytes], object], raw: bytes, documented: type[Exception]) -> str:
    """How an error begins, which must be short and safe for a terminal; nothing if it is read."""
    message = ""
    try:
        reader(raw)
    except documented as error:
        message = str(error)
    assert message.isprintable()  # here: a worker cannot send a traceback that holds a surrogate
    assert len(message) < 700
    return message[:40]


def judged(raw: bytes) -> None:
    """What can be read can be judged, whatever it is."""
    try:
        steps = read(raw)
    except SubjectError:
        assert outcome(read, raw, SubjectError)
        return
    session = partial(TraceSession, recorded(CASE), steps)
    report = check_case(Subject("fuzzed", session), recorded(CASE))
    assert report.passes or report.failures or "nothing was compared" in report.error


@pytest.mark.parametrize("seed", few(range(1), range(SEEDS)))
def test_a_mutated_output_is_read_or_an_error(seed: int) -> None:
    """Both happen often, and for many reasons: else nothing was tried."""
    random, outcomes = Random(seed), Counter[str]()  # noqa: S311 - to be repeated
    for i in range(EACH):
        kind = ("safetensors", "json")[i % 2]
        raw = mutated(random, OUTPUTS[kind], container=kind == "safetensors")
        outcomes[outcome(read, raw, SubjectError)] += 1
    assert outcomes[""] > EACH // 20
    assert len(outcomes) > 20


def trace(raw: bytes) -> None:
    """Read a trace as far as its case."""
    id_of(parse(raw, "a trace")[0])


def corpus(raw: bytes) -> None:
    """Read a file of the corpus."""
    casefile.parse(raw, store.root())


@pytest.mark.parametrize(
    ("reader", "documented"),
    [pytest.param(trace, SubjectError, id="trace"), pytest.param(corpus, CorpusError, id="corpus")],
)
def test_a_mutated_file_of_ours_is_read_or_an_error(
    reader: Callable[[bytes], object], documented: type[Exception]
) -> None:
    whole = (store.root() / store.file_name(recorded(CASE).case)).read_bytes()
    random = Random(0)  # noqa: S311 - to be repeated
    found = {
        outcome(reader, mutated(random, whole, container=True), documented) for _ in range(5_000)
    }
    assert "" in found
    assert len(found) > 1


numbers = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
nested = st.recursive(
    numbers,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)
names = st.sampled_from(NAMES) | st.text(max_size=9)
DTYPES = ["F64", "F32", "F16", "BF16", "F8_E4M3", "F4", "C64", "I64", "U8", "BOOL", "F65"]
sizes = st.integers(0, 4) | st.sampled_from([-1, 1.5, None, 1 << 31, 1 << 63, (1 << 64) - 1])
tensors = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(DTYPES),
        "shape": st.lists(sizes, max_size=4),
        "data_offsets": st.lists(st.integers(0, 96) | sizes, min_size=1, max_size=3),
    }
)


@given(st.dictionaries(names, nested, max_size=4) | nested)
@THOROUGHLY
def test_any_json_is_judged_or_an_error(values: Any) -> None:
    judged(json.dumps(values).encode())


@given(st.dictionaries(names, tensors | nested, max_size=3), st.binary(max_size=96))
@THOROUGHLY
def test_any_header_is_judged_or_an_error(header: dict[str, Any], data: bytes) -> None:
    text = json.dumps(header).encode()
    judged(len(text).to_bytes(8, "little") + text + data)


@given(st.sampled_from(DTYPES), st.lists(st.integers(0, 3), max_size=4), st.sampled_from(NAMES))
@THOROUGHLY
def test_any_right_tensor_is_judged_or_an_error(dtype: str, shape: list[int], name: str) -> None:
    """Of every dtype and shape: the data are as long as the header says."""
    entries = 1
    for size in shape:
        entries *= size
    wide = {"F64": 8, "C64": 8, "I64": 8, "F32": 4, "F16": 2, "BF16": 2}.get(dtype, 1) * entries
    entry = {"dtype": dtype, "shape": shape, "data_offsets": [0, wide]}
    text = json.dumps({name: entry}).encode()
    judged(len(text).to_bytes(8, "little") + text + b"\x7f\xf8" * (wide // 2) + bytes(wide % 2))


@given(st.binary(max_size=200))
@example(b"\xef\xbb\xbf{}")
@example(b"\xff\xfe{\0}\0")
@THOROUGHLY
def test_any_bytes_are_judged_or_an_error(raw: bytes) -> None:
    judged(raw)


@pytest.mark.parametrize("text", ["[", "1", '{"case":', "\ud800"], ids=ascii)
def test_the_metadata_of_a_trace_may_be_anything(text: str) -> None:
    assert id_of({"case": text * 100_000}) == text * 100_000


@pytest.mark.parametrize("shape", [[1 << 40], [1 << 31, 1 << 31], [0, 1 << 62], [(1 << 64) - 1]])
def test_nothing_is_allocated_on_the_word_of_a_header(shape: list[int]) -> None:
    end = 8 * shape[0] * (shape[1] if len(shape) > 1 else 1)
    entry = {"dtype": "F64", "shape": shape, "data_offsets": [0, end]}
    text = json.dumps({"0/z2": entry}).encode()
    tracemalloc.start()
    judged(len(text).to_bytes(8, "little") + text + bytes(32))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20
