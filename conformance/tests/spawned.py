"""`python -m conformance.tests.spawned …`: the command where no process is forked.

Left out: what it has to say (`test_platforms.py`).
"""

from multiprocessing import get_context

from conformance.running import isolate

isolate.CONTEXT = get_context("spawn")

if __name__ == "__main__":
    from conformance.cli import main

    main()
