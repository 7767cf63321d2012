"""A process that waits for steps and takes them, until its parent goes.

Started by `workers.py`, with a descriptor of a socket to its parent. Left out: what it runs
(`rank_program.py`).
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from threading import Thread
from time import sleep

import numpy as np

from conformance.errors import ConformanceError
from conformance.processes.rank_lines import Right
from conformance.processes.rank_program import Job, Program, Step, flat
from conformance.running.tracebacks import headline, own_traceback, subject_line

TICK = 1.0  # seconds until it notices that its parent has gone
DONE, FAILED = b"+", b"-"
"""The first byte of an answer: arrays follow, or an error as JSON."""


@dataclass(frozen=True)
class Settings:
    """What a process is told first.

    Attributes:
        rank: its own.
        world: how many there are.
        place: the file by which they meet.
        timeout: seconds for each collective.
        program: that it runs.
    """

    rank: int
    world: int
    place: str
    timeout: float
    program: Program


@dataclass(frozen=True)
class Traced:
    """A step of which the lines are asked for, and what is right in it."""

    job: Job
    right: Mapping[str, Right]


class Worker:
    """What a process does with what it is told."""

    step: Step

    def answer(self, told: Settings | Job | Traced) -> bytes:
        """Join the others, or take a step; what is to be said to the parent."""
        try:
            if isinstance(told, Traced):
                return DONE + self._lines(told)
            return DONE + (self._join(told) if isinstance(told, Settings) else self._take(told))
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent says so
            ours = isinstance(error, ConformanceError)
            words = str(error) if ours else f"{headline(error)}\n{own_traceback(error)}"
            failure = [type(error).__name__, words.rstrip(), subject_line(error)]
            return FAILED + json.dumps(failure).encode()

    def _join(self, told: Settings) -> bytes:
        """Join the process group, and load the program."""
        import torch
        from torch import distributed

        torch.set_num_threads(1)
        rank, world = told.rank, told.world
        os.environ |= {"RANK": str(rank), "WORLD_SIZE": str(world), "LOCAL_RANK": str(rank)}
        distributed.init_process_group(
            "gloo",
            init_method=f"file://{told.place}",
            timeout=timedelta(seconds=told.timeout),
            rank=rank,
            world_size=world,
        )
        self.step = told.program.open()
        return b""

    def _lines(self, told: Traced) -> bytes:
        """The lines of a function's step as JSON; none of any other program."""
        lines = self.step.lines(told.job, told.right) if hasattr(self.step, "lines") else {}
        return json.dumps(
            {n: [[e.file, e.line, e.function] for e in each] for n, each in lines.items()}
        ).encode()

    def _take(self, job: Job) -> bytes:
        """The arrays of a step as bytes."""
        from safetensors.numpy import save

        shown = flat(self.step(job))
        return save({name: np.array(array, order="C") for name, array in shown.items()})


def main(descriptor: int, parent: int) -> None:
    """Do what the parent says, as long as it is there.

    Args:
        descriptor: of the socket.
        parent: its process.
    """
    Thread(target=_leave_with, args=(parent,), daemon=True).start()
    connection, worker = Connection(descriptor), Worker()
    with suppress(EOFError, OSError):  # the parent closes the socket, or has gone
        while True:
            connection.send_bytes(worker.answer(connection.recv()))
    os._exit(0)  # no collective is waited for


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        sleep(TICK)
    os._exit(1)
