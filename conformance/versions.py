"""What is installed, in lines: packages, BLAS, fixtures. Left out: the machine (`bench`)."""

from collections.abc import Iterable
from importlib.util import find_spec

PACKAGES = ("numpy", "torch", "python-flint", "safetensors")


def installed(names: Iterable[str]) -> str:
    """The versions of some packages, in one line."""
    return ", ".join(f"{name} {_version(name)}" for name in names)


def has_torch() -> bool:
    """Whether PyTorch is installed; it is not imported."""
    return _has("torch")


def has_jax() -> bool:
    """Whether JAX is installed; it is not imported."""
    return _has("jax")


def _has(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _version(name: str) -> str:
    from importlib.metadata import version

    if name == "torch" and not has_torch():
        return "not installed"
    return version(name)


def versions() -> list[str]:
    """The versions of the packages, the BLAS that NumPy is built with, and the corpus.

    Raises:
        CorpusError: the fixtures are damaged.
    """
    import numpy as np

    from conformance.corpus import store
    from conformance.corpus.case import SCHEMA_VERSION

    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    corpus = store.corpus_hash(store.root())[:12]
    return [
        installed(PACKAGES),
        f"BLAS {blas['name']} {blas['version']}",
        f"fixtures of schema {SCHEMA_VERSION}, corpus {corpus}",
    ]
