"""What the node calls: makes the executor of this device."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from my_backend.device import Device, read_device
from my_backend.stand_in import StandIn


@dataclass(frozen=True)
class Result:
    """`counts`: how often each outcome was measured; one bit for each entry of `ir.measurements`."""

    counts: dict[str, int]
    execution_time_ms: float
    shots_completed: int


class Executor:
    """Runs one circuit at a time."""

    def __init__(self, device: Device) -> None:
        self.device = device
        # Put your driver here.
        self._driver = StandIn(device.host)

    async def run(self, ir: Any, shots: int) -> Result:
        if ir.target != self.device.target:
            raise RuntimeError(f"the circuit has the gates of {ir.target}, and the device those of {self.device.target}")
        if ir.num_qubits > self.device.qubits:
            raise RuntimeError(f"the circuit has {ir.num_qubits} qubits, and the device {self.device.qubits}")
        begin = time.perf_counter()
        # A cancel ends this task here, with an asyncio.CancelledError: leave the device in order and let it pass.
        counts = await self._driver.measure(ir, shots)
        return Result(counts, (time.perf_counter() - begin) * 1000, shots)
    # #if batch

    async def batch_run(self, jobs: list[tuple[Any, int]]) -> list[Result]:
        """Several jobs in one go: one result for each, in their order."""
        # Put one call of your driver here, if it takes several circuits at once.
        return [await self.run(ir, shots) for ir, shots in jobs]
    # #endif


def create_executor(settings: Any) -> Executor:
    """Called once a start, with the settings of the node."""
    return Executor(read_device(Path(settings.device_config or "site/device.yaml")))
