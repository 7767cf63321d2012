"""Check hand-written backprop: which line is wrong, and why. This module is the public interface.

What `__all__` names is public, and described in `guides/python.md`. All else may change.
"""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.errors import ConformanceError, SubjectError, UsageError
from conformance.running.same_names import separate

if TYPE_CHECKING:
    __version__: str

    from conformance.backward.recorded_pass import NotAGradientError
    from conformance.gradient.report import GradReport
    from conformance.recorded_block import Recording
    from conformance.report.backward_report import BackwardReport
    from conformance.report.book_report import Report
    from conformance.report.file_report import FileReport
    from conformance.report.script_report import ScriptReport
    from conformance.training.show_training import TrainReport

__all__ = [
    "BackwardReport",
    "ConformanceError",
    "FileReport",
    "GradReport",
    "NotAGradientError",
    "Recording",
    "Report",
    "ScriptReport",
    "SubjectError",
    "TrainReport",
    "UsageError",
    "assert_conformant",
    "check",
    "check_backward",
    "check_vjp",
    "gradcheck",
    "recording",
    "run",
    "train",
]

_LATER = {
    "BackwardReport": "conformance.report.backward_report",
    "FileReport": "conformance.report.file_report",
    "GradReport": "conformance.gradient.report",
    "NotAGradientError": "conformance.backward.recorded_pass",
    "Recording": "conformance.recorded_block",
    "Report": "conformance.report.book_report",
    "ScriptReport": "conformance.report.script_report",
    "TrainReport": "conformance.training.show_training",
}
"""Classes whose modules import much: they are loaded when they are asked for."""

