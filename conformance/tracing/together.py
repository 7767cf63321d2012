"""What several processes do together, in the trace of one of them.

Left out: `DistributedDataParallel` and `async_op`, whose numbers come in untraced.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from conformance.tracing.node import flat

if TYPE_CHECKING:
    from conformance.tracing.tensor_memory import TensorTrace

TOGETHER = ("all_reduce", "reduce", "all_gather", "gather", "all_gather_into_tensor")
"""What processes do together with their gradients, by the names in `torch.distributed`."""


@contextmanager
def noted_together(tensors: "TensorTrace", names: dict[str, Any]) -> Iterator[None]:
    """Note what the processes do together, which torch's operators do not show.

    Args:
        tensors: of a traced run.
        names: the global names of the program, which may have imported some of it.
    """
    import torch.distributed

    with ExitStack() as stack:
        for name in TOGETHER:
            own = getattr(torch.distributed, name)
            noting = partial(_noting, tensors, name, own)
            stack.enter_context(patch.object(torch.distributed, name, noting))
            held = {key: noting for key, value in names.items() if value is own}
            stack.enter_context(patch.dict(names, held))
        yield


def _noting(tensors: "TensorTrace", name: str, own: Any, *args: Any, **kwargs: Any) -> Any:
    """Call what processes do together, and note what is then in its tensors."""
    import torch

    from conformance.tracing.torch_functions import inexact

    given = [each for each in flat((args, kwargs)) if isinstance(each, torch.Tensor)]
    nodes = tuple(tensors.node(each) for each in given)
    result = own(*args, **kwargs)
    for each in given:
        array = tensors.array(each)
        if array is not None and array.size:
            made = tensors.trace.node(name, inexact(name), nodes, {}, np.array(array))
            tensors.trace.write(array, made)
    return result
