"""The README's pictures: the report on a real mistake, and the lesson, as a browser shows them.

    python -m conformance.tests.browser.pictures [FOLDER]

Left out: choosing the browser (`conftest.py`).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from playwright.sync_api import sync_playwright

from conformance.tests.browser.conftest import NAMES, QUIET

PACKAGE = Path(__file__).resolve().parents[2]
EXAMPLE, SUBJECT = PACKAGE / "examples" / "network.py", "network.py:Network"
SCREEN: dict[str, Any] = {
    "viewport": {"width": 1180, "height": 760},
    "color_scheme": "light",
    "reduced_motion": "reduce",
}
WALK = 16  # steps of the lesson to an error of the hidden layer


def pages(folder: Path) -> dict[str, Path]:
    """The pages, made by the commands that the README names; by where their pictures go."""
    shutil.copy(EXAMPLE, folder)
    made = {
        "report/page/report.png": ("check", SUBJECT, "-q", "--html", "report.html"),
        "lesson/lesson.png": ("explain", "--html", "lesson.html"),
    }
    for arguments in made.values():
        command = [sys.executable, "-m", "conformance", *arguments]
        subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL)  # noqa: S603
    return {picture: folder / arguments[-1] for picture, arguments in made.items()}


def take(place: Path) -> None:
    """Write the pictures below a folder, the package if none is given."""
    found = filter(None, map(shutil.which, NAMES))
    program = os.environ.get("CONFORMANCE_CHROMIUM") or next(found, None)
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*QUIET])
        for picture, page in pages(Path(folder)).items():
            shown = browser.new_page(**SCREEN)
            shown.goto(page.as_uri())
            shown.wait_for_load_state("networkidle")
            for _ in range(WALK if "lesson" in picture else 0):
                shown.get_by_role("button", name="Next", exact=True).click()
            path = place / picture
            path.parent.mkdir(parents=True, exist_ok=True)
            shown.screenshot(path=path)
        browser.close()


if __name__ == "__main__":
    take(Path(sys.argv[1]) if sys.argv[1:] else PACKAGE)
