"""What an executor is, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Protocol, runtime_checkable

from coda_node.server.ir import NativeGateIR

__all__ = ["ExecutionResult", "JobExecutor", "NoopExecutor"]


@dataclass(frozen=True)
class ExecutionResult:
    """How often each bitstring was measured, the time on the device, and the shots that were taken."""

    counts: Dict[str, int]
    execution_time_ms: float
    shots_completed: int


@runtime_checkable
class JobExecutor(Protocol):
    """Anything with this `run`."""

    async def run(self, ir: NativeGateIR, shots: int) -> ExecutionResult:
        """Runs the circuit."""


class NoopExecutor:
    """Measures zeros, whatever the circuit."""

    async def run(self, ir: NativeGateIR, shots: int) -> ExecutionResult:
        return ExecutionResult(counts={"0" * len(ir.measurements): shots}, execution_time_ms=0.0, shots_completed=shots)
