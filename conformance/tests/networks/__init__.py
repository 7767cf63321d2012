"""Networks as people write them, right and wrong: subjects for the tests of the tools."""
