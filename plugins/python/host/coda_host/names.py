"""The names of `coda_node` that drivers import: from the installed package if there is one, else from the shim."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import logging
import sys
from typing import Any, Dict

_LARGE = 1 << 16


class Names:
    """Where `coda_node` comes from, and what the host itself needs of it."""

    def __init__(self, shim_folder: str) -> None:
        self.source = "shim"
        place = 1  # after the working directory
        if _is_installed():
            try:
                importlib.import_module("coda_node.server.ir")
                self.source = "installed " + str(getattr(sys.modules["coda_node"], "__version__", "(no version)"))
            except Exception:
                logging.getLogger("coda").warning(
                    "the installed package coda-node cannot be imported; the node's own classes take its place",
                    exc_info=True,
                )
                for name in [name for name in sys.modules if name.partition(".")[0] == "coda_node"]:
                    del sys.modules[name]
                place = 0
        if self.source == "shim":
            sys.path.insert(place, shim_folder)
            importlib.import_module("coda_node.server.ir")
        self._ir = sys.modules["coda_node.server.ir"]

    def parse(self, text: bytes) -> Any:
        if len(text) < _LARGE or not gc.isenabled():
            return self._ir.NativeGateIR.model_validate_json(text)
        # Half of the time would go into looks for garbage among objects that are all in use.
        gc.disable()
        try:
            return self._ir.NativeGateIR.model_validate_json(text)
        finally:
            gc.enable()

    def settings(self, values: Dict[str, Any]) -> Any:
        """Settings with these values, without a look at files and the environment."""
        settings_class = importlib.import_module("coda_node.server.config").Settings
        known = {name: value for name, value in values.items() if name in settings_class.model_fields}
        return settings_class.model_construct(**known)


def _is_installed() -> bool:
    try:
        spec = importlib.util.find_spec("coda_node")
    except (ImportError, ValueError):
        return False
    # Without an origin it is a folder of that name without code.
    return spec is not None and spec.origin is not None
