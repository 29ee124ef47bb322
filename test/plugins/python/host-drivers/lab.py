"""Executors as their authors write them, one for each behaviour in a run that a host must stand."""

import asyncio
import concurrent.futures
import contextvars
import ctypes
import gc
import os
import resource
import sys
import threading
import time
from dataclasses import dataclass

from coda_node.errors import ExecutorError
from coda_node.server.executor import ExecutionResult, JobExecutor
from coda_node.server.ir import NativeGateIR


def zeros(ir, shots):
    return ExecutionResult(counts={"0" * len(ir.measurements): shots}, execution_time_ms=1.5, shots_completed=shots)


class Simple:
    async def run(self, ir: NativeGateIR, shots: int) -> ExecutionResult:
        return zeros(ir, shots)


class Unhurried(Simple):
    """Finds Python as it is once its circuit has been parsed; one shot is for a run beside the parsing of another."""

    async def run(self, ir, shots):
        assert shots == 1 or sys.getswitchinterval() == 0.005
        return zeros(ir, shots)


turn = contextvars.ContextVar("turn", default=None)


class InTurn(Simple):
    """A run ends when a file says so. It must not see what another run has set in its context."""

    async def run(self, ir, shots):
        assert turn.get() is None
        turn.set(shots)
        print("run", shots, flush=True)
        if shots == 66:
            os._exit(6)
        while not os.path.exists(os.path.join(os.environ["TURNS"], str(shots))):
            await asyncio.sleep(0.002)
        if shots == 9:
            raise ValueError("broken")
        return zeros(ir, shots)


class Counting(InTurn):
    """Counts the circuits in memory."""

    async def run(self, ir, shots):
        await super().run(ir, shots)
        circuits = sum(type(thing) is NativeGateIR for thing in gc.get_objects())
        return {"counts": {"00": circuits}, "execution_time_ms": 1, "shots_completed": shots}


class Starving(Simple):
    """Leaves little memory to the process."""

    async def run(self, ir, shots):
        with open("/proc/self/statm") as statm:
            used = int(statm.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (shots << 20), resource.RLIM_INFINITY))
        return zeros(ir, shots)


class Described(Simple):
    """Says what it got."""

    async def run(self, ir, shots):
        op = ir.gates[0]
        facts = [
            type(ir) is NativeGateIR,
            op.gate == "rx",
            op.gate.value == "rx",
            "{}".format(op.gate) == "rx",
            op.params == [1.0] and type(op.params[0]) is float,
            isinstance(self, JobExecutor),
            threading.current_thread() is threading.main_thread(),
        ]
        return {"counts": {"00": facts.count(True)}, "execution_time_ms": 1, "shots_completed": len(facts)}


class Batching(Simple):
    async def batch_run(self, jobs):
        assert all(type(job) is tuple and type(job[0]) is NativeGateIR for job in jobs)
        return tuple(zeros(ir, shots) for ir, shots in jobs)


class ShortBatch(Simple):
    async def batch_run(self, jobs):
        return [zeros(*jobs[0])]


class HalfBatch(Simple):
    async def batch_run(self, jobs):
        return [zeros(*jobs[0]), None]


class Sleeping(Simple):
    """A cancel ends its wait, and it needs a while to clean up."""

    hooks = 0

    async def run(self, ir, shots):
        if shots == 1:
            return zeros(ir, shots)
        print("sleeping", flush=True)
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.05)
            print("cleaned up", flush=True)

    def cancel_current_job(self):
        assert threading.current_thread() is threading.main_thread()
        print("hook", flush=True)


class SlowHook(Sleeping):
    async def cancel_current_job(self):
        await asyncio.sleep(0.05)
        print("hook done", flush=True)


class BrokenHook(Sleeping):
    def cancel_current_job(self):
        raise RuntimeError("the device does not answer")


class Threaded(Simple):
    """The device works in a thread, which a cancel of the task does not end."""

    def work(self, pool_name):
        print(pool_name, "working", flush=True)
        time.sleep(0.5)
        print(pool_name, "stopped", flush=True)

    async def run(self, ir, shots):
        await asyncio.get_running_loop().run_in_executor(None, self.work, "thread")
        return zeros(ir, shots)


class OwnPool(Threaded):
    pool = concurrent.futures.ThreadPoolExecutor(1)

    async def run(self, ir, shots):
        await asyncio.get_running_loop().run_in_executor(self.pool, self.work, "pool")
        return zeros(ir, shots)


class Blocking(Simple):
    async def run(self, ir, shots):
        print("blocking", flush=True)
        time.sleep(shots / 1000)
        return zeros(ir, shots)


class BlockingInTurn(Simple):
    """As most drivers are: a run blocks the loop until a file says that it is over."""

    async def run(self, ir, shots):
        print("run", shots, flush=True)
        while not os.path.exists(os.path.join(os.environ["TURNS"], str(shots))):
            time.sleep(0.002)
        return zeros(ir, shots)


class HoldingGil(Simple):
    """C code that keeps the GIL: PyDLL does not release it."""

    async def run(self, ir, shots):
        print("holding", flush=True)
        ctypes.PyDLL(None).usleep(shots * 1000)
        return zeros(ir, shots)


class Stubborn(Simple):
    """Swallows the cancel, and returns a result after all."""

    async def run(self, ir, shots):
        print("running", flush=True)
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)
        return zeros(ir, shots)


class Failing(Simple):
    """One kind of failure for each number of shots."""

    async def run(self, ir, shots):
        if shots == 1:
            raise ExecutorError("the fridge is warm")
        if shots == 2:
            raise ValueError()
        if shots == 3:
            raise MemoryError()
        if shots == 4:
            sys.exit(3)
        if shots == 5:
            raise asyncio.CancelledError()
        if shots == 6:
            raise KeyboardInterrupt()
        if shots == 7:
            raise Unprintable("x")
        if shots == 8:
            raise ValueError("\ud800 and \U0001f600")
        if shots == 9:
            bytearray(1 << 62)
        if shots == 10:
            return self.deeper()
        return zeros(ir, shots)

    def deeper(self):
        return self.deeper()


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class Number:
    """A number as numpy has them: not an int, but it can say which one it is."""

    def __init__(self, value):
        self.value = value

    def item(self):
        return self.value


class Text(str):
    pass


@dataclass
class Foreign:
    counts: object
    execution_time_ms: object
    shots_completed: object
    extra: object = None


class Odd(Simple):
    async def run(self, ir, shots):
        from collections import Counter
        from decimal import Decimal

        return [
            Foreign({Text("00"): Number(7), "11": True}, Number(1.5), Number(8)),
            Foreign(Counter("00 00 11".split()), Decimal("2.5"), 3.0),
            None,
            Foreign([1], 1, 1),
            {"counts": {"00": 1}},
            Foreign({"00": "7"}, 1, 1),
            Foreign({"00": 1}, float("nan"), 1),
            Foreign({"00": 1}, float("inf"), 1),
            Foreign({(1, 2): 1}, 1, 1),
            Foreign({"00": 10**30}, 1, 1),
        ][shots]


class Synchronous:
    def run(self, ir, shots):
        return zeros(ir, shots)
