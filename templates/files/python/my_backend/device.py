"""What site/device.yaml says, checked: the rules are those of site/device.schema.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

TARGETS = ("cz", "iswap", "pcz", "cnot")


@dataclass(frozen=True)
class Device:
    """`directed_edges` is what the node reports to the cloud."""

    host: str
    target: str
    qubits: int
    directed_edges: list[list[int]]


def read_device(path: Path) -> Device:
    """Raises an error that says what is wrong in which file: a YAMLError, or a ValueError."""
    with path.open(encoding="utf-8") as file:
        found = yaml.safe_load(file) or {}

    def check(key: str, rule: Any, fault: str) -> Any:
        if not isinstance(found, dict) or key not in found or not rule(found[key]):
            raise ValueError(f"{key} in {path} must be {fault}")
        return found[key]

    qubits = check("qubits", lambda value: type(value) is int and value > 0, "a whole number above 0")

    def is_edge(pair: Any) -> bool:
        return (
            isinstance(pair, list)
            and len(pair) == 2
            and all(type(qubit) is int and 0 <= qubit < qubits for qubit in pair)
            and pair[0] != pair[1]
        )

    return Device(
        host=check("host", lambda value: isinstance(value, str) and value, "the address of the device"),
        target=check("target", lambda value: value in TARGETS, f"one of {', '.join(TARGETS)}"),
        qubits=qubits,
        directed_edges=check(
            "couplers",
            lambda value: isinstance(value, list) and all(map(is_edge, value)),
            f"a list of pairs of different qubits, from 0 to {qubits - 1}",
        ),
    )
