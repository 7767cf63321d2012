"""The pytest plugin: options that begin with --conformance-, the header, one thread a worker.

An entry point, because the options of a conftest come too late for `--pyargs`. It imports nothing
heavy and does nothing in runs that have no tests of this package. Left out: the tests (`suite`).
"""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).resolve().parent
REFUSED = "conformance_refused"  # the key under which a worker says why it collects nothing
ASKED = "conformance_asked"  # and that of the subjects and cases that it asks about
GROUPED = "conformance_grouped"  # and that under which it hears that groups are kept
PAGE = pytest.StashKey[dict[str, list[str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the suite."""
    group = parser.getgroup("conformance")
    group.addoption(
        "--conformance-subject",
        action="append",
        metavar="SUBJECT",
        help="what conformance.suite judges: reference, torch_impl, FILE.py:Name, "
        "package.module:Name, a .safetensors trace or cmd:COMMAND; may be repeated (default: the "
        "first two)",
    )
    group.addoption(
        "--conformance-family",
        metavar="NAME[,NAME]",
        help="the activations that the subjects are meant to have, of hidden layers and output, "
        "such as relu,softmax; those that they are seen to have if not given",
    )
    group.addoption(
        "--conformance-xfails",
        metavar="FILE",
        help="the tests of conformance.suite that must fail, one id or glob a line",
    )
    group.addoption(
        "--conformance-html",
        metavar="FILE",
        help="write one page to look at; for it, the subjects are checked once more in the cases "
        "of the tests that were chosen",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Keep the tests of a case on one worker and listen to no log, outside the clone as in it."""
    if concerned(config) and getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadgroup"
    if getattr(config, "workerinput", {}).get(GROUPED):
        config.option.loadgroup = True  # a worker reads the command line, where it is not said
    if config.args and all(map(_ours, config.args)):
        config.pluginmanager.set_blocked("logging-plugin")  # torch has 54 loggers: 0.4 ms a test
    config.stash.setdefault(PAGE, {})
    if _pages(config):
        from conformance.suite.again import wanted

        wanted(config)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Versions, BLAS, threads, schema version and corpus hash."""
    if not concerned(config):
        return []
    from conformance.versions import versions

    packages, blas, fixtures = versions()
    said = (packages, f"{blas}, 1 thread a worker", fixtures)
    return [f"conformance: {each}" for each in said]


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Let a worker collect nothing where it would break off: xdist takes that for a crash."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    try:
        return (yield)
    except pytest.UsageError as error:
        if output is None or not concerned(session.config):
            raise
        output[REFUSED] = [str(each) for each in error.args]
        return True


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Load the subjects before any test is collected."""
    config = collector.config
    asked = config.option.conformance_subject or config.option.conformance_family
    if asked and isinstance(collector, pytest.Session) and concerned(config):
        from conformance.suite.asked import load_all

        load_all(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker that tests are shared out by their groups."""
    node.workerinput[GROUPED] = node.config.option.dist == "loadgroup"


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Say once, for all workers, why one of them collected nothing; hear what they asked about."""
    output = getattr(node, "workeroutput", {})
    if output.get(REFUSED):
        raise pytest.UsageError(*output[REFUSED])
    node.config.stash[PAGE].update(output.get(ASKED, {}))  # they have collected the same tests


def pytest_collection_finish(session: pytest.Session) -> None:
    """Cap the BLAS at one thread, once the tests have imported it; note what they ask about."""
    if not concerned(session.config):
        return
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    if session.config.option.conformance_html:
        from conformance.suite.again import asked_about

        output = getattr(session.config, "workeroutput", None)
        asked = asked_about(session.items)
        if output is None:
            session.config.stash[PAGE].update(asked)
        else:
            output[ASKED] = asked


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what the failures have in common; write the page, and say where it is."""
    ours = concerned(config) and not hasattr(config, "workerinput")
    if ours and terminalreporter.stats.get("failed"):
        from conformance.suite.again import summary_lines

        lines = list(summary_lines(terminalreporter.stats, config))
        if lines:
            terminalreporter.section("conformance")
        for line in lines:
            terminalreporter.write_line(line)
    if _pages(config):
        from conformance.suite.again import write_page

        asked = config.stash[PAGE]
        terminalreporter.write_line(write_page(config, asked))


def _pages(config: pytest.Config) -> bool:
    """Whether this process is the one that writes a page."""
    return bool(config.option.conformance_html) and not hasattr(config, "workerinput")


def concerned(config: pytest.Config) -> bool:
    """Whether a run has tests of this package."""
    return any(map(_ours, config.args))


def _ours(argument: str) -> bool:
    return argument.split(".", 1)[0] == PACKAGE.name or PACKAGE in _ancestry(argument)


def _ancestry(argument: str) -> tuple[Path, ...]:
    path = Path(argument.split("::", 1)[0]).resolve()
    return (path, *path.parents)
