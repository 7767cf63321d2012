"""The same verdicts, shown in several ways."""

from pathlib import Path

SCHEMA = Path(__file__).with_name("report.schema.json")
"""The schema of what `--json` writes."""
