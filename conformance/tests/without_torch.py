"""`python -m conformance.tests.without_torch …`: the command where torch cannot be imported.

Left out: what it has to say (`test_platforms.py`).
"""

import sys
from collections.abc import Sequence
from types import ModuleType


class Blocker:
    """Finds no torch, whatever is installed."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        """Refuse it.

        Raises:
            ModuleNotFoundError: it is torch.
        """
        del path, target
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Blocker)  # in processes that are started anew too

if __name__ == "__main__":
    from conformance.cli import main

    main()
