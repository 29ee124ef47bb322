"""Executors that end their process, or reach beyond it: children, signals, and what they write to 1 and 2."""

import asyncio
import atexit
import concurrent.futures
import ctypes
import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

from lab import Simple, zeros

libc = ctypes.CDLL(None)


class Crashing(Simple):
    async def run(self, ir, shots):
        if shots == 1:
            os._exit(7)
        if shots == 2:
            print("last words", flush=True)
            ctypes.string_at(0)
        if shots == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        if shots == 4:
            libc.abort()
        return zeros(ir, shots)


class Printing(Simple):
    """Megabytes on 1 and 2, from Python, from C and from another program; C keeps a line in its buffer."""

    async def run(self, ir, shots):
        line = "x" * 99
        for _ in range(shots):
            print(line)
            print(line, file=sys.stderr)
            os.write(1, b"y" * 99 + b"\n")
        logging.getLogger("my.driver").info("calibrated")
        libc.puts(b"from C")
        subprocess.run(["sh", "-c", "echo from sh; echo from sh >&2"], check=True)
        return zeros(ir, shots)


def square(value):
    return value * value


class Spawning(Simple):
    """Everything that makes a process or a thread."""

    async def run(self, ir, shots):
        child = os.fork()
        if child == 0:
            os.closerange(3, 64)
            os._exit(5)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5
        try:
            # A driver that waits for all its children must find its own alone.
            os.waitpid(-1, os.WNOHANG)
            raise AssertionError("the driver has a child that it did not start")
        except ChildProcessError:
            pass
        listed = subprocess.run(["ls", "/proc/self/fd"], check=True, stdout=subprocess.PIPE).stdout.split()
        assert all(int(fd) < 4 for fd in listed), listed
        for method in multiprocessing.get_all_start_methods():
            with multiprocessing.get_context(method).Pool(2) as pool:
                assert pool.map(square, range(4)) == [0, 1, 4, 9], method
        with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            assert await asyncio.get_running_loop().run_in_executor(pool, square, 3) == 9
        thread = threading.Thread(target=time.sleep, args=(0.01,))
        thread.start()
        thread.join()
        process = await asyncio.create_subprocess_exec("true")
        assert await process.wait() == 0
        return zeros(ir, shots)


class FallsThrough(Simple):
    """A forked child runs on into the host's own code."""

    async def run(self, ir, shots):
        if os.fork() == 0:
            # The parent answers first, so that a second answer would be seen.
            time.sleep(0.2)
        return zeros(ir, shots)


class Signals(Simple):
    seen = []

    def __init__(self):
        signal.signal(signal.SIGUSR1, lambda *_: self.seen.append("USR1"))
        signal.signal(signal.SIGALRM, lambda *_: self.seen.append("ALRM"))

    async def run(self, ir, shots):
        os.kill(os.getpid(), signal.SIGUSR1)
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        while len(self.seen) < 2:
            await asyncio.sleep(0.005)
        return zeros(ir, shots)


class Leaving(Simple):
    """Leaves a process and an atexit behind."""

    def __init__(self):
        atexit.register(print, "atexit ran", flush=True)

    async def run(self, ir, shots):
        subprocess.Popen(["sleep", "3600"])
        multiprocessing.get_context("fork").Process(target=time.sleep, args=(3600,), daemon=True).start()
        return zeros(ir, shots)
