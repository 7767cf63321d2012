"""The command line: one file a command."""

from conformance.cli.app import main

__all__ = ["main"]
