# The devices of the bench for the Python original: the same behaviour as those of executors.ts.
# Run as a program, it takes the time of reading a circuit: `executors.py <file> <repetitions>`, milliseconds a line.
import asyncio
import json
import os
import sys
import time


class Result:
    def __init__(self, ir, shots):
        self.counts = {"0" * len(ir.measurements): shots}
        self.execution_time_ms = 0.0
        self.shots_completed = shots


def now():
    return time.monotonic_ns() / 1e6


class Noop:
    async def run(self, ir, shots):
        return Result(ir, shots)


class Batch(Noop):
    async def batch_run(self, jobs):
        return [Result(ir, shots) for ir, shots in jobs]


class Timed:
    def __init__(self):
        self.seconds = float(os.environ["BENCH_RUN_MS"]) / 1000
        self.jobs = int(os.environ["BENCH_JOBS"])
        self.notes = []

    async def run(self, ir, shots):
        start = now()
        await asyncio.sleep(self.seconds)
        self.notes.append([start, now()])
        if len(self.notes) == self.jobs:
            with open(os.environ["BENCH_NOTES"], "w") as file:
                json.dump(self.notes, file)
        return Result(ir, shots)


class Endless:
    async def run(self, ir, shots):
        note(f"start - {now()}")
        await asyncio.Event().wait()

    def cancel_current_job(self):
        note(f"cancel - {now()}")


def note(line):
    with open(os.environ["BENCH_NOTES"], "a") as file:
        file.write(line + "\n")


def createNoop():
    return Noop()


def createBatch():
    return Batch()


def createTimed():
    return Timed()


def createEndless():
    return Endless()


if __name__ == "__main__":
    from coda_node.server.ir import NativeGateIR

    with open(sys.argv[1]) as circuit:
        text = circuit.read()
    for _ in range(int(sys.argv[2])):
        began = now()
        NativeGateIR.from_json(text)
        print(now() - began)
