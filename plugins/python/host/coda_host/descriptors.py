"""The descriptors of the protocol, and the guard: a small process that ends the group if the node or the host dies."""

from __future__ import annotations

import os
import select
import signal

CONTROL, ANSWERS, AHEAD, PONGS = 3, 4, 5, 6

_host = os.getpid()


def claim() -> None:
    """Keeps the descriptors from what the driver starts, and starts the guard. Called before there are threads."""
    for fd in (CONTROL, ANSWERS, AHEAD, PONGS):
        os.set_inheritable(fd, False)
        os.set_blocking(fd, fd != CONTROL)
    if os.getpgrp() != os.getpid():
        os.setsid()
    alive = _start_guard()
    os.register_at_fork(after_in_child=lambda: _disown(alive))


def end_group() -> None:
    """Ends the host and whatever runs in its group, at once. A forked child that came here by mistake ends alone."""
    if os.getpid() == _host:
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(137)


def _disown(alive: int) -> None:
    # /dev/null takes their place: if a forked child returns into our code, its answers go nowhere.
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (CONTROL, ANSWERS, AHEAD, PONGS, alive):
        os.dup2(null, fd, inheritable=False)
    os.close(null)


def _start_guard() -> int:
    """The returned descriptor stays open as long as the host lives."""
    gone, alive = os.pipe()
    child = os.fork()
    if child == 0:
        # Twice, so that the guard is no child of the host: a driver may wait for all its children.
        try:
            if os.fork() == 0:
                os.close(alive)
                _guard(gone)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(gone)
    return alive


def _guard(gone: int) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2, CONTROL, ANSWERS, AHEAD):
        os.dup2(null, fd)
    watch = select.poll()
    watch.register(gone, 0)
    # The node never writes here; if it is gone, the other end is closed.
    watch.register(PONGS, 0)
    watch.poll()
    os.killpg(os.getpgrp(), signal.SIGKILL)
