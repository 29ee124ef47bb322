"""Settings as a factory gets them. They have the node's values; nothing is read from files or the environment."""

from __future__ import annotations

import copy
import tempfile
from typing import Any, Dict, List

__all__ = ["Settings"]

_DEFAULTS: Dict[str, Any] = {
    "qpu_id": "",
    "qpu_display_name": "",
    "native_gate_set": "cz",
    "num_qubits": 5,
    "redis_url": "",
    "jwt_private_key": "",
    "jwt_key_id": "",
    "webapp_url": "https://coda.conductorquantum.com",
    "webhook_path": "/api/internal/qpu/webhook",
    "connect_path": "/api/internal/qpu/connect",
    "heartbeat_path": "/api/internal/qpu/heartbeat",
    "host": "0.0.0.0",
    "port": 8080,
    "vpn_required": True,
    "vpn_check_interval_sec": 10,
    "vpn_probe_targets": [],
    "vpn_interface_hint": None,
    "allow_degraded_startup": False,
    "node_token": "",
    "node_timeout_sec": 15,
    "node_machine_fingerprint": "",
    "node_auto_vpn": True,
    "node_vpn_profile_path": tempfile.gettempdir() + "/coda-node.ovpn",
    "node_connect_headers": {},
    "node_connect_retries": 3,
    "shutdown_drain_timeout_sec": 30,
    "heartbeat_interval_sec": 30,
    "executor_factory": "",
    "device_config": "",
    "advertised_provider": "coda",
}

#: Not shown when settings are printed.
_SECRET = {"redis_url", "jwt_private_key", "node_token", "node_connect_headers"}


class Settings:
    """Every setting of the original, as an attribute."""

    #: The names of all settings, with their defaults.
    model_fields = _DEFAULTS

    #: What the node runs with. A driver that makes Settings of its own starts from the same.
    _of_this_node: Dict[str, Any] = {}

    def __init__(self, **values: Any) -> None:
        for name in values:
            if name not in _DEFAULTS:
                raise ValueError("there is no setting {!r}".format(name))
        vars(self).update(copy.deepcopy({**_DEFAULTS, **Settings._of_this_node, **values}))

    @classmethod
    def model_construct(cls, **values: Any) -> Settings:
        Settings._of_this_node = {name: value for name, value in values.items() if name in _DEFAULTS}
        return cls()

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in _DEFAULTS:
            raise ValueError('"Settings" object has no field "{}"'.format(name))
        vars(self)[name] = value

    def model_dump(self, **_: Any) -> Dict[str, Any]:
        return copy.deepcopy(vars(self))

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if isinstance(other, Settings) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ("{}={!r}".format(name, "***" if value and name in _SECRET else value) for name, value in vars(self).items())
        return "Settings({})".format(", ".join(shown))

    @property
    def callback_url(self) -> str:
        return self.webapp_url + self.webhook_path

    @property
    def connect_url(self) -> str:
        return self.webapp_url + self.connect_path

    @property
    def heartbeat_url(self) -> str:
        return self.webapp_url + self.heartbeat_path

    @property
    def vpn_probe_urls(self) -> List[str]:
        if self.vpn_probe_targets or not self.vpn_required:
            return list(self.vpn_probe_targets)
        return [self.webapp_url + "/api/internal/qpu/health"]
