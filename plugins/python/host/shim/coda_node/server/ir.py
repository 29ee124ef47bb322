"""Circuits as executors get them: models of JSON that the cloud sends."""

from __future__ import annotations

from enum import Enum
from itertools import chain
from typing import Any, ClassVar, Dict, Optional, Set

from coda_node._model import Field, Model
from coda_node._validation import Check, Location, between, list_of, literally, number, one_of, text, whole

__all__ = ["GATE_SPECS", "LEGAL_GATES", "GateOp", "IRMetadata", "NativeGate", "NativeGateIR"]


class NativeGate(str, Enum):
    """The gates. A member is equal to its text, and prints as it."""

    RX = "rx"
    RY = "ry"
    RZ = "rz"
    CZ = "cz"
    ISWAP = "iswap"
    CP = "cp"
    ID = "id"
    X90 = "x90"
    Y_MINUS_90 = "y_minus_90"
    VIRTUAL_Z = "virtual_z"
    CNOT = "cnot"

    __str__ = str.__str__
    __format__ = str.__format__


def _spec(qubits: int, params: int) -> Dict[str, int]:
    return {"qubits": qubits, "params": params}


GATE_SPECS: Dict[str, Dict[str, int]] = {
    "rx": _spec(1, 1),
    "ry": _spec(1, 1),
    "rz": _spec(1, 1),
    "cz": _spec(2, 0),
    "iswap": _spec(2, 0),
    "cp": _spec(2, 1),
    "id": _spec(1, 1),
    "x90": _spec(1, 0),
    "y_minus_90": _spec(1, 0),
    "virtual_z": _spec(1, 1),
    "cnot": _spec(2, 0),
}

LEGAL_GATES: Dict[str, Set[str]] = {
    "cz": {"rx", "ry", "rz", "cz", "id"},
    "iswap": {"rx", "ry", "rz", "iswap", "id"},
    "pcz": {"rx", "ry", "rz", "cp", "id"},
    "cnot": {"rx", "ry", "rz", "x90", "y_minus_90", "virtual_z", "cnot", "id"},
}


class GateOp(Model):
    """One gate, its qubits and its parameters."""

    model_fields: ClassVar[Dict[str, Field]] = {
        "gate": Field(one_of(NativeGate)),
        "qubits": Field(list_of(whole)),
        "params": Field(list_of(number), list),
    }

    def _check_rules(self) -> None:
        gate = self.gate.value
        spec = GATE_SPECS.get(gate, {})
        for what, word in (("qubits", "qubit(s)"), ("params", "param(s)")):
            got = len(getattr(self, what))
            if got != spec.get(what, got):
                raise ValueError("Gate {} requires {} {}, got {}".format(gate, spec[what], word, got))


class IRMetadata(Model):
    """Where a circuit comes from."""

    model_fields: ClassVar[Dict[str, Field]] = {
        "source_hash": Field(text),
        "compiled_at": Field(text),
        "compiler_version": Field(text, lambda: "0.1.0"),
        "optimization_level": Field(between(0, 3), lambda: 2),
    }


def _target(value: Any, where: Location, check: Check) -> Any:
    target = text(value, where, check)
    if target is not None and target not in LEGAL_GATES:
        rule = ValueError("Unknown target '{}'. Valid: {}".format(target, list(LEGAL_GATES)))
        check.broken_rule(where, rule, value)
    return target


class NativeGateIR(Model):
    """A circuit whose gates its target allows, on qubits that it has."""

    model_fields: ClassVar[Dict[str, Field]] = {
        "version": Field(literally("1.0"), lambda: "1.0"),
        "target": Field(_target),
        "num_qubits": Field(between(1, 50)),
        "gates": Field(list_of(GateOp._read)),
        "measurements": Field(list_of(whole)),
        "metadata": Field(IRMetadata._read),
    }

    def _check_rules(self) -> None:
        legal = LEGAL_GATES[self.target]
        qubits = range(self.num_qubits)
        for index, op in enumerate(self.gates):
            if op.gate.value not in legal:
                raise ValueError(
                    "Gate '{}' not legal for target '{}' at index {}".format(op.gate.value, self.target, index)
                )
            for qubit in op.qubits:
                if qubit not in qubits:
                    raise ValueError(
                        "Qubit {} out of range [0, {}) at gate index {}".format(qubit, self.num_qubits, index)
                    )
        for qubit in self.measurements:
            if qubit not in qubits:
                raise ValueError("Measurement qubit {} out of range [0, {})".format(qubit, self.num_qubits))

    @classmethod
    def from_json(cls, json_str: str) -> NativeGateIR:
        return cls.model_validate_json(json_str)

    def to_json(self) -> str:
        return self.model_dump_json(indent=2)

    @classmethod
    def _quickly_made(cls, value: Any) -> Optional[NativeGateIR]:
        try:
            # All but the gates is small, and read as always.
            made = cls._validated({**value, "gates": []}, is_json=True)
            ops = _ops(value["gates"], LEGAL_GATES[made.target], made.num_qubits)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
            return None
        if ops is None:
            return None
        made.gates = ops
        return made


def _ops(gates: Any, legal: Set[str], num_qubits: Any) -> Any:
    """The gates of a large circuit, checked all at once; None if any of them is wrong or unusual."""
    if type(gates) is not list or not gates or not {dict}.issuperset(map(type, gates)):
        return None
    names = [gate["gate"] for gate in gates]
    qubits = [gate["qubits"] for gate in gates]
    params = [gate["params"] for gate in gates]
    if not {list}.issuperset(map(type, chain(qubits, params))) or not {3}.issuperset(map(len, gates)):
        return None
    allowed = {(name, GATE_SPECS[name]["qubits"], GATE_SPECS[name]["params"]) for name in legal}
    if not allowed.issuperset(zip(names, map(len, qubits), map(len, params))):
        return None
    indices = list(chain.from_iterable(qubits))
    if not {int}.issuperset(map(type, indices)) or min(indices) < 0 or max(indices) >= num_qubits:
        return None
    kinds = set(map(type, chain.from_iterable(params)))
    if not kinds <= {float, int}:
        return None
    if int in kinds:
        for gate in gates:
            gate["params"] = list(map(float, gate["params"]))
    # What JSON gave for a gate has exactly its fields, and becomes the object's own.
    new, put, members = GateOp.__new__, object.__setattr__, {gate.value: gate for gate in NativeGate}
    ops = []
    for gate in gates:
        gate["gate"] = members[gate["gate"]]
        op = new(GateOp)
        put(op, "__dict__", gate)
        ops.append(op)
    return ops
