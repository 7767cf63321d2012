"""A step of one of several processes, `step(rank, world, …)`, as the step of a single one.

The whole mini-batch is its only micro-batch, so that all it does up to its own gradient is judged
and traced like any other step. Left out: what processes do together (`processes`).
"""

import os
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

ARGUMENTS = ("rank", "world", "weights", "biases", "micro_batches")


def as_single_process(function: Callable[..., Any]) -> Callable[..., Mapping[str, Any]]:
    """The function as `step(weights, biases, x, y, eta)`, of rank 0 of one process."""

    @wraps(function)  # with the keywords that it names
    def step(weights: Any, biases: Any, x: Any, y: Any, eta: Any, **more: Any) -> dict[str, Any]:
        _join()
        batches = [(x, y)]
        shown = dict(function(0, 1, weights, biases, batches, x.shape[1], eta, **more))
        own = shown.pop("own", {})
        first = own if isinstance(own, Mapping) else next(iter(own), {})
        return {**shown, **first}

    return step


def _join() -> None:
    """Be a group of one process, if the program knows of groups."""
    os.environ |= {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"}
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and not distributed.is_initialized():
        store = distributed.HashStore()
        distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
