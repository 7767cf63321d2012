"""Several processes and micro-batches: what R is, what is right, and that mistakes are named.

All processes are simulated here; real ones are in `test_workers.py`.
"""

import json
from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest

from conformance import report as reporting
from conformance.arithmetic.rounding import RunningError
from conformance.corpus import store
from conformance.mistakes.processes import PROCESSES
from conformance.model.table import reduced_rows, rows
from conformance.processes.division import Divided, divided, spread
from conformance.processes.judge_processes import check_divided, truth
from conformance.processes.process_check import Taken, check_processes
from conformance.processes.prove_processes import WRONG, Wrong, prove
from conformance.processes.ranks import Fault, ProcessStep, Simulated
from conformance.processes.scales import ALL, OWN, recognised
from conformance.report.book_report import Report
from conformance.report.measure_words import measure_text
from conformance.report.page.page_matrix import address, columns
from conformance.report.record import to_json
from conformance.tests.parts import part as part_of
from conformance.verdict.compare import Status
from reference.equations import reduced_gradient
from reference.step import Array

WORLDS = (1, 2, 3)
UNEVEN = "uneven-remainder-3-4-2"


def case(id_: str, world: int = 2) -> Divided:
    return next(each for each in divided(world) if each.case.id == id_)


# The equation


def test_the_mean_of_unequal_parts_is_that_of_all() -> None:
    samples = np.random.default_rng(0).normal(size=(10, 4, 3))
    parts = np.stack([samples[:6].mean(axis=0), samples[6:].mean(axis=0)])
    found = reduced_gradient(parts, np.array([6, 4])[:, None, None])
    np.testing.assert_allclose(found, samples.mean(axis=0), rtol=1e-14)


def _running(*arrays: Array, dtype: str) -> list[Any]:
    return [RunningError.exact(each, dtype) for each in arrays]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_sum_over_ranks_may_be_taken_in_any_order(dtype: str) -> None:
    rng = np.random.default_rng(1)
    parts = rng.normal(size=(16, 3, 2)).astype(dtype)
    counts = rng.integers(1, 9, size=(16, 1, 1)).astype(dtype)
    known: Any = reduced_gradient(*_running(parts, counts, dtype=dtype))
    for _ in range(20):
        order = rng.permutation(16)
        total = np.zeros((3, 2), dtype)
        for part, count in zip(parts[order], counts[order], strict=True):
            total += part * count
        found = total / counts.sum(dtype=dtype)
        assert (abs(found.astype(np.float64) - known.value) <= known.tolerance()).all()


def test_r_stands_between_the_gradients_and_the_update() -> None:
    tags = [*dict.fromkeys(row.tag for row in reduced_rows(3).values())]
    assert tags == ["Z", "A", "C", "BP1", "BP2", "BP3", "BP4", "R", "B", "W"]
    assert reduced_rows(3)["w2"].inputs == ("w2", "reduced_w2", "eta", "decay")
    assert rows(3)["w2"].inputs == ("w2", "nabla_w2", "eta", "decay")


def test_a_page_has_a_column_for_r_and_the_entries_on_each_rank() -> None:
    fault = Fault({"R": PROCESSES["mean-of-means"].formulas["R"]})
    report = check_divided(Simulated(2, fault), case(UNEVEN), detailed=True)
    names = [each.name for each in columns([report])]
    assert names.index("nabla_w3") + 1 == names.index("reduced_b2") < names.index("b2")
    assert [each.name for each in report.cells if each.mode == "rank 1"][:2] == [
        "nabla_b2",
        "nabla_w2",
    ]
    addresses = [address(each) for each in report.verdicts]
    assert len({*addresses}) == len(addresses)
    assert f"{UNEVEN}/0/reduced_b2/rank-1" in addresses


# The cases


def test_samples_are_spread_evenly() -> None:
    assert spread(7, 3) == ((3,), (2,), (2,))
    assert spread(6, 2) == ((3,), (3,))


