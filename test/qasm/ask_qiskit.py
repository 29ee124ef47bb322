"""What Qiskit computes, for test/qasm/qiskit.test.ts.

Reads programs as JSON from standard input, [[version, text], ...], and writes one JSON document:
`read`: the unitary of each as Qiskit reads it; `written`: programs that Qiskit's exporters write of its standard gates,
with their unitaries. A unitary is a flat list, row by row: re, im, re, im, ...
"""

import json
import random
import sys

from qiskit import QuantumCircuit, qasm2, qasm3
from qiskit.circuit import Barrier
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Operator

LOADS = {2: qasm2.loads, 3: qasm3.loads}
DUMPS = {2: qasm2.dumps, 3: qasm3.dumps}
NO_GATES = {"delay", "measure", "reset"}


def unitary(circuit):
    circuit.remove_final_measurements()
    return [round(part, 13) for row in Operator(circuit).data for entry in row for part in (entry.real, entry.imag)]


def loaded(version, text):
    if version == 2:
        return qasm2.loads(text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    return qasm3.loads(text)


def gates():
    """Every standard gate of Qiskit with angles of its own."""
    for name, gate in get_standard_gate_name_mapping().items():
        if name not in NO_GATES:
            yield name, type(gate), len(gate.params), gate.num_qubits


def circuits(randomness):
    known = list(gates())
    for name, make, params, qubits in known:
        circuit = QuantumCircuit(max(qubits, 1), 1)
        circuit.append(make(*[randomness.uniform(-7, 7) for _ in range(params)]), range(qubits))
        circuit.measure(0, 0)
        yield name, circuit
    for k in range(40):
        qubits = randomness.randint(2, 4)
        circuit = QuantumCircuit(qubits, qubits)
        for _ in range(12):
            _, make, params, width = randomness.choice([gate for gate in known if gate[3] <= qubits])
            gate = make(*[randomness.uniform(-7, 7) for _ in range(params)])
            circuit.append(gate, randomness.sample(range(qubits), width))
        circuit.append(Barrier(qubits), range(qubits))
        circuit.measure(range(qubits), range(qubits))
        yield f"random {k}", circuit


def main():
    programs = json.load(sys.stdin)
    read = [unitary(loaded(version, text)) for version, text in programs]
    written = []
    for name, circuit in circuits(random.Random(20260101)):
        for version, dumps in DUMPS.items():
            try:
                text = dumps(circuit)
            except qasm2.QASM2ExportError:
                # What the exporter itself cannot write, such as a gate without qubits.
                continue
            written.append({"name": name, "version": version, "text": text, "unitary": unitary(circuit.copy())})
    json.dump({"read": read, "written": written}, sys.stdout)


main()
