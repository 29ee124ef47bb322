"""Makes plain fields of what an executor returns, raises or says of its device."""

from __future__ import annotations

import math
import operator
import os
import traceback
from collections.abc import Mapping
from typing import Any, Dict, List, Optional

_LONGEST_MESSAGE = 10_000
_LONGEST_TRACEBACK = 50_000
_OWN_FOLDER = os.path.dirname(os.path.abspath(__file__))
_SHAPE = "a result has counts, execution_time_ms and shots_completed, as attributes or keys"


class ResultError(Exception):
    """An executor returned what is no result."""


def result_fields(value: Any) -> Dict[str, Any]:
    if value is None:
        raise ResultError("the executor returned None instead of a result; " + _SHAPE)
    try:
        counts, time_ms, shots = value.counts, value.execution_time_ms, value.shots_completed
    except AttributeError:
        counts, time_ms, shots = [_field(value, name) for name in ("counts", "execution_time_ms", "shots_completed")]
    return {
        "counts": _counts(counts),
        "execution_time_ms": plain_number(time_ms, "execution_time_ms"),
        "shots_completed": plain_number(shots, "shots_completed"),
    }


def result_list(values: Any, wanted: int) -> List[Dict[str, Any]]:
    """One entry for each result of a batch; one that is no result says why."""
    try:
        listed = list(values)
    except TypeError:
        raise ResultError(
            "batch_run returned {} instead of a list of results".format(_kind(values))
        ) from None
    if len(listed) != wanted:
        raise ResultError("batch_run returned {} results for {} jobs".format(len(listed), wanted))
    entries: List[Dict[str, Any]] = []
    for value in listed:
        try:
            entries.append(result_fields(value))
        except Exception as error:
            entries.append({"error": message_of(error)})
    return entries


def _field(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        if name in value:
            return value[name]
    elif hasattr(value, name):
        return getattr(value, name)
    raise ResultError("the executor returned {} without {}; {}".format(_kind(value), name, _SHAPE))


def _counts(counts: Any) -> Dict[str, Any]:
    if type(counts) is dict and {str}.issuperset(map(type, counts)) and {int}.issuperset(map(type, counts.values())):
        return counts
    if not isinstance(counts, Mapping):
        raise ResultError("counts is {}, not a dict like {{'00': 512, '11': 512}}".format(_kind(counts)))
    return {_outcome(key): plain_number(count, "counts[{!r}]".format(key)) for key, count in counts.items()}


def _outcome(key: Any) -> str:
    if isinstance(key, str):
        # Not str(key): an enum would give its name.
        return "".join(key)
    try:
        return str(operator.index(key))
    except TypeError:
        raise ResultError("counts has the key {!r}, which is {}, not a text".format(key, _kind(key))) from None


def plain_number(value: Any, name: str) -> Any:
    """An int or a float of Python itself, whatever numpy or another library made it. If JSON has none for it: its text."""
    kind = type(value)
    if kind is int:
        return value
    if kind is not float:
        value = _converted(value, name)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _converted(value: Any, name: str) -> Any:
    if not isinstance(value, (str, bytes)):
        for convert in (operator.index, _item, float):
            try:
                number = convert(value)
            except Exception:
                continue
            if isinstance(number, (int, float)):
                return number + 0
    raise ResultError("{} is {}, not a number".format(name, _kind(value)))


def _item(value: Any) -> Any:
    return value.item()


def edges_of(executor: Any) -> Optional[List[List[int]]]:
    """The pairs of qubits that the device couples: directed ones first, else logical ones, else None."""
    device = getattr(executor, "device", None)
    if device is None:
        return None
    edges = getattr(device, "directed_edges", None)
    if edges is None or len(edges) == 0:
        edges = getattr(device, "logical_edges", None)
    if edges is None:
        return None
    return [[_qubit(qubit) for qubit in edge] for edge in edges]


def _qubit(value: Any) -> int:
    number = plain_number(value, "a qubit of the device's edges")
    if number != int(number):
        raise ResultError("a qubit of the device's edges is {!r}, not a whole number".format(value))
    return int(number)


def message_of(error: BaseException) -> str:
    """What the cloud is told: the error's own text; its type if it has none."""
    try:
        text = str(error)
    except Exception:
        text = ""
    if isinstance(error, (SystemExit, KeyboardInterrupt, GeneratorExit)):
        text = "the executor's run ended with {}{}".format(type(error).__name__, ": " + text if text else "")
    return (text.strip() and text[:_LONGEST_MESSAGE]) or type(error).__name__


def error_fields(error: BaseException) -> Dict[str, Any]:
    fields = {"type": type(error).__name__, "message": message_of(error), "traceback": _traceback(error)}
    # What was allocated before is still held, and the next run would fail too: the node ends the process.
    return {**fields, "out_of_memory": True} if isinstance(error, MemoryError) else fields


def _traceback(error: BaseException) -> str:
    """Without the frames of the host, which are above the driver's."""
    trace = error.__traceback__
    while trace is not None and os.path.dirname(trace.tb_frame.f_code.co_filename) == _OWN_FOLDER:
        trace = trace.tb_next
    try:
        text = "".join(traceback.format_exception(type(error), error, trace))
    except Exception:
        text = type(error).__name__
    return text[-_LONGEST_TRACEBACK:]


def _kind(value: Any) -> str:
    name = type(value).__name__
    return name if value is None else "{} {}".format("an" if name[:1] in "aeiouAEIOU" else "a", name)
