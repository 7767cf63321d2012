"""Which tests are thorough: long searches, whole checks and runs of pytest, pages; a step in CI.

And what the tests of commands share.
"""

import gc
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from conformance.edits import search_edits
from conformance.script import edited_script
from conformance.shapes import edited
from conformance.tests.commands import Make, maker
from conformance.tracing.modules import MODULES, is_subjects

THOROUGH = frozenset(
    {
        "test_by_number.py",
        "test_command.py",
        "test_decline.py",
        "test_detail.py",
        "test_diagnosis.py",
        "test_digits.py",
        "test_explain.py",
        "test_export.py",
        "test_fetch.py",
        "test_findings.py",
        "test_function_subject.py",
        "test_fuzz_readers.py",
        "test_hostile.py",
        "test_hostile_submissions.py",
        "test_imports.py",
        "test_isolate.py",
        "test_lesson.py",
        "test_markdown.py",
        "test_mathml.py",
        "test_module_subject.py",
        "test_no_false_alarm.py",
        "test_notebook.py",
        "test_own_loop.py",
        "test_page.py",
        "test_plugin.py",
        "test_ports.py",
        "test_prove.py",
        "test_right.py",
        "test_running_error.py",
        "test_running_error_rules.py",
        "test_sentence.py",
        "test_stateful.py",
        "test_suite_subject.py",
        "test_trace_subject.py",
        "test_train_cli.py",
        "test_two_runs.py",
        "test_unseen.py",
        "test_wide.py",
    }
)

"""Files of which each test is thorough."""

OF_CHECKS = frozenset(
    {
        "test_broken.py",
        "test_broken_batches.py",
        "test_changed_line.py",
        "test_check_file.py",
        "test_check_omissions.py",
        "test_cost_methods.py",
        "test_decay_beside.py",
        "test_derivatives.py",
        "test_dropout.py",
        "test_edits.py",
        "test_either_reading.py",
        "test_encodings.py",
        "test_families.py",
        "test_formats.py",
        "test_found_gradients.py",
        "test_function_pairs.py",
        "test_function_traced.py",
        "test_kin_of_adam.py",
        "test_kinds_of_cases.py",
        "test_left_numpy.py",
        "test_loss_scale.py",
        "test_losses.py",
        "test_named_losses.py",
        "test_opening.py",
        "test_optimisers.py",
        "test_own_calls.py",
        "test_own_cost.py",
        "test_own_rules.py",
        "test_phases.py",
        "test_platforms.py",
        "test_programs.py",
        "test_public.py",
        "test_rare_faults.py",
        "test_rate.py",
        "test_readings.py",
        "test_script_conventions.py",
        "test_script_costs.py",
        "test_script_directions.py",
        "test_script_lists.py",
        "test_script_parameters.py",
        "test_script_parts.py",
        "test_script_penalties.py",
        "test_script_training.py",
        "test_script_updates.py",
        "test_scripts.py",
        "test_settings_off.py",
        "test_shape_data.py",
        "test_shape_readings.py",
        "test_shapes.py",
        "test_solved_losses.py",
        "test_stated_loss.py",
        "test_stated_losses.py",
        "test_tensors.py",
        "test_training_functions.py",
        "test_truncated.py",
        "test_untraced.py",
        "test_updates.py",
        "test_values.py",
        "test_whose.py",
        "test_without_loss.py",
    }
)
"""Files whose tests are checks of whole programs: all but the first of each are thorough.

CI runs one in twelve of the tests of each; `-m seldom` are the others.
"""


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the thorough files, and those that need a browser; these come first.

    They are the long ones: where several workers share the tests, none of them ends alone.
    """
    known = Counter[str]()
    for item in items:
        name = item.path.name
        thorough = name in THOROUGH or (name in OF_CHECKS and known[name] > 0)
        if name in OF_CHECKS and known[name] % FEW:
            item.add_marker("seldom")
        known[name] += 1
        if thorough or item.get_closest_marker("seldom"):
            item.add_marker("thorough")
        if item.path.parent.name == "browser":
            item.add_marker("browser")
            item.add_marker(pytest.mark.xdist_group("browser"))  # one worker starts one
            item.add_marker("thorough")
    items.sort(key=lambda item: item.get_closest_marker("thorough") is None)


FEW = 12
"""Of so many tests of a file of checks one is a step in CI."""

IN_CHILDREN = "numpy.ma", "conformance.shapes.moved", "conformance.script.script_child"
WITH_TORCH = ("conformance.tracing.tensors",)
"""What processes of checks import when they need it: imported once, each has it from its fork."""


def pytest_collection_finish(session: pytest.Session) -> None:
    """Look for garbage seldom, and never in what was collected: it is there to the end."""
    with_torch = WITH_TORCH if "torch" in sys.modules else ()
    for name in (*IN_CHILDREN, *with_torch) if session.items else ():
        import_module(name)
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Of the modules of tests, let a subject be in the one that runs, or in what that imports.

    Else the names of all of them are gone through before each run that is traced.
    """
    module = getattr(item, "module", None)
    if module is not None and MODULES.holds is not _subjects_in(module):
        MODULES.holds, MODULES.loaded = _subjects_in(module), []


@cache
def _subjects_in(module: ModuleType) -> Callable[[Any], bool]:
    known = {getattr(each, "__module__", "") for each in vars(module).values()}
    known.add(module.__name__)

    def holds(other: Any) -> bool:
        name = getattr(other, "__name__", "")
        of_tests = name.rpartition(".")[2].startswith("test_")
        return is_subjects(other) and (name in known or not of_tests)

    return holds


@pytest.fixture(scope="session", autouse=True)
def patient_search() -> Iterator[None]:
    """The search for a change may take longer than in use: tests share the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_edits, "LONGEST", 12.0)
        yield


@pytest.fixture(autouse=True)
def no_search_in_shapes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No change of a program of any shape is searched for but where that is what is tested."""
    if request.node.path.stem not in ("test_documents", "test_edited"):
        for each in (edited, edited_script):
            monkeypatch.setattr(each, "SECONDS", 0.0)


@pytest.fixture
def no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """No change of a line is searched for: for tests about something else, it takes seconds."""
    monkeypatch.setattr(search_edits, "LONGEST", 0.0)


@pytest.fixture
def brief_search(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change is searched for as long as one takes to be found, where for some there is none."""
    monkeypatch.setattr(search_edits, "LONGEST", 3.0)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes subjects whose program is some lines of Python; their temporary files are watched."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return maker(tmp_path)


@pytest.fixture
def signals_are_heard() -> Iterator[None]:
    """A shell that runs us in the background, or nohup, has what we start ignore some of them."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
