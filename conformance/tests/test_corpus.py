"""The corpus: its numbers, its files, and what becomes of damage to them."""

import json
from collections.abc import Callable
from decimal import Decimal, localcontext
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.cases import recipes
from conformance.cases.build import build_by_id
from conformance.cases.verify import file_problems
from conformance.corpus import casefile, store
from conformance.corpus.case import Case
from conformance.corpus.casefile import write
from conformance.corpus.embedded import embedded, embedded_hash
from conformance.errors import ConformanceError, CorpusError
from conformance.judging.judge import check_case
from conformance.subjects.named import find
from conformance.tests.support import PROFILE, container, corpus_of, recorded, rehash, rewrite
from reference.step import Array

HAND, SMALL = "hand-2-3-1", "cancelling-2-2-2"
FILE = f"cases/{SMALL}.safetensors"
ROOT = store.root()
RAW = (ROOT / FILE).read_bytes()
IDS = [case.id for case in store.cases(ROOT)]
TWINS = sorted(path.stem for path in (ROOT / "cases").glob("*.json"))

Change = Callable[[dict[str, Array]], object]


def manifest() -> dict[str, Any]:
    """The manifest as JSON."""
    return dict(json.loads((ROOT / store.MANIFEST).read_bytes()))


def schema(name: str = "manifest.schema.json") -> Any:
    """The validator of the manifest, or of the headers."""
    return jsonschema.Draft202012Validator(json.loads((ROOT / name).read_bytes()))


def refused(place: Path, name: str = FILE) -> str:
    """The one line with which a case is refused, in which its file is named."""
    with pytest.raises(CorpusError) as caught:
        store.read(place, recorded(SMALL).case)
    message = str(caught.value)
    assert str(place / name) in message
    assert "\n" not in message
    return message


def put(name: str, index: tuple[int, ...], value: float) -> Change:
    """Another entry of a tensor."""
    return lambda tensors: tensors[name].__setitem__(index, value)


def swap(*names: str, array: Array) -> Change:
    """Another array in place of some tensors."""
    return lambda tensors: tensors.update(dict.fromkeys(names, array))


# What is recorded


def test_ids_are_sorted_and_unique() -> None:
    assert sorted(set(IDS)) == IDS


def test_the_manifest_lists_the_cases_of_the_recipes() -> None:
    assert store.cases(ROOT) == tuple(recipe.case for recipe in recipes())


@pytest.mark.parametrize("id_", IDS)
def test_a_case_says_why_it_exists_and_what_it_catches(id_: str) -> None:
    case = next(case for case in store.cases(ROOT) if case.id == id_)
    assert case.why
    assert case.catches


@pytest.mark.parametrize("case", store.cases(ROOT), ids=IDS)
def test_the_rates_are_exact_in_the_dtype_of_the_case(case: Case) -> None:
    assert [float(case.type.type(rate)) for rate in (case.eta, case.lmbda)] == [
        case.eta,
        case.lmbda,
    ]


def test_every_case_exists_in_both_dtypes() -> None:
    in_float32 = {id_.removesuffix("-float32") for id_ in IDS if id_.endswith("-float32")}
    assert in_float32 == {id_ for id_ in IDS if not id_.endswith("-float32")}


def test_the_corpus_is_smaller_than_22_mb() -> None:
    assert sum(path.stat().st_size for path in ROOT.rglob("*") if path.is_file()) < 22_000_000


@pytest.mark.parametrize("id_", IDS)
def test_every_start_value_and_bound_is_finite_and_no_bound_is_negative(id_: str) -> None:
    for step in recorded(id_).steps:
        arrays = [*step.expected.values(), step.batch.x, step.batch.y]
        arrays += [array for _, array in step.parameters.named()]
        assert all(np.isfinite(array).all() for array in arrays)
        bounds = step.bound.values()
        assert all((np.isfinite(bound) & (bound >= 0)).all() for bound in bounds)


@pytest.mark.parametrize("id_", IDS)
def test_a_step_starts_where_the_last_one_ended(id_: str) -> None:
    steps = recorded(id_).steps
    for before, after in pairwise(steps):
        started = dict(after.parameters.named())
        assert all(np.array_equal(before.expected[name], started[name]) for name in started)


