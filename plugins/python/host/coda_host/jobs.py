"""The runs of the executor: one task each, exactly one answer each."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import time
from typing import Any, Awaitable, Callable, Dict, List, Optional

from .ahead import Circuits
from .answers import error_fields, result_fields, result_list
from .loop import HostLoop, Work, current_work

log = logging.getLogger("coda")


class _Job:
    def __init__(self, turn: "asyncio.Future[Any]") -> None:
        self.id = ""
        #: Says what to run, when it may begin.
        self.turn = turn
        self.task: Any = None
        self.circuit: Any = None
        #: The cancel hook, if it is asynchronous.
        self.hook: Optional["asyncio.Task[None]"] = None
        self.end: Optional["asyncio.Task[None]"] = None
        #: What the run has given to threads and processes.
        self.work: Work = set()
        self.is_with_executor = False
        self.is_cancelled = False
        #: Its answer is on its way: a cancel comes too late.
        self.has_ended = False


class Jobs:
    def __init__(
        self,
        loop: HostLoop,
        executor: Any,
        circuits: Circuits,
        answer: Callable[[Dict[str, Any]], None],
        hear: Callable[[], None],
        broken: Callable[[BaseException], None],
    ) -> None:
        self._loop = loop
        self._executor = executor
        self._circuits = circuits
        self._answer = answer
        self._hear = hear
        self._broken = broken
        self._running: Dict[str, _Job] = {}
        #: The jobs that may begin one after another, each when the one before has ended, and until when.
        self._allowed: List[Dict[str, Any]] = []
        self._until = 0.0
        #: A run sees nothing that the one before it has set in its context.
        self._context = contextvars.copy_context()
        #: The host ends: what its end does to a run is no outcome of the job.
        self.is_stopping = False
        # A task takes long to make, and to free with its circuit: both are done during a run, and not between two.
        self._spare: Optional[_Job] = None
        self._ended: Optional[_Job] = None

    def run(self, head: Dict[str, Any], text: bytes) -> None:
        self._allowed = []
        self._run_next(head, text)

    def _run_next(self, head: Dict[str, Any], text: bytes) -> None:
        self._begin(head["id"], self._run, head, text)

    def batch(self, head: Dict[str, Any]) -> None:
        self._begin(head["id"], self._batch, head["jobs"])

    def allow(self, head: Dict[str, Any]) -> None:
        """The node may not have heard yet which of them has begun: what counts is what comes after that one."""
        order = [head["after"], *(job["id"] for job in head["jobs"])]
        place = next((index for index, job_id in enumerate(order) if job_id in self._running), len(order))
        self._allowed = head["jobs"][place:]
        self._until = head["until"]
        self._ended = None
        self._spare = self._spare or self._make()

    def cancel(self, job_id: str) -> None:
        job = self._running.get(job_id)
        if job is None or job.is_cancelled or job.has_ended:
            return
        job.is_cancelled = True
        self._allowed = []
        self._ended = None
        job.task.add_done_callback(lambda _: self._await_end(job))
        hook = getattr(self._executor, "cancel_current_job", None)
        if job.is_with_executor and callable(hook):
            try:
                asked = hook()
            except BaseException:
                self._hook_failed(job)
            else:
                if inspect.isawaitable(asked):
                    job.hook = self._loop.create_task(self._await_hook(job, asked))
                    return
        job.task.cancel()

    def _begin(self, job_id: str, run: Callable[..., Awaitable[Dict[str, Any]]], *args: Any) -> None:
        job = self._running[job_id] = self._spare or self._make()
        self._spare = None
        job.id = job_id
        job.turn.set_result((run, args))

    def _make(self) -> _Job:
        job = _Job(self._loop.create_future())
        job.task = self._context.run(self._loop.create_task, self._answered(job))
        return job

    async def _answered(self, job: _Job) -> None:
        current_work.set(job.work)
        run, args = await job.turn
        try:
            try:
                answer = await run(job, *args)
            except BaseException as error:
                if self.is_stopping:
                    raise
                answer = {"t": "error", "id": job.id, **error_fields(error)}
                if job.is_cancelled and not isinstance(error, asyncio.CancelledError):
                    log.info("the cancelled job %s ended with an error", job.id, exc_info=True)
            if job.is_cancelled:
                return
            job.has_ended = True
            following = None if "out_of_memory" in answer else self._following()
            del self._running[job.id]
            if following is None:
                self._ended = None
                self._answer(answer)
                return
            self._ended = job
            answer["next"] = following["id"]
            # The answer first: the next run may end the process.
            self._answer(answer)
            self._run_next(following, b"")
        except MemoryError as error:
            # Not even enough for an answer.
            self._broken(error)

    def _following(self) -> Optional[Dict[str, Any]]:
        """The job that begins now, if one may, and its circuit is here. If not, none may until the node says so again."""
        # The run may have blocked the loop, and the node may have changed its mind meanwhile.
        self._hear()
        allowed, self._allowed = self._allowed, []
        if not allowed or self.is_stopping or time.monotonic() * 1000 >= self._until:
            return None
        if not self._circuits.has(allowed[0]["circuit"]):
            return None
        self._allowed = allowed[1:]
        return allowed[0]

    async def _run(self, job: _Job, head: Dict[str, Any], text: bytes) -> Dict[str, Any]:
        circuit = job.circuit = self._circuits.parse(text) if text else await self._circuits.take(head["circuit"])
        job.is_with_executor = True
        value = self._executor.run(circuit, head["shots"])
        if inspect.isawaitable(value):
            value = await value
        return {"t": "result", "id": job.id, **result_fields(value)}

    async def _batch(self, job: _Job, entries: Any) -> Dict[str, Any]:
        jobs = [(await self._circuits.take(entry["circuit"]), entry["shots"]) for entry in entries]
        job.is_with_executor = True
        values = self._executor.batch_run(jobs)
        if inspect.isawaitable(values):
            values = await values
        return {"t": "results", "id": job.id, "list": result_list(values, len(jobs))}

    async def _await_hook(self, job: _Job, asked: Awaitable[Any]) -> None:
        try:
            await asked
        except BaseException:
            self._hook_failed(job)
        job.task.cancel()

    def _hook_failed(self, job: _Job) -> None:
        log.warning("cancel_current_job failed for job %s", job.id, exc_info=True)

    def _await_end(self, job: _Job) -> None:
        job.end = self._loop.create_task(self._end(job))

    async def _end(self, job: _Job) -> None:
        """Says that a cancelled run has ended, as soon as all of it has."""
        if job.hook is not None:
            await job.hook
        while job.work:
            await asyncio.gather(*map(asyncio.wrap_future, job.work.copy()), return_exceptions=True)
        del self._running[job.id]
        self._answer({"t": "ended", "id": job.id})