@pytest.mark.parametrize("world", WORLDS)
def test_every_sample_is_in_one_part(world: int) -> None:
    for each in divided(world):
        for batch, parts in zip(each.batches, each.case.parts, strict=True):
            taken = [sample for of_rank in parts for part in of_rank for sample in part]
            assert taken == [*range(batch.m)]
            assert len(parts) == world


def test_the_cases_are_those_that_were_promised() -> None:
    kinds = {each.case.id.split("-")[0] for each in divided(2)}
    assert kinds == {"equal", "uneven", "empty", "short", "micro", "unused", "apart"}
    assert [len(each) for (each,) in case(UNEVEN).case.parts[0]] == [6, 4]
    assert case("empty-contracting-5-4-3-2").case.parts[0][1] == ()
    (first, second) = case("short-remainder-3-4-2").batches
    assert first.m > second.m


@pytest.mark.parametrize("world", [2, 3])
def test_a_layer_is_not_active_in_the_last_process(world: int) -> None:
    found = truth(case("unused-relu-linear-4-4-4-3", world), 0)
    *others, last = found.parts
    assert not np.any(last["nabla_w3"].centre)
    assert all(np.any(each["nabla_w3"].centre) for each in others)


@pytest.mark.parametrize("world", WORLDS)
def test_the_exact_gradient_of_all_is_the_mean_over_the_exact_ones_of_the_parts(world: int) -> None:
    for each in divided(world, "float64"):
        right = truth(each, 0)
        counts = [len(part) for of_rank in each.case.parts[0] for part in of_rank]
        for name, target in right.whole.items():
            if name.startswith("reduced"):
                own = [part[name.replace("reduced", "nabla")].centre for part in right.parts]
                found = np.average(own, axis=0, weights=counts)
                np.testing.assert_allclose(found, target.centre, rtol=1e-11, atol=1e-16)


def test_no_case_is_one_of_the_corpus() -> None:
    ids = {each.id for each in store.cases(store.root())}
    assert not ids & {each.case.id for world in WORLDS for each in divided(world)}


# What is right


@pytest.mark.parametrize("world", [1, 2, pytest.param(3, marks=pytest.mark.thorough)])
def test_right_processes_are_conformant_in_every_case(world: int) -> None:
    report = check_processes(Simulated(world), divided(world))
    assert report.ok
    assert not any(each.failures for each in report.cases)


def test_every_process_is_judged() -> None:
    report = check_divided(Simulated(3), case(UNEVEN, 3))
    modes = {each.mode for each in report.verdicts if each.name == "reduced_w2"}
    assert modes == {"rank 0", "rank 1", "rank 2"}


class Altered:
    """Right processes, of which one shows something else."""

    name = "it"
    world = 2

    def __init__(self, change: Any) -> None:
        self.change = change

    def step(self, of: Divided, t: int) -> Sequence[ProcessStep]:
        """What the processes show."""
        shown: Sequence[ProcessStep] = self.change([*Simulated(2).step(of, t)])
        return shown


def test_one_process_alone_may_be_wrong() -> None:
    def change(shown: list[ProcessStep]) -> list[ProcessStep]:
        after = {**shown[1].after, "reduced_w2": shown[1].after["reduced_w2"] * 2}
        return [shown[0], replace(shown[1], after=after)]

    report = check_divided(Altered(change), case(UNEVEN))
    assert {each.mode for each in report.failures if each.name == "reduced_w2"} == {"rank 1"}
    assert next(iter(report.blamed)) == "R"


def test_a_wrong_part_explains_a_wrong_sum() -> None:
    report = check_processes(Simulated(2, WRONG["padded-sample"].fault), [case(UNEVEN)])
    assert [each.tag for each in report.blames] == ["BP3", "BP4"]
    reduced = [v for v in report.cases[0].verdicts if v.name == "reduced_w2"]
    assert {each.status for each in reduced} == {Status.EXPLAINED}
    assert {each.explained_by for each in reduced} == {"nabla_b2 on rank 1"}