@pytest.mark.parametrize("id_", TWINS)
def test_the_json_of_a_case_holds_the_numbers_of_its_tensors(id_: str) -> None:
    twin = json.loads((ROOT / f"cases/{id_}.json").read_bytes())
    path = ROOT / f"cases/{id_}.safetensors"
    header, tensors = casefile.parse(path.read_bytes(), path)
    assert {key: twin[key] for key in header} == header
    assert twin["tensors"].keys() == tensors.keys()
    for name, array in tensors.items():
        read = np.array(twin["tensors"][name], array.dtype)
        assert (read.shape, read.tobytes()) == (array.shape, array.tobytes())


def test_the_hand_case_has_a_twin_to_read() -> None:
    assert HAND in TWINS


@pytest.mark.parametrize(
    "id_", [HAND, f"{HAND}-float32", "zeros-2-2-2", "narrow-5-1-float32", "layout-3-2-4"]
)
def test_a_case_that_is_built_again_has_the_same_bytes(id_: str) -> None:
    _, files = build_by_id(id_, ROOT)
    assert {name: (ROOT / name).read_bytes() for name in files} == files


def sigma(z: Decimal) -> Decimal:
    """σ(z) to the digits of the context."""
    return 1 / (1 + (-z).exp())


def in_decimals() -> dict[str, list[Decimal]]:
    """The hand case neuron by neuron, from the fractions in which it is written."""
    d = Decimal
    x, y, eta = [d(1), d("0.5")], d(1), d("0.5")
    w2 = [[d("0.5"), d("-0.25")], [d("0.125"), d("0.75")], [d(-1), d("0.5")]]
    b2, w3, b3 = [d("0.25"), d("-0.5"), d(0)], [d(1), d("-0.5"), d("0.25")], d("-0.125")
    z2 = [row[0] * x[0] + row[1] * x[1] + b for row, b in zip(w2, b2, strict=True)]
    a2 = [sigma(z) for z in z2]
    z3 = sum((w * a for w, a in zip(w3, a2, strict=True)), b3)
    a3 = sigma(z3)
    delta3 = (a3 - y) * a3 * (1 - a3)
    delta2 = [w * delta3 * a * (1 - a) for w, a in zip(w3, a2, strict=True)]
    nabla_w2 = [[delta * each for each in x] for delta in delta2]
    nabla_w3 = [delta3 * a for a in a2]
    return {
        "z2": z2,
        "a2": a2,
        "z3": [z3],
        "a3": [a3],
        "cost": [(a3 - y) ** 2 / 2],
        "delta3": [delta3],
        "delta2": delta2,
        "nabla_b2": delta2,
        "nabla_w2": [each for row in nabla_w2 for each in row],
        "nabla_b3": [delta3],
        "nabla_w3": nabla_w3,
        "b2": [b - eta * delta for b, delta in zip(b2, delta2, strict=True)],
        "w2": [w2[j][k] - eta * nabla_w2[j][k] for j in range(3) for k in range(2)],
        "b3": [b3 - eta * delta3],
        "w3": [w - eta * nabla for w, nabla in zip(w3, nabla_w3, strict=True)],
    }


def test_the_hand_case_is_what_fifty_digits_by_hand_give() -> None:
    with localcontext() as context:
        context.prec = 50
        right = {name: [float(each) for each in values] for name, values in in_decimals().items()}
    assert {n: a.ravel().tolist() for n, a in recorded(HAND).steps[0].expected.items()} == right


# The manifest


def test_the_manifest_follows_its_schema() -> None:
    assert not list(schema().iter_errors(manifest()))


def test_every_listed_file_is_there_with_its_size_and_hash() -> None:
    for name, entry in manifest()["files"].items():
        raw = (ROOT / name).read_bytes()
        assert {"bytes": len(raw), "sha256": casefile.sha256(raw)} == entry


