"""A hundred submissions: right, wrong, broken, and such as never end.

`python -m conformance.tests.grade.class_of_100 FOLDER` writes them.
"""

import json
import sys
from pathlib import Path

from conformance.tests.grade.support import MISTAKE, RIGHT, written, zipped
from conformance.tests.networks import book
from conformance.tests.programs.shapes_faults import FAULTS

BOOK = Path(str(book.__file__)).read_text()
SHAPES = Path(__file__).parent.parent / "programs" / "shapes"
MISTAKES = (  # of the book's network
    ("sp = sigmoid_prime(z)", "sp = sigmoid(z)"),
    ("self.weights[-l + 1].transpose()", "self.weights[-l + 1].transpose() * 2"),
    ("return output_activations - y", "return y - output_activations"),
)
OF_A_HUNDRED = {"book": 8, "broken": 6, "endless": 3, "form": 3}  # how many of each kind
BROKEN = {
    "syntax": "class Network(:\n    pass\n",
    "hang": "import time\nwhile True:\n    time.sleep(1)\n",
    "exit": "import os\nos._exit(3)\n",
    "memory": "import numpy as np\nx = np.ones(1 << 28)\n",
    "loud": f"print('x' * {1 << 20})\n{RIGHT}",
    "segfault": "import ctypes\nctypes.string_at(0)\n",
}


def write_class(folder: Path, size: int = 100) -> dict[str, str]:
    """Write so many, in the same proportions; what is to be said of each, by its name."""
    many = {kind: max(1, each * size // 100) for kind, each in OF_A_HUNDRED.items()}
    expected: dict[str, str] = {}
    programs = sorted(SHAPES.glob("*.py"))
    for i in range(many["book"]):
        expected[written(folder / f"book_{i}.py", BOOK).name] = "right"
        wrong = BOOK.replace(*MISTAKES[i % len(MISTAKES)])
        assert wrong != BOOK
        expected[written(folder / f"book_wrong_{i}.py", wrong).name] = "wrong"
    for kind, source in BROKEN.items():
        for i in range(many["endless" if kind == "hang" else "broken"]):
            said = {"hang": "time-out", "exit": "crash", "segfault": "crash", "loud": "right"}
            name = written(folder / f"{kind}_{i}.py", source).name
            expected[name] = said.get(kind, "load error")
    _of_other_forms(folder, expected, many["form"])
    for path in programs:
        faults = FAULTS.get(path.stem, ())
        if len(expected) < size - 1:
            expected[written(folder / f"right_{path.name}", path.read_text()).name] = ""
        for i, (old, new) in enumerate(faults[:1]):
            if len(expected) < size - 1:
                wrong = path.read_text().replace(old, new)
                expected[written(folder / f"wrong_{i}_{path.name}", wrong).name] = ""
    while len(expected) < size:
        name = f"more_{len(expected)}.py"
        expected[written(folder / name, RIGHT.replace(*MISTAKE)).name] = "wrong"
    return expected


def _of_other_forms(folder: Path, expected: dict[str, str], many: int) -> None:
    """Folders, notebooks and zip files."""
    for i in range(many):
        written(folder / f"folder_{i}" / "net.py", RIGHT)
        written(folder / f"folder_{i}" / "notes.txt", "my homework")
        zipped(folder / f"zip_{i}.zip", {"hw/net.py": RIGHT.replace(*MISTAKE)})
        cells = [{"cell_type": "markdown", "source": ["# hw"]}, _cell(RIGHT), _cell("x = 1")]
        written(folder / f"notebook_{i}.ipynb", json.dumps({"cells": cells}))
        expected |= {f"folder_{i}": "right", f"zip_{i}.zip": "wrong"}
        expected[f"notebook_{i}.ipynb"] = "right"


def _cell(source: str) -> dict[str, object]:
    return {"cell_type": "code", "source": source.splitlines(keepends=True)}


if __name__ == "__main__":
    write_class(Path(sys.argv[1]))
