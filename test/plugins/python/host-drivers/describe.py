"""Writes down everything that an executor can see of a circuit: the same with every coda_node."""

import copy
import inspect
import json
import os
import pickle
from collections import deque
from decimal import Decimal
from fractions import Fraction

from coda_node.server import ir as module
from coda_node.server.config import Settings
from coda_node.server.executor import ExecutionResult, NoopExecutor
from coda_node.server.ir import GATE_SPECS, LEGAL_GATES, GateOp, IRMetadata, NativeGate, NativeGateIR


def typed(value):
    """A value with the types of all its parts."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(typed, value)]
    return "{} {!r}".format(type(value).__name__, value)


def circuit(ir):
    again = NativeGateIR.model_validate_json(ir.model_dump_json())
    changed = ir.model_copy(deep=True)
    changed.num_qubits += 1
    shallow = ir.model_copy(update={"target": "other"})
    return [
        type(ir).__name__,
        repr(ir),
        str(ir),
        [typed([op.gate.value, op.gate.name, str(op.gate), op.qubits, op.params]) for op in ir.gates],
        [[op.gate == "rx", op.gate is NativeGate.RX, op.gate in GATE_SPECS, op == GateOp(**dict(op))] for op in ir.gates],
        [sorted(op.model_fields_set) for op in ir.gates],
        typed([ir.version, ir.target, ir.num_qubits, ir.measurements, ir.metadata.compiler_version]),
        typed(dict(ir.metadata)),
        [sorted(ir.model_fields_set), sorted(ir.metadata.model_fields_set)],
        typed(ir.model_dump()),
        typed(ir.model_dump(mode="json")),
        typed(ir.model_dump(exclude_unset=True)),
        typed(ir.model_dump(exclude_defaults=True)),
        typed(ir.model_dump(exclude={"gates": {"__all__": {"params"}}, "metadata": True})),
        typed(ir.model_dump(include={"gates": {0: {"gate", "qubits"}}, "target": ...})),
        ir.model_dump_json(),
        ir.to_json(),
        ir.model_dump_json(indent=4, exclude={"metadata"}),
        [again == ir, changed == ir, shallow == ir, shallow.gates is ir.gates, ir == ir.model_dump()],
        [pickle.loads(pickle.dumps(ir)) == ir, copy.deepcopy(ir) == ir, NativeGateIR.from_json(ir.to_json()) == ir],
        [NativeGateIR.model_validate(ir.model_dump()) == ir, NativeGateIR.model_validate(ir) is ir],
        repr(NativeGateIR.model_construct(**dict(ir))) == repr(ir),
        list(vars(ir)) == [name for name, _ in ir],
    ]


def outcome(make):
    """What comes of it, or the errors that it raises."""
    try:
        made = make()
    except ValueError as error:
        if not hasattr(error, "errors"):
            return ["ValueError", str(error)]
        # The text of broken JSON is each parser's own.
        found = [
            [entry["type"], list(entry["loc"]), "" if entry["type"] == "json_invalid" else entry["msg"]]
            for entry in error.errors()
        ]
        first = str(error).split("\n")
        return [found, first[0], error.error_count(), isinstance(error, ValueError)]
    except Exception as error:
        return [type(error).__name__]
    return typed(made.model_dump() if hasattr(made, "model_dump") else made)


def odd():
    """Values that a driver could put into a model itself, right and wrong ones."""
    values = [
        0, 1, -1, 3, 4, 51, True, 1.0, 1.5, float("inf"), float("nan"), 1e300, 10**30, "1", " 2 ", "2.0", "x", "", b"1",
        None, [], {}, (), Decimal("1"), Decimal("1.5"), Fraction(1), Fraction(1, 2), 1j, object, NativeGate.RX, "rx",
        "RX", "1.0", "cz", "1_0", "1e2", "+1", "-0", "٣", "0x1", ".5", "5.", "nan", "inf", "1__0", "_1",
    ]  # fmt: skip
    lists = [
        [0], (0,), {0}, deque([0]), frozenset([0]), {0: 1}.keys(), {1: 0}.values(), (q for q in [0]), range(1), "0", b"0",
        iter([0]), {0: 1}, [0, 0], [True], ["0"], [1.0], [0.5], [None],
    ]  # fmt: skip
    good = {"source_hash": "a", "compiled_at": "b"}
    for value in values:
        yield outcome(lambda: GateOp(gate=value, qubits=[0], params=[1]))
        yield outcome(lambda: GateOp(gate="rx", qubits=[value], params=[1]))
        yield outcome(lambda: GateOp(gate="rx", qubits=[0], params=[value]))
        yield outcome(lambda: GateOp(gate="cz", qubits=value))
        yield outcome(lambda: IRMetadata(source_hash=value, compiled_at="b"))
        yield outcome(lambda: IRMetadata(**good, optimization_level=value))
        yield outcome(lambda: NativeGateIR.model_validate(value))
        base = {"target": "cz", "num_qubits": 2, "gates": [], "measurements": [], "metadata": good}
        for name in ["version", *base]:
            yield outcome(lambda: NativeGateIR(**{**base, name: value}))
            rest = {key: item for key, item in base.items() if key != name}
            yield outcome(lambda: NativeGateIR(**rest))
    for qubits in lists:
        yield outcome(lambda: GateOp(gate="rx", qubits=qubits, params=[1]))
    yield outcome(lambda: setattr(GateOp(gate="cz", qubits=[0, 1]), "angle", 1))
    yield outcome(lambda: hash(GateOp(gate="cz", qubits=[0, 1])))
    yield outcome(lambda: GateOp(gate="cz", qubits=[0, 1]).angle)
    op = GateOp(gate="cz", qubits=[0, 1])
    op.params = [1]
    yield typed(op.model_dump())
    yield sorted(op.model_fields_set)
    yield outcome(lambda: NativeGateIR(**{**base, "gates": [op], "metadata": IRMetadata(**good)}))
    yield outcome(lambda: NativeGateIR(**{**base, "extra": 1}))


def names():
    settings = Settings.model_construct(num_qubits=3)
    result = ExecutionResult({"0": 1}, 1.0, 1)
    return [
        [sorted(module.__all__), {name: sorted(gates) for name, gates in LEGAL_GATES.items()}, GATE_SPECS],
        [typed(member) for member in NativeGate],
        [sorted(Settings.model_fields), typed(settings.model_dump()), sorted(NativeGateIR.model_fields)],
        [settings.callback_url, settings.connect_url, settings.heartbeat_url, settings.vpn_probe_urls],
        [repr(result), result == ExecutionResult({"0": 1}, 1.0, 1), str(inspect.signature(ExecutionResult))[:7]],
        [len(inspect.signature(NoopExecutor().run).parameters)],
    ]


class Describing:
    def __init__(self):
        self.file = open(os.environ["DESCRIBE_TO"], "w", encoding="utf-8")

    def write(self, value):
        self.file.write(json.dumps(value) + "\n")

    async def run(self, ir, shots):
        self.write(circuit(ir))
        return {"counts": {}, "execution_time_ms": 0, "shots_completed": 0}

    async def batch_run(self, jobs):
        """Describes everything that does not come with a job."""
        with open(os.environ["DESCRIBE_TEXTS"], encoding="utf-8") as texts:
            for text in texts:
                self.write([text, outcome(lambda: NativeGateIR.model_validate_json(text))])
                try:
                    value = json.loads(text)
                except ValueError:
                    continue
                self.write([text, outcome(lambda: NativeGateIR.model_validate(value))])
        for description in [*odd(), *names()]:
            self.write(description)
        self.file.flush()
        return []