def test_every_file_of_a_case_is_listed() -> None:
    there = {f"cases/{path.name}" for path in (ROOT / "cases").iterdir()}
    assert there == {name for name in manifest()["files"] if name.startswith("cases/")}


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("extra",), 1),
        (("schema_version",), 2),
        (("cases", 0, "extra"), 1),
        (("cases", 0, "cost"), "huber"),
        (("cases", 0, "sizes"), [3]),
        (("cases", 0, "sizes"), [3, 0]),
        (("cases", 0, "batches"), []),
        (("cases", 0, "batches"), [[]]),
        (("cases", 0, "n"), 0),
        (("cases", 0, "eta"), "1"),
        (("cases", 0, "dtype"), "float16"),
        (("cases", 0, "id"), "../x"),
        (("files", FILE, "extra"), 1),
        (("files", FILE, "sha256"), "0"),
        (("files", FILE, "bytes"), -1),
        (("files", "cases/../x"), {"bytes": 1, "sha256": "0" * 64}),
    ],
)
def test_the_schema_refuses_what_is_unknown_or_of_the_wrong_kind(
    where: tuple[Any, ...], value: object
) -> None:
    edited = manifest()
    inner: Any = edited
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    assert list(schema().iter_errors(edited))


@pytest.mark.parametrize("key", ["schema_version", "cases", "files"])
def test_the_schema_misses_what_is_not_there(key: str) -> None:
    edited = manifest()
    del edited[key]
    assert list(schema().iter_errors(edited))


# The header of a case


@pytest.mark.parametrize("name", ["manifest.schema.json", "case.schema.json"])
def test_a_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads((ROOT / name).read_bytes()))


def test_the_two_schemas_describe_a_case_alike() -> None:
    assert schema().schema["$defs"] == schema("case.schema.json").schema["$defs"]


@pytest.mark.parametrize("id_", IDS)
def test_the_header_of_a_case_follows_its_schema(id_: str) -> None:
    path = ROOT / f"cases/{id_}.safetensors"
    header, _ = casefile.parse(path.read_bytes(), path)
    assert not list(schema("case.schema.json").iter_errors(header))


@pytest.mark.parametrize("where", [(), ("case",), ("conventions",)])
def test_the_schema_of_the_header_knows_every_name(where: tuple[str, ...]) -> None:
    def edited(**changed: object) -> dict[str, Any]:
        """The header with other values at `where`; None takes a name out."""
        header = inner = casefile.case_header(recorded(HAND).case)
        for key in where:
            inner = inner[key]
        left = {name: value for name, value in {**inner, **changed}.items() if value is not None}
        inner.clear()
        inner.update(left)
        return header

    inner = edited()
    for key in where:
        inner = inner[key]
    broken = [edited(**{name: value}) for name in inner for value in (None, {"no": "such thing"})]
    validator = schema("case.schema.json")
    assert validator.is_valid(edited())
    assert not any(validator.is_valid(header) for header in [*broken, edited(extra=1)])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "No such file"),
        ("", "not JSON"),
        ("{", "not JSON"),
        ("\0\1", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "schema version None"),
        ("null", "schema version None"),
        ("{}", "schema version None"),
        ('{"schema_version": 2}', "schema version 2"),
        ('{"schema_version": "1"}', "schema version '1'"),
        ('{"schema_version": 1}', "`cases` is missing"),
        ('{"schema_version": 1, "cases": {}, "files": {}, "version": ""}', "`cases` is missing"),
        ('{"schema_version": 1, "cases": [7], "files": {}, "version": ""}', "manifest.json"),
        ('{"schema_version": 1, "cases": [null], "files": {}, "version": ""}', "manifest.json"),
        ('{"schema_version": 1, "cases": ["x"], "files": {}, "version": ""}', "missing or unknown"),
        ('{"schema_version": 1, "cases": [{}], "files": {}, "version": ""}', "missing or unknown"),
    ],
)
def test_a_damaged_manifest_is_refused_by_name(
    text: str | None, words: str, tmp_path: Path
) -> None:
    path = tmp_path / store.MANIFEST
    if text is not None:
        path.write_text(text)
    with pytest.raises(CorpusError, match=words) as caught:
        store.cases(tmp_path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_manifest_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / store.MANIFEST).write_bytes(b"{\xff\xfe")
    with pytest.raises(CorpusError, match="not JSON"):
        store.cases(tmp_path)


