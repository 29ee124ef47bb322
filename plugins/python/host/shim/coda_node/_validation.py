"""Checks of single values, and the errors that they raise: the same rules, kinds and texts as the original's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from typing import Any, Callable, Dict, List, Optional, Tuple, Type, Union

Location = Tuple[Union[str, int], ...]
_NO_LISTS = (str, bytes, bytearray, Mapping)
_LARGEST_FROM_FLOAT = 2**63
_LONGEST_SHOWN = 50
_NO_TEXT = "Input should be a valid string, unable to parse raw data as a unicode string"


class ValidationError(ValueError):
    """One or more values of a model are not allowed; `errors()` lists them."""

    def __init__(self, title: str, errors: List[Dict[str, Any]]) -> None:
        super().__init__(title, errors)
        self.title = title
        self._errors = errors

    def errors(self, **_: Any) -> List[Dict[str, Any]]:
        return list(self._errors)

    def error_count(self) -> int:
        return len(self._errors)

    def __str__(self) -> str:
        count = len(self._errors)
        lines = ["{} validation error{} for {}".format(count, "" if count == 1 else "s", self.title)]
        for error in self._errors:
            if error["loc"]:
                lines.append(".".join(map(str, error["loc"])))
            shown = "" if error["type"] == "json_invalid" else _shown(error["input"])
            shown = shown or repr(error["input"])
            lines.append(
                "  {} [type={}, input_value={}, input_type={}]".format(
                    error["msg"], error["type"], shown, type(error["input"]).__name__
                )
            )
        return "\n".join(lines)

    __repr__ = __str__


def _shown(value: Any) -> str:
    text = repr(value)
    if len(text) <= _LONGEST_SHOWN:
        return text
    half = _LONGEST_SHOWN // 2
    return text[:half] + "..." + text[-half + 1 :]


class Check:
    """One validation: collects what is wrong. `is_json` says whether the values come from JSON text."""

    def __init__(self, is_json: bool) -> None:
        self.is_json = is_json
        self.errors: List[Dict[str, Any]] = []

    def wrong(self, kind: str, where: Location, message: str, value: Any) -> None:
        self.errors.append({"type": kind, "loc": where, "msg": message, "input": value})

    def missing(self, where: Location, value: Any) -> None:
        self.wrong("missing", where, "Field required", value)

    def broken_rule(self, where: Location, rule: ValueError, value: Any) -> None:
        self.wrong("value_error", where, "Value error, {}".format(rule), value)


#: Makes a field's value of `value`; what is wrong goes to the check.
Reader = Callable[[Any, Location, Check], Any]


def text(value: Any, where: Location, check: Check) -> Any:
    if type(value) is str:
        return value
    if isinstance(value, Enum) and isinstance(value, str):
        return value.value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (bytes, bytearray)):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            check.wrong("string_unicode", where, _NO_TEXT, value)
            return None
    check.wrong("string_type", where, "Input should be a valid string", value)
    return None


def _is_no_text(value: Any, where: Location, check: Check) -> bool:
    """Half a surrogate pair is no character."""
    try:
        value.encode("utf-8")
        return False
    except UnicodeEncodeError:
        check.wrong("string_unicode", where, _NO_TEXT, value)
        return True


def whole(value: Any, where: Location, check: Check) -> Any:
    if type(value) is int:
        return value
    if isinstance(value, Enum) and not isinstance(value, int):
        return whole(value.value, where, check)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, (str, bytes)):
        return _whole_of_text(value, where, check)
    number = _as_float(value)
    if number is None:
        check.wrong("int_type", where, "Input should be a valid integer", value)
    elif not math.isfinite(number):
        check.wrong("finite_number", where, "Input should be a finite number", value)
    elif number % 1 != 0:
        check.wrong("int_from_float", where, "Input should be a valid integer, got a number with a fractional part", value)
    elif abs(number) >= _LARGEST_FROM_FLOAT:
        check.wrong("int_parsing_size", where, "Unable to parse input string as an integer, exceeded maximum size", value)
    else:
        return int(number)
    return None


def _whole_of_text(value: Any, where: Location, check: Check) -> Any:
    if isinstance(value, str) and _is_no_text(value, where, check):
        return None
    try:
        content = (value if isinstance(value, str) else value.decode("ascii")).strip()
        whole_part, _, zeros = content.partition(".")
        if zeros and zeros.strip("0") == "" and whole_part:
            content = whole_part
        if content.isascii():
            return int(content)
    except ValueError:
        pass
    check.wrong(
        "int_parsing", where, "Input should be a valid integer, unable to parse string as an integer", value
    )
    return None


def number(value: Any, where: Location, check: Check) -> Any:
    if type(value) is float:
        return value
    if isinstance(value, (str, bytes)):
        try:
            content = value if isinstance(value, str) else value.decode("ascii")
            if content.isascii():
                return float(content)
        except ValueError:
            pass
        check.wrong("float_parsing", where, "Input should be a valid number, unable to parse string as a number", value)
        return None
    result = _as_float(value)
    if result is None:
        check.wrong("float_type", where, "Input should be a valid number", value)
    return result


def _as_float(value: Any) -> Any:
    """The float of a number of any kind, numpy's too; None if it is no number."""
    if not isinstance(value, (int, float, Decimal)) and not hasattr(value, "__float__") and not hasattr(value, "__index__"):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def list_of(read: Reader) -> Reader:
    def read_list(value: Any, where: Location, check: Check) -> Any:
        items = _items(value, check)
        if items is None:
            kind = "array" if check.is_json else "list"
            check.wrong("list_type", where, "Input should be a valid {}".format(kind), value)
            return None
        return [read(item, (*where, index), check) for index, item in enumerate(items)]

    return read_list


def _items(value: Any, check: Check) -> Optional[List[Any]]:
    """The items of a list, or of anything that gives some, such as a range or a numpy array."""
    if isinstance(value, list):
        return value
    if check.is_json or isinstance(value, _NO_LISTS):
        return None
    try:
        return list(value)
    except Exception:
        return None


def one_of(kind: Type[Enum]) -> Reader:
    members = {member.value: member for member in kind}
    quoted = ["'{}'".format(value) for value in members]
    message = "Input should be {} or {}".format(", ".join(quoted[:-1]), quoted[-1])

    def read_member(value: Any, where: Location, check: Check) -> Any:
        if isinstance(value, kind):
            return value
        if isinstance(value, str) and value in members:
            return members[value]
        check.wrong("enum", where, message, value)
        return None

    return read_member


def literally(wanted: str) -> Reader:
    def read_literal(value: Any, where: Location, check: Check) -> Any:
        if isinstance(value, str) and value == wanted:
            return wanted
        if isinstance(value, str) and _is_no_text(value, where, check):
            return None
        check.wrong("literal_error", where, "Input should be '{}'".format(wanted), value)
        return None

    return read_literal


def between(low: int, high: int) -> Reader:
    def read_bounded(value: Any, where: Location, check: Check) -> Any:
        found = whole(value, where, check)
        if found is None:
            return None
        if found < low:
            check.wrong("greater_than_equal", where, "Input should be greater than or equal to {}".format(low), value)
        elif found > high:
            check.wrong("less_than_equal", where, "Input should be less than or equal to {}".format(high), value)
        return found

    return read_bounded
