"""The outputs and the losses of torch, and their backward passes, for arrays of exact numbers.

Left out: the other operators of torch (`torch_functions.py`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from reference.step import Array


def sigmoid(z: Any) -> Any:
    """σ of exact numbers."""
    return 1 / (1 + np.exp(-np.asarray(z)))


def _softmax(z: Any, dim: int, _half: bool = False) -> Any:
    powers = np.exp(z - np.max(z, axis=dim, keepdims=True))
    return powers / np.sum(powers, axis=dim, keepdims=True)


def _log_softmax(z: Any, dim: int, _half: bool = False) -> Any:
    return np.log(_softmax(z, dim))


def _softmax_backward(sent: Any, a: Any, dim: int, _dtype: Any = None) -> Any:
    return a * (sent - np.sum(sent * a, axis=dim, keepdims=True))


def _log_softmax_backward(sent: Any, logs: Any, dim: int, _dtype: Any = None) -> Any:
    return sent - np.exp(logs) * np.sum(sent, axis=dim, keepdims=True)


def _reduced(losses: Any, reduction: int) -> Any:
    """The losses themselves, their mean or their sum, by torch's number of it."""
    if reduction == 0:
        return losses
    return np.sum(losses) / np.size(losses) if reduction == 1 else np.sum(losses)


def _shared(sent: Any, a: Any, reduction: int) -> Any:
    return sent / np.size(a) if reduction == 1 else sent


def _squares(a: Any, y: Any, reduction: int = 1) -> Any:
    return _reduced(np.square(a - y), reduction)


def _squares_backward(sent: Any, a: Any, y: Any, reduction: int) -> Any:
    return _shared(sent, a, reduction) * 2 * (a - y)


def _cross_entropy(a: Any, y: Any, weight: Any = None, reduction: int = 1) -> Any:
    losses = -(y * np.log(a) + (1 - y) * np.log(1 - a))
    return _reduced(losses if weight is None else losses * weight, reduction)


def _cross_entropy_backward(
    sent: Any, a: Any, y: Any, weight: Any = None, reduction: int = 1
) -> Any:
    slope = (a - y) / (a * (1 - a))
    return _shared(sent, a, reduction) * (slope if weight is None else slope * weight)


def _cross_entropy_of_z(
    z: Any, y: Any, weight: Any = None, factor: Any = None, reduction: int = 1
) -> Any:
    if weight is not None or factor is not None:
        raise TypeError("a cross-entropy with weights")
    return _cross_entropy(sigmoid(z), y, None, reduction)


def _chosen(logs: Any, labels: Array, weight: Any, reduction: int, *_: Any) -> Any:
    """The negative logarithms of what the labels were given, and how many there are."""
    if weight is not None:
        raise TypeError("a loss with weights")
    losses = -np.take_along_axis(np.asarray(logs), labels[..., None], axis=-1)[..., 0]
    return _reduced(losses, reduction), np.float64(labels.size)


def _chosen_backward(
    sent: Any, logs: Any, labels: Array, weight: Any, reduction: int, *_: Any
) -> Any:
    if weight is not None:
        raise TypeError("a loss with weights")
    hot = np.arange(np.shape(logs)[-1]) == labels[..., None]
    sent = np.asarray(_shared(sent, labels, reduction))
    return np.where(hot, -(sent[..., None] if sent.ndim else sent), 0)


LOSSES: dict[str, tuple[str, Callable[..., Any]]] = {
    "_softmax": ("softmax", _softmax),
    "_log_softmax": ("log_softmax", _log_softmax),
    "mse_loss": ("mse_loss", _squares),
    "binary_cross_entropy": ("binary_cross_entropy", _cross_entropy),
    "binary_cross_entropy_with_logits": ("binary_cross_entropy", _cross_entropy_of_z),
    "nll_loss_forward": ("nll_loss", _chosen),
    "nll_loss_backward": ("nll_loss", _chosen_backward),
    "_softmax_backward_data": ("softmax", _softmax_backward),
    "_log_softmax_backward_data": ("log_softmax", _log_softmax_backward),
    "mse_loss_backward": ("mse_loss", _squares_backward),
    "binary_cross_entropy_backward": ("binary_cross_entropy", _cross_entropy_backward),
}
"""Their operators: what each is known as, and its function."""
