"""The event loop of the host: it knows which work a job has given to threads and processes."""

from __future__ import annotations

import asyncio
import concurrent.futures
from contextvars import ContextVar
from typing import Any, Optional, Set

Work = Set["concurrent.futures.Future[Any]"]

#: The unfinished work of the job in whose context the code runs; None outside a job.
current_work: "ContextVar[Optional[Work]]" = ContextVar("coda_current_work", default=None)


class HostLoop(asyncio.SelectorEventLoop):
    """Counts what goes through run_in_executor, and so through asyncio.to_thread."""

    _default_pool: Any = None

    def set_default_executor(self, executor: Any) -> None:
        super().set_default_executor(executor)
        self._default_pool = executor

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        work = current_work.get()
        if work is None:
            return super().run_in_executor(executor, func, *args)
        if executor is None:
            if self._default_pool is None:
                self.set_default_executor(concurrent.futures.ThreadPoolExecutor(thread_name_prefix="asyncio"))
            executor = self._default_pool
        future = executor.submit(func, *args)
        work.add(future)
        future.add_done_callback(work.discard)
        return asyncio.wrap_future(future, loop=self)