@pytest.mark.parametrize("pattern", ["", "nothing*", "HAND*"])
def test_a_glob_that_matches_nothing_is_wrong_usage(pattern: str) -> None:
    with pytest.raises(ConformanceError, match="no case matches"):
        store.cases(ROOT, pattern)


def test_glob_and_dtype_choose_together() -> None:
    chosen = store.cases(ROOT, "hand*", "float32")
    assert [case.id for case in chosen] == ["hand-2-3-1-float32"]


# A damaged file


def test_the_copy_of_a_case_is_read(tmp_path: Path) -> None:
    assert store.read(corpus_of(tmp_path / "c", SMALL), recorded(SMALL).case).case.id == SMALL


@pytest.mark.parametrize("size", [0, 1, 7, 8, 100, len(RAW) - 1])
def test_a_truncated_file_is_refused(size: int, tmp_path: Path) -> None:
    place = corpus_of(tmp_path / "c", SMALL)
    (place / FILE).write_bytes(RAW[:size])
    assert f"{size} bytes" in refused(place)


@pytest.mark.parametrize("size", [0, 1, 7, 8, 100, len(RAW) - 1])
def test_a_truncated_file_with_a_matching_hash_is_refused(size: int, tmp_path: Path) -> None:
    place = corpus_of(tmp_path / "c", SMALL)
    (place / FILE).write_bytes(RAW[:size])
    rehash(place, FILE)
    assert "not the safetensors file" in refused(place)


