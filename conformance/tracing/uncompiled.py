"""Torch without its compiler, which takes a second to be imported and is of no use in a trace.

Left out: what is traced (`tensors.py`).
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

COMPILER = "torch._dynamo"
SWITCH = "TORCHDYNAMO_DISABLE"


def compiler_is_there() -> bool:
    """Whether somebody has imported it, as `torch.compile` does."""
    return COMPILER in sys.modules


@contextmanager
def without_compiler() -> Iterator[None]:
    """Let `torch.compile` give back what it is given, until the end of the block."""
    before = os.environ.get(SWITCH)
    os.environ[SWITCH] = "1"
    try:
        yield
    finally:
        del os.environ[SWITCH]
        if before is not None:
            os.environ[SWITCH] = before
