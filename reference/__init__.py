"""The hand-written NumPy backprop of Nielsen's book: the equations, one step, the network."""

from reference.backprop import feedforward, step
from reference.equations import (
    BOOK,
    CROSS_ENTROPY,
    LEAKY_RELU,
    LINEAR,
    LOG_LIKELIHOOD,
    QUADRATIC,
    RELU,
    SIGMOID,
    SOFTMAX,
    TANH,
    Activation,
    Cost,
    Equations,
)
from reference.network import Network
from reference.step import Batch, Parameters, Step
from reference.updates import ADAM, ADAMW, L1, MOMENTUM, NESTEROV, RMSPROP, Update

__all__ = [
    "ADAM",
    "ADAMW",
    "BOOK",
    "CROSS_ENTROPY",
    "L1",
    "LEAKY_RELU",
    "LINEAR",
    "LOG_LIKELIHOOD",
    "MOMENTUM",
    "NESTEROV",
    "QUADRATIC",
    "RELU",
    "RMSPROP",
    "SIGMOID",
    "SOFTMAX",
    "TANH",
    "Activation",
    "Batch",
    "Cost",
    "Equations",
    "Network",
    "Parameters",
    "Step",
    "Update",
    "feedforward",
    "step",
]
