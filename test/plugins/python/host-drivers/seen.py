"""Writes down what an executor sees of each job, one line each: the same under every node. The shots are the job's number."""

import json
import os

from coda_node.server.executor import ExecutionResult

from describe import typed


def seen(ir):
    return [
        "{}.{}".format(type(ir).__module__, type(ir).__name__),
        repr(ir),
        typed(dict(ir.metadata)),
        [ir.metadata.source_hash, ir.metadata.compiled_at, ir.metadata.compiler_version, ir.metadata.optimization_level],
        typed([ir.version, ir.target, ir.num_qubits, ir.measurements]),
        [typed([op.gate.value, op.gate.name, str(op.gate), op.gate == op.gate.value, op.qubits, op.params]) for op in ir.gates],
        [sorted(ir.model_fields_set), sorted(ir.metadata.model_fields_set), [sorted(op.model_fields_set) for op in ir.gates]],
        typed(ir.model_dump()),
        typed(ir.model_dump(mode="json", exclude_unset=True)),
        ir.to_json(),
    ]


class Seeing:
    def __init__(self):
        self.file = open(os.environ["SEEN"], "w", encoding="utf-8", buffering=1)

    async def run(self, ir, shots):
        self.file.write(json.dumps([shots, type(shots).__name__, seen(ir)]) + "\n")
        return ExecutionResult({"0" * len(ir.measurements): shots}, 1.0, shots)


def create_executor():
    return Seeing()
