"""The same verdicts, shown in several ways."""
