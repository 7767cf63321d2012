"""The pytest plugin: --subject, the report header, one thread a worker.

An entry point, because the options of a conftest come too late for `--pyargs`. It imports nothing
heavy and does nothing in runs that have no tests of this package. Left out: the tests (`suite`).
"""

from importlib.metadata import version
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --subject."""
    parser.getgroup("conformance").addoption(
        "--subject",
        action="append",
        metavar="NAME",
        help="what conformance.suite judges; may be repeated (default: reference and torch_impl)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Keep the tests of a case on one worker, outside the clone as in it."""
    if concerned(config) and getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadgroup"


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Versions, BLAS, threads, schema version and corpus hash."""
    if not concerned(config):
        return []
    import numpy as np

    from conformance.corpus import store
    from conformance.corpus.case import SCHEMA_VERSION

    names = ("numpy", "torch", "python-flint", "safetensors")
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    corpus = store.corpus_hash(store.root())[:12]
    return [
        f"conformance: {', '.join(f'{name} {version(name)}' for name in names)}",
        f"conformance: BLAS {blas['name']} {blas['version']}, 1 thread a worker",
        f"conformance: fixtures of schema {SCHEMA_VERSION}, corpus {corpus}",
    ]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Cap the BLAS at one thread, once the tests have imported it."""
    if concerned(session.config):
        from threadpoolctl import threadpool_limits

        threadpool_limits(1)


def concerned(config: pytest.Config) -> bool:
    """Whether a run has tests of this package."""
    return any(
        argument.split(".", 1)[0] == PACKAGE.name or PACKAGE in _ancestry(argument)
        for argument in config.args
    )


def _ancestry(argument: str) -> tuple[Path, ...]:
    path = Path(argument.split("::", 1)[0]).resolve()
    return (path, *path.parents)