@pytest.mark.parametrize("at", [0, 9, len(RAW) // 2, len(RAW) - 1])
def test_a_flipped_bit_is_refused(at: int, tmp_path: Path) -> None:
    place = corpus_of(tmp_path / "c", SMALL)
    (place / FILE).write_bytes(RAW[:at] + bytes([RAW[at] ^ 1]) + RAW[at + 1 :])
    assert "SHA-256 differs" in refused(place)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    place = corpus_of(tmp_path / "c", HAND)
    assert "No such file" in refused(place)


def test_a_file_that_the_manifest_does_not_list_is_refused(tmp_path: Path) -> None:
    place = corpus_of(tmp_path / "c", SMALL)
    edited = manifest()
    del edited["files"][FILE]
    (place / store.MANIFEST).write_text(json.dumps(edited))
    assert "not listed" in refused(place)


@pytest.mark.parametrize("entry", [7, None, [], {}, {"bytes": len(RAW)}, {"sha256": "0"}])
def test_a_manifest_without_size_or_hash_of_a_file_is_refused(
    entry: object, tmp_path: Path
) -> None:
    place = corpus_of(tmp_path / "c", SMALL)
    edited = manifest()
    edited["files"][FILE] = entry
    (place / store.MANIFEST).write_text(json.dumps(edited))
    refused(place)


@pytest.mark.parametrize("key", ["schema_version", "case", "conventions"])
def test_an_edited_header_is_refused(key: str, tmp_path: Path) -> None:
    place = corpus_of(tmp_path / "c", SMALL)
    header, tensors = casefile.parse(RAW, place / FILE)
    header[key] = 2
    (place / FILE).write_bytes(container(tensors, json.dumps(header)))
    rehash(place, FILE)
    assert "header" in refused(place)


def test_another_cases_file_under_this_name_is_refused(tmp_path: Path) -> None:
    place = corpus_of(tmp_path / "c", SMALL)
    (place / FILE).write_bytes((ROOT / f"cases/{HAND}.safetensors").read_bytes())
    rehash(place, FILE)
    assert "header" in refused(place)


@pytest.mark.parametrize("header", ["", "{", "[" * 100_000, "null"])
def test_a_header_that_is_none_is_refused(header: str, tmp_path: Path) -> None:
    place = corpus_of(tmp_path / "c", SMALL)
    _, tensors = casefile.parse(RAW, place / FILE)
    (place / FILE).write_bytes(container(tensors, header))
    rehash(place, FILE)
    refused(place)


REHASHED: dict[str, tuple[Change, str]] = {
    "a tensor is missing": (lambda t: t.pop("1/delta2"), "1/delta2"),
    "a bound is missing": (lambda t: t.pop("bound/0/w3"), "bound/0/w3"),
    "the start is missing": (lambda t: t.pop("b2"), "b2"),
    "a batch is missing": (lambda t: t.pop("0/x"), "0/x"),
    "a tensor too many": (swap("0/z9", array=np.zeros(1)), "0/z9"),
    "a layer too many": (swap("w4", "b4", array=np.zeros((2, 2))), "4"),
    "another dtype": (swap("0/z2", array=np.zeros((2, 2), np.float32)), "0/z2"),
    "a batch of another dtype": (swap("0/x", array=np.zeros((2, 2), np.float32)), "0/x"),
    "a start of another dtype": (swap("w2", array=np.zeros((2, 2), np.float32)), "w2"),
    "a bound of another dtype": (swap("bound/0/z2", array=np.ones((2, 2), np.float32)), "bound"),
    "a dtype that is none": (swap("0/z2", array=np.zeros((2, 2), np.int64)), "0/z2"),
    "z and bound of another shape": (swap("0/z2", "bound/0/z2", array=np.ones((3, 2))), "0/z2"),
    "a bound of another shape": (swap("bound/0/z2", array=np.ones((2, 1))), "0/z2"),
    "a cost of another shape": (swap("0/cost", "bound/0/cost", array=np.ones(1)), "0/cost"),
    "nabla of another shape": (
        swap("0/nabla_w2", "bound/0/nabla_w2", array=np.ones((3, 2))),
        "0/nabla_w2",
    ),
    "samples of another shape": (swap("0/x", array=np.ones((5, 2))), "0/x"),
    "targets of another shape": (swap("0/y", array=np.ones((5, 2))), "0/y"),
    "a batch of another size": (swap("0/x", "0/y", array=np.ones((2, 3))), "0/"),
    "samples without columns": (swap("0/x", array=np.ones(2)), "x"),
    "a start without columns": (swap("w2", array=np.ones(4)), "w2"),
    "a start that is a number": (swap("w2", array=np.ones(())), "w2"),
    "NaN as a value": (put("0/z2", (0, 0), np.nan), "0/z2"),
    "NaN as a bound": (put("bound/0/z2", (0, 0), np.nan), "bound/0/z2"),
    "infinity as a bound": (put("bound/0/z2", (0, 0), np.inf), "bound/0/z2"),
    "a bound below zero": (put("bound/0/z2", (0, 0), -1), "bound/0/z2"),
    "NaN in a batch": (put("0/x", (0, 0), np.nan), "0/x"),
    "infinity in the start": (put("w2", (0, 0), np.inf), "w2"),
}


@pytest.mark.parametrize("what", REHASHED)
def test_a_damaged_file_with_a_matching_hash_is_refused_with_its_tensor(
    what: str, tmp_path: Path
) -> None:
    change, words = REHASHED[what]
    place = corpus_of(tmp_path / "c", SMALL)
    rewrite(place, SMALL, change)
    assert words in refused(place).replace(str(place), "")


def test_an_edited_value_with_a_matching_hash_is_no_crash(tmp_path: Path) -> None:
    place = corpus_of(tmp_path / "c", SMALL)
    rewrite(place, SMALL, put("0/z2", (0, 0), 0.5))
    report = check_case(find("reference"), store.read(place, recorded(SMALL).case))
    assert [verdict.name for verdict in report.failures][:1] == ["z2"]
    assert report.failures[0].doubted


@given(
    st.lists(st.tuples(st.integers(0, len(RAW) - 1), st.integers(0, 255)), max_size=8), st.data()
)
@PROFILE
def test_random_damage_is_refused_or_still_a_case(
    edits: list[tuple[int, int]], data: st.DataObject
) -> None:
    raw = bytearray(RAW)
    for at, value in edits:
        raw[at if data.draw(st.booleans()) else at % 200] = value
    end = data.draw(st.integers(0, len(raw)) | st.just(len(raw)))
    try:
        casefile.parse(bytes(raw[:end]), Path("case.safetensors"))
    except CorpusError as error:
        assert "case.safetensors: " in str(error)  # noqa: PT017 - a value may be damaged unseen


@given(st.binary(max_size=60), st.integers(0, 2**64 - 1))
@example(b"{}", 2)
@example(b'{"__metadata__":{"case":7}}', 27)
@example(b'{"__metadata__":[]}', 19)
@example(b"[]", 2)
@PROFILE
def test_garbage_is_no_case(raw: bytes, length: int) -> None:
    with pytest.raises(CorpusError, match=r"^case\.safetensors: "):
        casefile.parse(length.to_bytes(8, "little") + raw, Path("case.safetensors"))


# What `verify` says of a file


def problems(change: Change, tmp_path: Path) -> list[str]:
    """What is wrong with the case's file after a change."""
    path = rewrite(corpus_of(tmp_path / "c", SMALL), SMALL, change)
    found = file_problems(path, RAW)
    assert all(problem.startswith(f"{path}: ") for problem in found)
    return found


def test_an_unchanged_file_has_no_problem() -> None:
    assert not file_problems(ROOT / FILE, RAW)


def test_an_edited_value_is_named_with_its_tensor_and_entry(tmp_path: Path) -> None:
    (problem,) = problems(put("0/nabla_w3", (1, 0), 7), tmp_path)
    assert "tensor 0/nabla_w3: entry [1, 0] (neuron 1, from neuron 0) is " in problem
    assert problem.endswith("1 of 4 entries differ")


def test_the_last_digit_of_a_value_is_not_overlooked(tmp_path: Path) -> None:
    def nudge(tensors: dict[str, Array]) -> None:
        tensors["1/b2"][1, 0] = np.nextafter(tensors["1/b2"][1, 0], np.inf)

    (problem,) = problems(nudge, tmp_path)
    assert "tensor 1/b2: entry [1, 0]" in problem


def test_an_edited_cost_is_named(tmp_path: Path) -> None:
    assert "tensor 0/cost" in problems(put("0/cost", (), 7), tmp_path)[0]


def test_nan_in_place_of_a_value_is_named(tmp_path: Path) -> None:
    assert "nan" in problems(put("0/z2", (0, 1), np.nan), tmp_path)[0]


def test_an_edited_sample_is_named(tmp_path: Path) -> None:
    assert "tensor 0/x: entry [0, 1] is " in problems(put("0/x", (0, 1), 7), tmp_path)[0]


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    assert problems(lambda t: t.pop("0/a2"), tmp_path)[0].endswith("tensor 0/a2 is missing")


def test_a_tensor_that_does_not_belong_there_is_named(tmp_path: Path) -> None:
    assert "tensor 0/q2 does not belong" in problems(swap("0/q2", array=np.ones(1)), tmp_path)[0]


def test_another_shape_is_named_with_both_shapes(tmp_path: Path) -> None:
    (problem,) = problems(swap("0/z2", array=np.ones((1, 4))), tmp_path)
    assert "tensor 0/z2: float64 (1, 4), should be float64 (2, 2)" in problem


def test_many_differences_are_told_in_causal_order_and_counted(tmp_path: Path) -> None:
    def spoil(tensors: dict[str, Array]) -> None:
        for name in ("1/w3", "1/z2", "0/cost", "0/delta2", "0/z2"):
            tensors[name] += 1

    found = problems(spoil, tmp_path)
    assert [problem.split("tensor ")[-1].split(":")[0] for problem in found[:3]] == [
        "0/z2",
        "0/cost",
        "0/delta2",
    ]
    assert found[3].endswith("and 2 more tensors")


def test_an_edited_header_is_a_problem(tmp_path: Path) -> None:
    header, tensors = casefile.parse(RAW, Path("x"))
    header["case"]["why"] = "another reason"
    path = tmp_path / "x.safetensors"
    path.write_bytes(container(tensors, json.dumps(header)))
    assert file_problems(path, RAW) == [f"{path}: its header is not that of the case"]


def test_the_same_values_in_other_bytes_are_a_problem(tmp_path: Path) -> None:
    header, tensors = casefile.parse(RAW, Path("x"))
    path = tmp_path / "x.safetensors"
    path.write_bytes(container(tensors, json.dumps(header, indent=3)))
    (problem,) = file_problems(path, RAW)
    assert "the same values in other bytes" in problem


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    (problem,) = file_problems(tmp_path / "none.safetensors", RAW)
    assert "No such file" in problem


def test_an_edited_twin_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}")
    (problem,) = file_problems(path, b"{ }")
    assert "other bytes" in problem


# The description of a case


@pytest.mark.parametrize("case", store.cases(ROOT), ids=IDS)
def test_a_case_goes_through_json_and_back(case: Case) -> None:
    assert Case.from_json(json.loads(json.dumps(case.to_json()))) == case


HOSTILE: list[tuple[str, Any]] = [
    ("id", 5),
    ("id", None),
    ("id", ""),
    ("id", "../hand"),
    ("id", "/tmp"),  # noqa: S108 - no path that is used
    ("sizes", None),
    ("sizes", []),
    ("sizes", [3]),
    ("sizes", [3, 0]),
    ("sizes", [3, -1]),
    ("sizes", [2, float("inf")]),
    ("sizes", [2, float("nan")]),
    ("sizes", [[2], [3]]),
    ("cost", "huber"),
    ("cost", []),
    ("eta", "x"),
    ("eta", None),
    ("eta", 10**400),
    ("eta", float("nan")),
    ("eta", float("inf")),
    ("lmbda", float("nan")),
    ("lmbda", -1.0),
    ("n", 0),
    ("n", "x"),
    ("n", None),
    ("n", -3),
    ("dtype", "float16"),
    ("dtype", [1]),
    ("batches", []),
    ("batches", [[]]),
    ("batches", [[-1]]),
    ("batches", 3),
    ("batches", [3]),
    ("batches", [[float("inf")]]),
    ("why", None),
    ("catches", None),
    ("catches", 3),
]


@pytest.mark.parametrize(("field", "value"), HOSTILE, ids=lambda each: str(each)[:12])
def test_a_field_that_no_case_can_have_is_a_value_error(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        Case.from_json({**recorded(HAND).case.to_json(), field: value})


@pytest.mark.parametrize("field", sorted(recorded(HAND).case.to_json()))
def test_a_case_without_one_field_is_a_value_error_that_names_it(field: str) -> None:
    values = recorded(HAND).case.to_json()
    del values[field]
    with pytest.raises(ValueError, match=field):
        Case.from_json(values)


def test_an_unknown_field_is_a_value_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="colour"):
        Case.from_json({**recorded(HAND).case.to_json(), "colour": 1})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(sorted(recorded(HAND).case.to_json())), JSON))
