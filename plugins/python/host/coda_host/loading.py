"""Finds and makes the executor: what a name means, which packages offer one, what is wrong if there is none."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import os
import shlex
import sys
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Set

from .answers import error_fields, message_of

if TYPE_CHECKING:
    from importlib.metadata import Distribution

FACTORY_MODULE = "executor_factory"
FACTORY_NAME = "create_executor"


class StartError(Exception):
    """The executor cannot be made; `stage` says how far it came."""

    def __init__(self, stage: str, error: BaseException, hint: Optional[str] = None) -> None:
        super().__init__(message_of(error))
        self.stage = stage
        self.error = error
        self.hint = hint

    def fields(self) -> Dict[str, Any]:
        fields: Dict[str, Any] = {"stage": self.stage, "hint": self.hint, **error_fields(self.error)}
        if isinstance(self.error, ModuleNotFoundError) and self.error.name:
            fields["missing"] = self.error.name
        return fields


def target_of(name: str) -> Any:
    """What `module:attribute` means: a factory, or an executor."""
    module_name, colon, attribute = name.partition(":")
    if not colon or not module_name or not attribute:
        wrong = ValueError("{!r} is not like 'package.module:factory'".format(name))
        raise StartError("name", wrong, "Write the module, a colon, and the factory: my_qpu.executor_factory:create_executor")
    try:
        module = importlib.import_module(module_name)
    except BaseException as error:
        raise StartError("import", error, _import_hint(module_name, error)) from error
    try:
        target = getattr(module, attribute)
    except BaseException as error:
        raise StartError("attribute", error, _attribute_hint(module, attribute)) from error
    if callable(target) or hasattr(target, "run"):
        return target
    wrong = TypeError("{} is {!r}: neither a factory nor an object with run(ir, shots)".format(name, target))
    raise StartError("executor", wrong, "Name a function that returns the executor.")


async def load(name: str, settings: Any) -> Any:
    """The executor that `module:attribute` means. A factory is called once; `settings` is called if it wants them."""
    target = target_of(name)
    if hasattr(target, "run") and not _must_be_made(target):
        return target
    try:
        executor = target(settings()) if inspect.signature(target).parameters else target()
        if inspect.isawaitable(executor):
            executor = await executor
    except BaseException as error:
        raise StartError("factory", error) from error
    if not hasattr(executor, "run"):
        wrong = TypeError("{} returned {!r}, which has no run(ir, shots)".format(name, executor))
        raise StartError("executor", wrong, "Return an object with `async def run(self, ir, shots)`.")
    return executor


def takes_settings(target: Any) -> bool:
    """Whether it is a factory that wants to know the settings."""
    if hasattr(target, "run") and not _must_be_made(target):
        return False
    try:
        return bool(inspect.signature(target).parameters)
    except (TypeError, ValueError):
        return True


def _must_be_made(target: Any) -> bool:
    """A class whose run is a method: it needs an object."""
    return isinstance(target, type) and inspect.isfunction(inspect.getattr_static(target, "run"))


def find(module_name: str) -> Optional[str]:
    """The file of a module; None if there is none. The module itself is not run."""
    try:
        spec = importlib.util.find_spec(module_name)
    except ModuleNotFoundError as error:
        # Else a package is there, and imports something that is not: importing the module says so.
        missing = error.name or module_name
        return None if (module_name + ".").startswith(missing + ".") else ""
    except ValueError:
        return None
    except Exception:
        return ""
    if spec is None:
        return None
    return spec.origin or next(iter(spec.submodule_search_locations or []), "")


def discover() -> Dict[str, Any]:
    """The factories that installed packages offer by convention, and the modules that failed."""
    factories: List[Dict[str, Any]] = []
    failed: List[Dict[str, str]] = []
    for package in sorted(_installed_packages()):
        module_name = "{}.{}".format(package, FACTORY_MODULE)
        try:
            if not _has_factory_module(package):
                continue
            module = importlib.import_module(module_name)
        except BaseException as error:
            failed.append({"module": module_name, **error_fields(error)})
            continue
        target = getattr(module, FACTORY_NAME, None)
        if callable(target):
            name = "{}:{}".format(module_name, FACTORY_NAME)
            factories.append({"factory": name, "settings": takes_settings(target)})
    return {"factories": factories, "failed": failed}


def _has_factory_module(package: str) -> bool:
    """Found without importing the package: most packages are none of our business."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        return False
    module_name = "{}.{}".format(package, FACTORY_MODULE)
    return any(
        finder.find_spec(module_name, spec.submodule_search_locations) is not None
        for finder in sys.meta_path
        if hasattr(finder, "find_spec")
    )


def _installed_packages() -> Set[str]:
    names: Set[str] = set()
    path = sys.path
    # What follows imports modules of Python's own; a `csv.py` in the working directory must not be one of them.
    sys.path = [folder for folder in path if os.path.abspath(folder) != os.getcwd()]
    try:
        # Here, because it would cost each start some milliseconds.
        from importlib.metadata import distributions

        for distribution in distributions(path=path):
            listed = (distribution.read_text("top_level.txt") or "").split()
            names.update(listed or _top_levels(distribution))
    finally:
        sys.path = path
    return {name for name in names if name.isidentifier() and not name.startswith("_") and name != "coda_node"}


def _top_levels(distribution: Distribution) -> Set[str]:
    return {file.parts[0] for file in distribution.files or [] if len(file.parts) > 1 and file.suffix == ".py"}


def _import_hint(module_name: str, error: BaseException) -> Optional[str]:
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    missing = error.name
    top = missing.partition(".")[0]
    if top == "coda_node":
        return "This module is only in the original package. " + _install_line("coda-node")
    if missing != top:
        place = find(top)
        return "{} is in {}, but has no module {}. Check the spelling and the version.".format(top, place, missing)
    known = "If it is your own, start the node in the folder that holds it, or install it: "
    return (known if top == module_name.partition(".")[0] else "") + _install_line(top)


# Modules whose package has another name: of those that drivers use, the common ones.
_PACKAGE_OF = {
    "attr": "attrs",
    "can": "python-can",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "grpc": "grpcio",
    "jwt": "pyjwt",
    "PIL": "pillow",
    "qm": "qm-qua",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "usb": "pyusb",
    "visa": "pyvisa",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}


def _install_line(module: str) -> str:
    package = _PACKAGE_OF.get(module, module)
    python = shlex.quote(sys.executable)
    return "{} -m pip install {}   or   uv pip install --python {} {}".format(python, package, python, package)


def _attribute_hint(module: Any, attribute: str) -> str:
    names = [name for name in vars(module) if not name.startswith("_")]
    close = difflib.get_close_matches(attribute, names, n=3)
    place = getattr(module, "__file__", None) or module.__name__
    if close:
        return "{} has {}.".format(place, ", ".join(close))
    return "Define {} in {}, or name what is there.".format(attribute, place)
