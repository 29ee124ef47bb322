"""What a factory may be and give, and what it may not."""

import asyncio
import sys
from dataclasses import dataclass

from coda_node.errors import ExecutorError

from lab import Number, Simple, zeros


@dataclass
class Device:
    directed_edges: object = None
    logical_edges: object = None


class Coupled(Simple):
    def __init__(self):
        self.device = Device([], [(0, Number(1)), [1, 2]])

    async def run(self, ir, shots):
        self.device.directed_edges = ((0, 1), (1, 0))
        return zeros(ir, shots)


class WrongDevice(Simple):
    device = Device([("a", "b")])


async def later(settings):
    await asyncio.sleep(0)
    print("qubits", settings.num_qubits, settings.qpu_id, settings.callback_url, settings.executor_factory)
    return Simple()


def without(*, ready=Simple):
    raise AssertionError("a factory with any parameter gets the settings")


def broken():
    raise ExecutorError("no such instrument")


def quits():
    sys.exit("the licence server is down")


def gives_nothing():
    return None


ready_made = Simple()
number = 5
