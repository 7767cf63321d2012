"""The command line: one file a command."""

import gc

gc.disable()  # what modules make stays to the end: garbage is looked for in what comes after them

from conformance.cli.app import main  # noqa: E402

gc.freeze()
gc.enable()

__all__ = ["main"]
