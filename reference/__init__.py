"""The hand-written NumPy backprop of Nielsen's book: the equations, one step, the network."""

from reference.backprop import feedforward, step
from reference.equations import BOOK, CROSS_ENTROPY, QUADRATIC, Cost, Equations
from reference.network import Network
from reference.step import Batch, Parameters, Step

__all__ = [
    "BOOK",
    "CROSS_ENTROPY",
    "QUADRATIC",
    "Batch",
    "Cost",
    "Equations",
    "Network",
    "Parameters",
    "Step",
    "feedforward",
    "step",
]
