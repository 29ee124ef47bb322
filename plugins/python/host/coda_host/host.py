"""The host itself: control messages in, answers out, everything on the main thread's loop."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import signal
import sys
import traceback
from typing import Any, Callable, Dict, List, Set

from . import descriptors
from .ahead import Circuits
from .answers import edges_of
from .descriptors import ANSWERS, CONTROL, end_group
from .frames import Descriptor, FrameReader, write_frame
from .jobs import Jobs
from .loading import StartError, discover, find, load, takes_settings, target_of
from .loop import HostLoop
from .names import Names
from .scheduling import go_before

EXIT_BROKEN = 70
EXIT_MEMORY = 71
_CHUNK = 1 << 16

log = logging.getLogger("coda")


def serve(shim_folder: str) -> int:
    """Runs until the node closes the host; the value is the exit code."""
    descriptors.claim()
    faulthandler.enable()
    _flush_c_output_by_line()
    # As the original's command does: what drivers log is seen from INFO on.
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    loop = HostLoop()
    asyncio.set_event_loop(loop)
    host = Host(loop, shim_folder)
    _exit_politely_on_sigterm(host)
    try:
        loop.run_until_complete(host.serve())
    finally:
        _close(loop)
    return 0


class Host:
    def __init__(self, loop: HostLoop, shim_folder: str) -> None:
        self._loop = loop
        self._shim_folder = shim_folder
        self._control = Descriptor(CONTROL, _CHUNK)
        self._reader = FrameReader()
        self._is_reading = False
        self._closed: "asyncio.Future[None]" = loop.create_future()
        self._circuits = Circuits(loop, _end_broken)
        self._jobs: Any = None
        self._executor: Any = None
        self._init: Any = None
        self._known_names: Any = None
        self._handlers: Dict[str, Callable[[Dict[str, Any], bytes], None]] = {
            "run": lambda head, body: self._jobs.run(head, body),
            "batch": lambda head, _: self._jobs.batch(head),
            "cancel": lambda head, _: self._jobs.cancel(head["id"]),
            "next": lambda head, _: self._jobs.allow(head),
            "beat": lambda head, _: self._answer({"t": "beat", "n": head["n"]}),
            "edges": lambda *_: self._answer({"t": "edges", "edges": self._edges()}),
            "find": lambda head, _: self._find(head["module"]),
            "discover": lambda *_: self._discover(),
            "import": lambda head, _: self._import(head["factory"]),
            "init": lambda head, _: self._start(head),
            "close": lambda *_: self.close(),
        }

    async def serve(self) -> None:
        self._answer(
            {
                "t": "hello",
                "python": "{}.{}.{}".format(*sys.version_info),
                "executable": sys.executable,
                "prefix": sys.prefix,
                "pid": os.getpid(),
            }
        )
        self._circuits.start()
        self._loop.add_reader(CONTROL, self._read)
        await self._closed

    def _hear(self) -> None:
        if self._control.has_more():
            self._read()

    def _read(self) -> None:
        # With tasks that start at once, as a driver may have them, a run may begin and end while its message is read.
        if self._is_reading:
            return
        self._is_reading = True
        try:
            self._read_once()
        finally:
            self._is_reading = False

    def _read_once(self) -> None:
        try:
            chunk = self._control.read()
        except (BlockingIOError, InterruptedError):
            return
        except MemoryError as error:
            _end_broken(error)
        if not chunk:
            end_group()
        try:
            for head, body in self._reader.feed(chunk):
                handle = self._handlers.get(head["t"])
                if handle is not None:
                    handle(head, body)
        except Exception as error:
            _end_broken(error)

    def _answer(self, head: Dict[str, Any]) -> None:
        try:
            write_frame(ANSWERS, head)
        except BrokenPipeError:
            end_group()

    def _names(self) -> Names:
        """Made before the first code of a driver runs, which imports them."""
        if self._known_names is None:
            self._known_names = Names(self._shim_folder)
        return self._known_names

    def _find(self, module: str) -> None:
        self._names()
        self._answer({"t": "found", "module": module, "file": find(module)})

    def _discover(self) -> None:
        self._names()
        self._answer({"t": "discovered", **discover()})

    def _import(self, factory: str) -> None:
        self._names()
        try:
            target = target_of(factory)
        except StartError as error:
            self._answer({"t": "failed_start", **error.fields()})
        else:
            self._answer({"t": "imported", "factory": factory, "settings": takes_settings(target)})

    def _start(self, head: Dict[str, Any]) -> None:
        # Before the driver's code, which may have plans of its own.
        go_before(head.get("node") or {})
        # The task is kept: the loop itself would not.
        self._init = self._loop.create_task(self._load(head["factory"], head.get("settings") or {}))

    async def _load(self, factory: str, settings: Dict[str, Any]) -> None:
        try:
            names = self._names()
            executor = await load(factory, lambda: names.settings(settings))
            try:
                edges = edges_of(executor)
            except Exception as error:
                raise StartError("device", error, "directed_edges and logical_edges are lists of two qubits each.") from error
        except StartError as error:
            self._answer({"t": "failed_start", **error.fields()})
            return
        self._executor = executor
        self._circuits.parse_with(names.parse)
        self._jobs = Jobs(self._loop, executor, self._circuits, self._answer, self._hear, _end_broken)
        kind = executor if isinstance(executor, type) else type(executor)
        self._answer(
            {
                "t": "ready",
                "label": "{}.{}".format(kind.__module__, kind.__qualname__),
                "batch": callable(getattr(executor, "batch_run", None)),
                "cancel": callable(getattr(executor, "cancel_current_job", None)),
                "edges": edges,
                "python": "{}.{}.{}".format(*sys.version_info),
                "coda_node": names.source,
            }
        )

    def _edges(self) -> Any:
        try:
            return edges_of(self._executor)
        except Exception:
            log.warning("the device's edges cannot be read", exc_info=True)
            return None

    def close(self) -> None:
        if self._jobs is not None:
            self._jobs.is_stopping = True
        if not self._closed.done():
            self._closed.set_result(None)


def _end_broken(error: BaseException) -> None:
    """The node and the host do not understand each other, or there is no memory: nothing can be answered any more."""
    code = EXIT_MEMORY if isinstance(error, MemoryError) else EXIT_BROKEN
    try:
        text = "the Python host cannot go on: {}\n{}".format(error, "".join(traceback.format_exception(None, error, error.__traceback__)))
        os.write(2, text.encode("utf-8", "backslashreplace"))
    finally:
        os._exit(code)


def _exit_politely_on_sigterm(host: Host) -> None:
    """SIGTERM ends the host as the end of a program does: `finally` blocks and atexit run."""

    def on_sigterm(*_: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        host.close()
        raise SystemExit(128 + signal.SIGTERM)

    # Children have the default again. SIGTERM waits meanwhile: Python forgets one that comes at the moment of a fork,
    # and a pool that ends its workers would wait for them for ever.
    masks: List[Set[Any]] = []

    def before_fork() -> None:
        masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}))

    def in_parent() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, masks.pop())

    def in_child() -> None:
        if signal.getsignal(signal.SIGTERM) is on_sigterm:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        in_parent()

    signal.signal(signal.SIGTERM, on_sigterm)
    os.register_at_fork(before=before_fork, after_in_parent=in_parent, after_in_child=in_child)


def _flush_c_output_by_line() -> None:
    """C code keeps its output back until a buffer is full, and would lose it in a crash."""
    try:
        import ctypes

        libc = ctypes.CDLL(None)
        name = "__stdoutp" if sys.platform == "darwin" else "stdout"
        line_by_line = 1
        libc.setvbuf(ctypes.c_void_p.in_dll(libc, name), None, line_by_line, ctypes.c_size_t(0))
    except Exception:
        log.debug("the output of C code is not seen line by line", exc_info=True)


def _close(loop: HostLoop) -> None:
    """What asyncio.run does at its end."""
    try:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