def test_what_a_process_hides_of_its_parts_is_not_needed() -> None:
    def change(shown: list[ProcessStep]) -> list[ProcessStep]:
        return [replace(each, parts=()) for each in shown]

    assert check_processes(Altered(change), [case(UNEVEN), case("micro-remainder-3-4-2")]).ok


def test_a_wrong_sum_of_hidden_gradients_may_be_a_right_one_of_wrong_gradients() -> None:
    def change(shown: list[ProcessStep]) -> list[ProcessStep]:
        double = {name: array * 2 for name, array in shown[0].after.items()}
        return [ProcessStep((), double), shown[1]]

    report = check_processes(Altered(change), [case(UNEVEN)])
    assert report.blames[0].first.hidden == ("nabla_b2",)
    assert "or BP3: nabla_b2 cannot be seen" in str(report)


def test_processes_that_show_nothing_are_not_judged() -> None:
    report = check_processes(Altered(lambda shown: [ProcessStep() for _ in shown]), [case(UNEVEN)])
    assert report.exit_code == 3


def test_ranks_may_agree_and_be_wrong() -> None:
    wrong = Simulated(2, WRONG["mean-of-means"].fault)
    first, second = (each.after["reduced_w2"] for each in wrong.step(case(UNEVEN), 0))
    assert np.array_equal(first, second)
    right = truth(case(UNEVEN), 0).whole["reduced_w2"].centre
    assert np.linalg.norm(first - right) > 0.1 * np.linalg.norm(right)


# Mistakes


SUFFICIENT = ("equal", "short", "micro", "unused", "apart")
"""Cases of two processes in which every mistake is seen and told from the others."""


@pytest.mark.parametrize("wrong", WRONG.values(), ids=lambda each: each.id)
def test_a_mistake_is_caught_and_blamed_and_named(wrong: Wrong) -> None:
    assert prove(wrong, worlds=(2,), rules=SUFFICIENT).problems == ()


def told(wrong: Wrong) -> Hashable:
    """On which equations a mistake is to be blamed, and with how many processes."""
    return wrong.blames, wrong.worlds


@pytest.mark.seldom
@pytest.mark.parametrize("wrong", part_of(WRONG.values(), told), ids=lambda each: each.id)
def test_a_mistake_is_proved_in_one_process_and_in_three(wrong: Wrong) -> None:
    assert prove(wrong, worlds=(1, 3)).problems == ()


@pytest.mark.seldom
@pytest.mark.parametrize("wrong", part_of(WRONG.values(), told), ids=lambda each: each.id)
def test_a_mistake_is_proved_in_float32(wrong: Wrong) -> None:
    assert prove(wrong, "float32", worlds=(2,), rules=SUFFICIENT).problems == ()


def test_every_known_mistake_is_at_work() -> None:
    assert set(WRONG) == set(PROCESSES)


def by_loops(id_: str, of: Divided, rank: int) -> Array:
    """∇w^2 on a rank with a mistake, as a program would add it up, part by part."""
    (parts,), m, world = of.case.parts, of.batches[0].m, len(of.case.parts[0])
    own = iter(each["nabla_w2"] for shown in Simulated(world).step(of, 0) for each in shown.parts)
    total: Any = 0.0
    for r, of_rank in enumerate(parts):
        mine = sum(map(len, of_rank))
        for k, part in enumerate(of_rank):
            nabla, share = next(own), len(part) / m
            weights = {
                "mean-of-means": 1 / world / len(of_rank),
                "means-summed": len(part) / mine,
                "times-world": world * share,
                "accumulation-not-divided": mine / m,
                "reduced-twice-divided": share / world,
                "not-reduced": len(part) / mine if r == rank else 0,
                "first-micro-batch-reduced": share if not k else world * share * (r == rank),
                "last-micro-batch-only": share if k == len(of_rank) - 1 else 0,
            }
            total = total + weights[id_] * nabla
    result: Array = total
    return result


