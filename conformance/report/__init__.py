"""The same verdicts, shown in several ways."""

from pathlib import Path

SCHEMA = Path(__file__).with_name("report.schema.json")
"""The schema of what `--json` writes."""

BACKWARD_SCHEMA = Path(__file__).with_name("backward.schema.json")
"""The schema of the same of a program that is judged against its own forward pass."""
