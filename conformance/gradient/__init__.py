"""Is a network's backprop the gradient of its own cost? Any NumPy network, the book's or not."""

from conformance.gradient.gradient_check import gradcheck
from conformance.gradient.report import GradReport, Row

__all__ = ["GradReport", "Row", "gradcheck"]