@pytest.mark.parametrize(
    "id_",
    [
        *("mean-of-means", "means-summed", "times-world", "accumulation-not-divided"),
        *("reduced-twice-divided", "not-reduced", "first-micro-batch-reduced"),
        "last-micro-batch-only",
    ],
)
def test_a_formula_is_what_a_loop_adds_up(id_: str) -> None:
    of = case("micro-remainder-3-4-2")
    for rank, shown in enumerate(Simulated(2, WRONG[id_].fault).step(of, 0)):
        found = by_loops(id_, of, rank)
        np.testing.assert_allclose(shown.after["reduced_w2"], found, rtol=1e-12)


def test_a_mistake_of_one_process_is_named_on_a_part() -> None:
    def change(shown: list[ProcessStep]) -> list[ProcessStep]:
        parts = tuple({**each, "nabla_b2": each["nabla_b2"] * 4} for each in shown[1].parts)
        return [shown[0], replace(shown[1], parts=parts)]

    report = check_processes(Altered(change), [case(UNEVEN)])
    assert [each.tag for each in report.blames] == ["BP3", "R"]


@pytest.mark.parametrize(
    ("samples", "id_"),
    [
        ((6, 6, 7, 8, 9), "padded-sample"),
        ((0, 7, 8, 9), "order-not-shared"),
        ((7, 8, 9), ""),
    ],
)
def test_samples_tell_the_mistake(samples: tuple[int, ...], id_: str) -> None:
    assert Taken(samples, (6, 7, 8, 9)).mistake == id_


def test_a_sample_that_is_left_out_is_told() -> None:
    fault = Fault(samples=lambda parts, rank, place: parts[rank][place][: 6 if not rank else 3])
    report = check_processes(Simulated(2, fault), [case(UNEVEN)])
    assert {each.tag for each in report.causes} == {"BP3", "BP4"}
    (said,) = {measure_text(m) for each in report.causes for m in each.measured}
    assert "the samples 6, 7, 8 of the mini-batch; its own are 6, 7, 8, 9" in said


# Scales


def scaled(own: str, whole: str) -> Any:
    def change(shown: list[ProcessStep]) -> list[ProcessStep]:
        counts = (6, 4)
        return [
            ProcessStep(
                tuple(
                    {n: a * OWN[own](count, 10, 2) for n, a in part.items()} for part in each.parts
                ),
                {
                    name: array * (ALL[whole](10) if name.startswith("reduced") else 1)
                    for name, array in each.after.items()
                },
            )
            for each, count in zip(shown, counts, strict=True)
        ]

    return Altered(change)


@pytest.mark.parametrize("whole", ALL)
@pytest.mark.parametrize("own", OWN)
def test_a_scale_is_recognised_and_respected(own: str, whole: str) -> None:
    found = recognised(scaled(own, whole), [case(UNEVEN)])
    assert (found.own, found.all) == (own, whole)
    assert check_processes(found, [case(UNEVEN)]).ok


def test_a_wrong_gradient_is_no_scale() -> None:
    found = recognised(Simulated(2, WRONG["means-summed"].fault), [case(UNEVEN)])
    assert found.said == ()


# Reports


def report_of(id_: str) -> Any:
    cases = case(UNEVEN), case("equal-square-4-4-4-4")
    return check_processes(Simulated(2, WRONG[id_].fault, "mine.py:step"), cases)


def test_a_report_travels_as_json() -> None:
    schema = json.loads(reporting.SCHEMA.read_text("utf-8"))
    report = report_of("mean-of-means")
    written = json.loads(json.dumps(to_json(report)))
    jsonschema.Draft202012Validator(schema).validate(written)
    again = Report.from_json(written)
    assert [each.tag for each in again.blames] == ["R"]
    assert str(again) == str(report)


def test_a_report_has_a_column_for_r_and_names_the_rank() -> None:
    text = str(report_of("mean-of-means"))
    assert "Z A C BP1 BP2 BP3 BP4 R B W" in text
    assert "cause: mean-of-means" in text
    assert f"first in {UNEVEN}, step 0, rank 0: reduced_b2 differs" in text


def test_a_division_is_written_and_read() -> None:
    for each in divided(3):
        assert type(each.case).from_json(json.loads(json.dumps(each.case.to_json()))) == each.case
