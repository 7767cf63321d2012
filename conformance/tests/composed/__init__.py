"""Programs composed of parts that people combine: right, and with one line wrong.

A network of two layers has a style (where parameters are held, what gives the gradients, what moves
them), hidden neurons with or without a norm or dropout, an output with its loss, a penalty and the
place where its derivative is added, an optimiser and a schedule of its rate, and a use of its loss:
`Parts`. All combinations of them are right. A mistake changes one line of one of them, which is the
line that has to be blamed.

Each part alone is tested elsewhere; what is found here is that two of them are not judged rightly
together, such as a decay that the loss states and the update adds. `python -m
conformance.tests.composed` measures. Imports nothing of the project but `check`.
"""
