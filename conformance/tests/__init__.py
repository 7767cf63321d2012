"""The tests of the tools: arithmetic, readers, comparer, corpus, commands, imports."""
