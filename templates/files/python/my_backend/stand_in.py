"""Stands for your device until your driver is here: computes what a perfect one would measure, for a few qubits."""

from __future__ import annotations

import asyncio
import cmath
import math
import random
import time
from collections import Counter
from itertools import accumulate
from typing import Any, Callable

# The amplitude of each basis state, with its qubits from the left: "010".
State = dict[str, complex]

MOST_STATES = 2**12
SLICE_SEC = 0.01
SHOTS_AT_ONCE = 10_000


class StandIn:
    def __init__(self, host: str) -> None:
        self.host = host

    async def measure(self, ir: Any, shots: int) -> dict[str, int]:
        """How often each outcome was measured."""
        state: State = {"0" * ir.num_qubits: 1}
        slice_end = time.monotonic() + SLICE_SEC
        for op in ir.gates:
            state = applied(state, str(op.gate), op.qubits, op.params)
            if len(state) > MOST_STATES:
                raise RuntimeError("the circuit is too large for the stand-in")
            # Cancels arrive on the event loop: it is free again every few milliseconds.
            if time.monotonic() > slice_end:
                await asyncio.sleep(0)
                slice_end = time.monotonic() + SLICE_SEC
        keys = ["".join(bits[qubit] for qubit in ir.measurements) for bits in state]
        weights = list(accumulate(abs(amplitude) ** 2 for amplitude in state.values()))
        counts: Counter[str] = Counter()
        while shots > 0:
            some = min(shots, SHOTS_AT_ONCE)
            counts.update(random.choices(keys, cum_weights=weights, k=some))
            shots -= some
            await asyncio.sleep(0)
        return dict(counts)


def applied(state: State, gate: str, qubits: list[int], params: list[float]) -> State:
    a = qubits[0]
    angle = params[0] if params else 0.0
    if gate == "id":
        return state
    if gate == "x90":
        return applied(state, "rx", qubits, [math.pi / 2])
    if gate == "y_minus_90":
        return applied(state, "ry", qubits, [-math.pi / 2])
    if gate == "rx":
        return turned(state, a, -1j * math.sin(angle / 2), -1j * math.sin(angle / 2), math.cos(angle / 2))
    if gate == "ry":
        return turned(state, a, math.sin(angle / 2), -math.sin(angle / 2), math.cos(angle / 2))
    if gate in ("rz", "virtual_z"):
        return moved(state, lambda bits: (bits, angle / 2 if bits[a] == "1" else -angle / 2))
    b = qubits[1]
    if gate in ("cz", "cp"):
        phase = math.pi if gate == "cz" else angle
        return moved(state, lambda bits: (bits, phase if bits[a] == bits[b] == "1" else 0))
    if gate == "cnot":
        return moved(state, lambda bits: (flipped(bits, b) if bits[a] == "1" else bits, 0))
    if gate == "iswap":
        return moved(state, lambda bits: (bits, 0) if bits[a] == bits[b] else (flipped(flipped(bits, a), b), math.pi / 2))
    raise RuntimeError(f"the stand-in knows no gate {gate}")


def moved(state: State, to: Callable[[str], tuple[str, float]]) -> State:
    """Each basis state becomes another one, with a phase in radians."""
    new: State = {}
    for bits, amplitude in state.items():
        other, phase = to(bits)
        new[other] = amplitude * cmath.exp(1j * phase)
    return new


def turned(state: State, qubit: int, up: complex, down: complex, stay: float) -> State:
    """A turn of one qubit: the amplitudes for 0 to become 1, for 1 to become 0, and to stay."""
    new: State = {}
    for bits, amplitude in state.items():
        new[bits] = new.get(bits, 0) + amplitude * stay
        other = flipped(bits, qubit)
        new[other] = new.get(other, 0) + amplitude * (up if bits[qubit] == "0" else down)
    return {bits: amplitude for bits, amplitude in new.items() if abs(amplitude) > 1e-10}


def flipped(bits: str, qubit: int) -> str:
    return bits[:qubit] + ("1" if bits[qubit] == "0" else "0") + bits[qubit + 1 :]
