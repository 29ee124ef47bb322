"""Circuits that the node sends ahead of their run, and pings: read by a thread, beside the executor."""

from __future__ import annotations

import asyncio
import faulthandler
import signal
import sys
import threading
from typing import Any, Callable, Dict, Tuple

from .descriptors import AHEAD, PONGS, end_group
from .frames import Descriptor, FrameReader, write_frame

_CHUNK = 1 << 18
#: Such a circuit takes a millisecond or more.
_LONG = 1 << 14
#: Seconds; Python has 0.005.
_SHORT_INTERVAL = 0.0005


class Circuits:
    """Parsed circuits by their name. What could not be parsed is kept as its error."""

    def __init__(self, loop: asyncio.AbstractEventLoop, broken: Callable[[BaseException], None]) -> None:
        self._loop = loop
        self._broken = broken
        self._parse: Any = None
        self._ready: Dict[str, Any] = {}
        self._texts: Dict[str, bytes] = {}
        self._awaited: Dict[str, "asyncio.Future[Any]"] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        threading.Thread(target=self._read, name="coda-circuits", daemon=True).start()

    def parse_with(self, parse: Callable[[bytes], Any]) -> None:
        """From now on circuits are parsed as they come. Earlier ones are parsed when they are taken."""
        self._parse = parse

    def parse(self, text: bytes) -> Any:
        return self._parse(text)

    async def take(self, name: str) -> Any:
        """The circuit, at once if it is here. Raises what its parsing raised."""
        # Without the lock if it is here, as between two runs.
        found = self._ready.pop(name, None)
        if found is None:
            with self._lock:
                found = self._ready.pop(name, None)
                text = self._texts.pop(name, None)
                if found is None and text is None:
                    awaited = self._awaited[name] = self._loop.create_future()
            if text is not None:
                return self._parse(text)
            if found is None:
                try:
                    found = await awaited
                finally:
                    self._awaited.pop(name, None)
        if isinstance(found, _Failed):
            raise found.error
        return found

    def has(self, name: str) -> bool:
        return name in self._ready

    def _put(self, name: str, text: bytes) -> None:
        if self._parse is None:
            with self._lock:
                self._texts[name] = text
            return
        try:
            circuit = self._parse_beside(text)
        except BaseException as error:
            circuit = _Failed(error)
        with self._lock:
            awaited = self._awaited.pop(name, None)
            if awaited is None:
                self._ready[name] = circuit
                return
        self._loop.call_soon_threadsafe(_settle, awaited, circuit)

    def _parse_beside(self, text: bytes) -> Any:
        """The driver's loop, which may be at work, does not wait 5 ms for its turn."""
        if len(text) < _LONG:
            return self._parse(text)
        interval = sys.getswitchinterval()
        sys.setswitchinterval(min(interval, _SHORT_INTERVAL))
        try:
            return self._parse(text)
        finally:
            sys.setswitchinterval(interval)

    def _forget(self, name: str) -> None:
        with self._lock:
            self._ready.pop(name, None)
            self._texts.pop(name, None)

    def _read(self) -> None:
        # Signals are the main thread's.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        descriptor = Descriptor(AHEAD, _CHUNK)
        reader = FrameReader()
        try:
            while True:
                chunk = descriptor.read()
                if not chunk:
                    end_group()
                for frame in reader.feed(chunk):
                    self._take_in(frame)
        except BaseException as error:
            self._broken(error)

    def _take_in(self, frame: Tuple[Dict[str, Any], bytes]) -> None:
        head, body = frame
        kind = head["t"]
        if kind == "circuit":
            self._put(head["id"], body)
        elif kind == "forget":
            self._forget(head["id"])
        elif kind == "ping":
            write_frame(PONGS, {"t": "pong", "n": head["n"]})
        elif kind == "where":
            faulthandler.dump_traceback(all_threads=True)


class _Failed:
    def __init__(self, error: BaseException) -> None:
        self.error = error


def _settle(awaited: "asyncio.Future[Any]", circuit: Any) -> None:
    if not awaited.done():
        awaited.set_result(circuit)
