"""Other people's code without what it prints, and without NumPy's warnings."""

from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO

import numpy as np


@contextmanager
def quiet() -> Iterator[None]:
    """Show nothing that is printed or that NumPy warns of, until the end of the block."""
    with redirect_stdout(StringIO()), np.errstate(all="ignore"):
        yield