@PROFILE
def test_hostile_values_give_a_value_error_and_nothing_else(values: dict[str, Any]) -> None:
    try:
        case = Case.from_json({**recorded(HAND).case.to_json(), **values})
    except ValueError:
        return
    assert casefile.case_header(case)["case"]["id"] == case.id
    assert (case.layers, case.steps, case.decay >= 0) >= (2, 1, True)


# Writing


def test_a_written_file_has_its_bytes_and_no_companion(tmp_path: Path) -> None:
    write(tmp_path / "new" / "x.json", b"abc")
    assert [(p.name, p.read_bytes()) for p in (tmp_path / "new").iterdir()] == [("x.json", b"abc")]


@pytest.mark.parametrize("broken", ["write_bytes", "replace"])
def test_a_failed_write_keeps_the_old_file_and_leaves_no_companion(
    broken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"old")

    def fail(self: Path, *_: object) -> None:
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, broken, fail)
    with pytest.raises(CorpusError, match="No space left"):
        write(path, b"new")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("x.json", b"old")]


def test_a_file_where_a_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cases").write_bytes(b"mine")
    with pytest.raises(CorpusError, match=r"cases/x\.json"):
        write(tmp_path / "cases" / "x.json", b"new")
    assert (tmp_path / "cases").read_bytes() == b"mine"


def test_a_file_too_large_to_be_read_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conformance.corpus.casefile.MOST_BYTES", 2)
    with pytest.raises(CorpusError, match="3 bytes"):
        write(tmp_path / "x.json", b"abc")
    assert not list(tmp_path.iterdir())


# The embedded digits


def test_embedded_digits_that_are_missing_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="train-images"):
        embedded(tmp_path, 0, 1, np.float64)


def test_damaged_digits_are_a_value_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "digits.gz"
    path.write_bytes((ROOT / "mnist/train-labels-idx1-ubyte.gz").read_bytes()[:-20])
    with pytest.raises(ValueError, match=r"digits\.gz"):
        embedded_hash(path)
