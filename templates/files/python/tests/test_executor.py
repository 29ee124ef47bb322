"""What is special about this executor. What a node asks of every one is checked by `coda executor check`."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from my_backend.device import read_device
from my_backend.executor_factory import create_executor

SETTINGS = SimpleNamespace(device_config="site/device.yaml")


def circuit(target="cz", gates=(), measurements=(0, 1)):
    ops = [SimpleNamespace(gate=gate, qubits=qubits, params=params) for gate, qubits, params in gates]
    return SimpleNamespace(target=target, num_qubits=2, gates=ops, measurements=list(measurements))


def test_bits_are_in_the_order_of_the_measurements():
    flip = [("rx", [0], [3.141592653589793])]
    executor = create_executor(SETTINGS)
    assert asyncio.run(executor.run(circuit(gates=flip), 100)).counts == {"10": 100}
    assert asyncio.run(executor.run(circuit(gates=flip, measurements=[1, 0]), 100)).counts == {"01": 100}


def test_a_circuit_with_the_gates_of_another_device_is_refused():
    with pytest.raises(RuntimeError, match="the gates of other"):
        asyncio.run(create_executor(SETTINGS).run(circuit(target="other"), 100))


def test_a_coupler_to_a_qubit_that_does_not_exist_is_refused(tmp_path: Path):
    file = tmp_path / "device.yaml"
    file.write_text("host: 127.0.0.1\ntarget: cz\nqubits: 2\ncouplers: [[1, 2]]\n")
    with pytest.raises(ValueError, match="couplers in .* from 0 to 1"):
        read_device(file)


def test_a_device_file_that_is_no_yaml_is_named(tmp_path: Path):
    file = tmp_path / "device.yaml"
    file.write_text("qubits: [2\n")
    with pytest.raises(yaml.YAMLError, match="device.yaml"):
        read_device(file)