separate()  # what a program that imports us has beside it
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """Load a class of `_LATER`, or read `__version__`."""
        from importlib import import_module, metadata

        if name == "__version__":
            return metadata.version("backprop-conformance")
        if name in _LATER:
            return getattr(import_module(_LATER[name]), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def check(
    subject: object,
    *,
    case: str | Collection[str] | None = None,
    dtype: str | None = None,
    precision: str | None = None,
    cost: str | None = None,
    family: tuple[str, str] | None = None,
    timeout: float = 60.0,
    python_path: Sequence[Path] = (),
    detailed: bool = False,
) -> "Report | BackwardReport | FileReport":
    """Judge a program: a file, a class, a function, a command.

    The network of the book is judged by the recorded cases, equation by equation; anything else by
    its own forward pass.

    Args:
        subject: `file.py`, `file.py:Name`, `notebook.ipynb`, `package.module:Name`, `reference`,
            `torch_impl`, the path of a recorded `.safetensors` trace, `cmd:COMMAND`; or a class, an
            object or a function.
        case: a glob, or several: only the cases whose id matches one.
        dtype: `float64` or `float32`, to have the cases in this dtype alone.
        precision: `float16` or `bfloat16`: it computes in this format, and is judged by the float64
            cases with their inputs rounded to it.
        cost: to judge by: `quadratic`, `cross-entropy`, `log-likelihood`, `hinge`, `margin`,
            `logistic` or `poisson`. For the network of the book one of the first three: only the
            cases with it, and the cost of a network that does not let one choose it, quadratic if
            not given.
        family: the activations that it is meant to have, of hidden layers and output; those that it
            is seen to have if not given.
        timeout: the longest silence of the subject's process, in seconds.
        python_path: folders from which a file or a module may import.
        detailed: whether to keep what is behind each verdict, entry by entry, as a page shows it.

    Raises:
        UsageError: there is no such subject, no case fits it, or an option is not for it.
        SubjectError: the subject could not be loaded or run at all.
    """
    from conformance.subject_check import Options, check_any

    of_cases = case, dtype, precision, cost, family
    return check_any(subject, Options(*of_cases, timeout, tuple(python_path), detailed))


def assert_conformant(subject: object, **options: Any) -> None:
    """Raise an AssertionError that holds the report, unless everything is right.

    Args:
        subject: as `check` takes it, or a report that is there already.
        options: as `check` takes them.

    Raises:
        AssertionError: something is wrong, or nothing was compared.
    """
    __tracebackhide__ = True
    known = any(_LATER.get(each.__name__) == each.__module__ for each in type(subject).__mro__)
    report: Any = subject if known else check(subject, **options)
    if not report.ok:
        raise AssertionError(str(report))


def check_backward(
    f: Callable[..., Any], params: Any, *data: Any, cost: str | None = None
) -> "BackwardReport":
    """Judge the gradients of a function, and name the line that makes them wrong.

    Args:
        f: any NumPy program. It is called once, `f(params, *data)`, on copies, and returns the loss
            and the gradients, structured as the parameters are. In the place of the loss it may
            return the network's output, or None: then the known costs are tried.
        params: arrays of floats, in dicts, lists and tuples.
        data: whatever else it takes.
        cost: the one to judge by, where f returns no loss: `quadratic`, `cross-entropy`,
            `log-likelihood`, `hinge`, `margin`, `logistic` or `poisson`.

    Raises:
        UsageError: there is no such cost.
        NotAGradientError: there is no loss, or no gradient for a parameter.
    """
    from conformance import backward_check

    return backward_check.check_backward(f, params, *data, cost=cost)


def check_vjp(
    forward: Callable[..., Any], backward: Any, *args: Any, seed: int = 0
) -> "BackwardReport":
    """Judge the backward function of a layer, and name the line that makes a gradient wrong.

    It is called as `check_vjp(forward, backward, *args)`, or as `check_vjp(MyFunction, *args)` with
    a subclass of `torch.autograd.Function`.

    Args:
        forward: called as `forward(*args)`; it returns the output, or `(output, cache)`, or several
            outputs and the cache, as `(h, c, cache)`. Or a
            `torch.autograd.Function`, which has a backward of its own.
        backward: called as `backward(dout, cache)`, or `backward(dout)` if there is no cache, with
            a `dout` for each output. It returns the gradients of the arguments, or of those that
            are arrays of floats.
        args: of the forward function.
        seed: of `dout`, which is an array of random numbers.

    Raises:
        NotAGradientError: there is no output, or no gradient for an argument.
    """
    from conformance import backward_check

    return backward_check.check_vjp(forward, backward, *args, seed=seed)


def gradcheck(subject: object, sizes: Sequence[int] | None = None, seed: int = 0) -> "GradReport":
    """Compare what a network's `backprop` returns with differences of its own cost.

    Args:
        subject: a network with `weights`, `biases`, `backprop(x, y)` and a cost of its own, or a
            class that builds one from a list of sizes. Its parameters are put back in the end.
            Without a cost, the known ones are tried.
        sizes: for a class, the neurons of each layer; small networks if not given.
        seed: of parameters and samples.

    Raises:
        UsageError: the subject lacks a method or a cost; the message says what it has.
        SubjectError: it does not run, or gives something that is not a gradient.
    """
    from conformance import gradient

    return gradient.gradcheck(subject, sizes, seed)


def run(
    script: str, *arguments: str, updates: int = 3, timeout: float = 60.0, seed: int = 0
) -> "ScriptReport":
    """Execute a script in a process of its own, and judge its gradients and its updates.

    Args:
        script: the path of the script.
        arguments: what it is given on its command line.
        updates: the number of updates of its parameters, 2 or more, after which it is stopped.
        timeout: seconds, after which it is stopped.
        seed: of its random numbers, where it sets none.

    Raises:
        UsageError: there is no such script, or fewer updates are asked for.
        SubjectError: it failed, or there was nothing to judge.
    """
    from conformance.run_script import run_script

    return run_script(script, arguments, updates=updates, timeout=timeout, seed=seed)


def recording(*, updates: int = 3) -> "Recording":
    """Record what a block trains: `with conformance.recording() as r:`, and then `r.report`.

    Args:
        updates: the number of updates that are judged, 2 or more; the rest is not recorded.
    """
    import sys

    from conformance.recorded_block import Recording

    line = sys._getframe(1).f_lineno  # noqa: SLF001 - what calls us
    return Recording(f"the block at line {line}", updates)


def train(
    *subjects: str,
    sizes: Sequence[int] = (784, 30, 10),
    epochs: int = 30,
    mini_batch: int = 10,
    eta: float = 3.0,
    cost: str = "quadratic",
    lmbda: float = 0.0,
    family: tuple[str, str] | None = None,
    update: str = "sgd",
    dtype: str = "float64",
    seed: int = 0,
    mnist: Path | None = None,
    python_path: Sequence[Path] = (),
) -> "TrainReport":
    """Train networks beside the reference on MNIST, and tell rounding from a mistake.

    Args:
        subjects: `torch_impl`, `file.py:Name` or `package.module:Name`.
        sizes: neurons of each layer, the input layer first.
        epochs: how many times to go through the data.
        mini_batch: samples of a mini-batch.
        eta: the learning rate η.
        cost: `quadratic`, `cross-entropy` or `log-likelihood`.
        lmbda: the weight decay λ.
        family: the activations of hidden layers and output; sigmoids, or what goes with the cost,
            if not given.
        update: `sgd`, `momentum`, `nesterov`, `rmsprop`, `adam` or `adamw`.
        dtype: `float64` or `float32`.
        seed: of the start and of the order of the samples.
        mnist: the folder of the full data; a part of it if not given.
        python_path: folders from which a file or module may import.

    Raises:
        UsageError: there is no such subject, or it cannot take part; or no run can be so.
        SubjectError: a subject could not be loaded or run.
    """
    from conformance.training.settings import Settings
    from conformance.training.training_data import digits
    from conformance.training.training_run import subjects as found
    from conformance.training.training_run import train as trained

    settings = Settings(
        *(tuple(sizes), epochs, mini_batch, eta, cost, lmbda, dtype, seed, subjects),
        family=family,
        update=update,
    )
    settings.fit_digits()
    return trained(settings, digits(mnist), found(subjects, settings, python_path))


def load_ipython_extension(shell: Any) -> None:
    """Give a notebook the magic `%%conformance`, by `%load_ext conformance`."""
    from conformance.recorded_block import load

    load(shell)
