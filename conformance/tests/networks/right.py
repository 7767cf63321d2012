"""Right networks with the book's interface, no two written alike: none may be accused.

Each class takes `sizes`, and its docstring says what is different. What it computes
is the book's step, in another order, shape, precision or convention.
"""

from conformance.tests.networks.named_rate import Network as NamedRate
from conformance.tests.networks.right_batches import (
    Augmented,
    Averaged,
    BatchedColumns,
    BatchedRows,
    DeltaOverM,
    Einsum,
    LastFirst,
)
from conformance.tests.networks.right_costs import WithCost, WithQuadraticCost
from conformance.tests.networks.right_layouts import (
    FlatBiases,
    FlatMiniBatches,
    Float32,
    TransposedWeights,
)
from conformance.tests.networks.right_loops import (
    DictGradients,
    Helpers,
    InPlace,
    PerSample,
    ReversedSum,
    WeightsFirst,
)
from conformance.tests.networks.right_sigmoids import (
    MirroredForm,
    PrimeFromActivation,
    SoftPlus,
    StableSigmoid,
    TanhForm,
    Vectorized,
)

RIGHT = (
    PerSample,
    NamedRate,
    ReversedSum,
    WeightsFirst,
    InPlace,
    Helpers,
    DictGradients,
    BatchedColumns,
    BatchedRows,
    Einsum,
    Averaged,
    DeltaOverM,
    Augmented,
    LastFirst,
    StableSigmoid,
    MirroredForm,
    TanhForm,
    Vectorized,
    SoftPlus,
    PrimeFromActivation,
    Float32,
    TransposedWeights,
    FlatBiases,
    FlatMiniBatches,
    WithCost,
    WithQuadraticCost,
)
