"""The rows of a run on disk, so that a run that was ended goes on where it was.

A row is a file, written whole. Left out: what makes rows.
"""

import hashlib
import json
from pathlib import Path

from conformance.files import make_folder, put_json
from conformance.grade.row import Row

OPTION = "--results"


class Store:
    """The rows in a folder."""

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        """Make the folder.

        Args:
            folder: of the rows.
            fresh: whether those that are there are of no use.

        Raises:
            UsageError: it cannot be made.
        """
        self.folder, self.fresh = make_folder(OPTION, folder), fresh

    def find(self, name: str, digest: str) -> Row | None:
        """The row of a submission that holds what it held then, if there is one."""
        if self.fresh:
            return None
        try:
            row = Row.from_json(json.loads(self._path(name).read_bytes()))
        except (OSError, LookupError, TypeError, ValueError):
            return None
        return row if row.digest == digest and row.name == name else None

    def put(self, row: Row) -> None:
        """Keep a row in the place of an older one of this submission.

        Raises:
            UsageError: it cannot be written.
        """
        put_json(OPTION, self._path(row.name), row.to_json())

    def _path(self, name: str) -> Path:
        made = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()
        return self.folder / f"{made[:24]}.json"
