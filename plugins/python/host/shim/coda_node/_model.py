"""Models: classes with checked fields, and the methods that users of pydantic know."""

from __future__ import annotations

import copy
import json
import math
from enum import Enum
from typing import Any, Callable, ClassVar, Dict, Iterator, Mapping, Optional, Set, Tuple, Type, TypeVar

from coda_node._validation import Check, Location, Reader, ValidationError

M = TypeVar("M", bound="Model")


class Field:
    """One field: how it is read, and what it is if it is not given."""

    def __init__(self, read: Reader, default: Optional[Callable[[], Any]] = None) -> None:
        self.read = read
        self.default = default

    def is_required(self) -> bool:
        return self.default is None


class Model:
    """The base of the models. A value that is given is checked when the object is made, not when it is changed."""

    model_fields: ClassVar[Dict[str, Field]] = {}

    __slots__ = ("__dict__", "_given")

    def __init__(self, **values: Any) -> None:
        check = Check(is_json=False)
        self._fill(values, (), check)
        if check.errors:
            raise ValidationError(type(self).__name__, check.errors)

    def _fill(self, values: Mapping[str, Any], where: Location, check: Check) -> None:
        before = len(check.errors)
        filled = {}
        for name, field in self.model_fields.items():
            if name in values:
                filled[name] = field.read(values[name], (*where, name), check)
            elif field.default is None:
                check.missing((*where, name), values)
            else:
                filled[name] = field.default()
        _set(self, "__dict__", filled)
        _set(self, "_given", {name for name in self.model_fields if name in values})
        if len(check.errors) == before:
            try:
                self._check_rules()
            except ValueError as rule:
                check.broken_rule(where, rule, values)

    def _check_rules(self) -> None:
        """Raises a ValueError if fields that are right alone are wrong together."""

    @classmethod
    def _read(cls: Type[M], value: Any, where: Location, check: Check) -> Optional[M]:
        """For a field that holds a model."""
        if isinstance(value, cls) and not check.is_json:
            return value
        if not isinstance(value, dict):
            kind = "an object" if check.is_json else "a valid dictionary or instance of {}".format(cls.__name__)
            check.wrong("model_type", where, "Input should be {}".format(kind), value)
            return None
        made = cls.__new__(cls)
        made._fill(value, where, check)
        return made

    @classmethod
    def model_validate(cls: Type[M], obj: Any, **_: Any) -> M:
        return cls._validated(obj, is_json=False)

    @classmethod
    def model_validate_json(cls: Type[M], json_data: Any, **_: Any) -> M:
        try:
            value = json.loads(json_data)
        except ValueError as error:
            wrong = {"type": "json_invalid", "loc": (), "msg": "Invalid JSON: {}".format(error), "input": json_data}
            raise ValidationError(cls.__name__, [wrong]) from None
        return cls._quickly_made(value) or cls._validated(value, is_json=True)

    @classmethod
    def _quickly_made(cls: Type[M], value: Any) -> Optional[M]:
        """The model of a JSON value in which nothing is wrong or unusual; else None."""

    @classmethod
    def _validated(cls: Type[M], value: Any, is_json: bool) -> M:
        check = Check(is_json)
        made = cls._read(value, (), check)
        if made is None or check.errors:
            raise ValidationError(cls.__name__, check.errors)
        return made

    @classmethod
    def model_construct(cls: Type[M], _fields_set: Optional[Set[str]] = None, **values: Any) -> M:
        """Without any check."""
        made = cls.__new__(cls)
        filled = {}
        for name, field in cls.model_fields.items():
            if name in values:
                filled[name] = values[name]
            elif field.default is not None:
                filled[name] = field.default()
        _set(made, "__dict__", filled)
        _set(made, "_given", set(values) & set(cls.model_fields) if _fields_set is None else _fields_set)
        return made

    @property
    def model_fields_set(self) -> Set[str]:
        given = getattr(self, "_given", None)
        return set(self.model_fields) if given is None else given

    def model_copy(self: M, *, update: Optional[Mapping[str, Any]] = None, deep: bool = False) -> M:
        made = copy.deepcopy(self) if deep else copy.copy(self)
        for name, value in (update or {}).items():
            setattr(made, name, value)
        return made

    def model_dump(
        self,
        *,
        mode: str = "python",
        include: Any = None,
        exclude: Any = None,
        exclude_unset: bool = False,
        exclude_defaults: bool = False,
        exclude_none: bool = False,
        **_: Any,
    ) -> Dict[str, Any]:
        def dump(value: Any, inc: Any, exc: Any) -> Any:
            if isinstance(value, Model):
                return {name: dump(item, *chosen) for name, item, *chosen in kept(value, inc, exc)}
            if isinstance(value, (list, tuple)):
                chosen_items = ((item, _part(inc, i), _part(exc, i)) for i, item in enumerate(value))
                items = [dump(item, i or None, e) for item, i, e in chosen_items if i is not False and e is not True]
                return items if mode == "json" or isinstance(value, list) else tuple(items)
            if mode == "json":
                return value.value if isinstance(value, Enum) else value
            return dict(value) if isinstance(value, dict) else value

        def kept(model: Model, inc: Any, exc: Any) -> Iterator[Tuple[str, Any, Any, Any]]:
            given = model.model_fields_set
            for name, value in model:
                chosen, dropped = _part(inc, name), _part(exc, name)
                default = model.model_fields[name].default if name in model.model_fields else None
                if (
                    chosen is False
                    or dropped is True
                    or (exclude_unset and name not in given)
                    or (exclude_none and value is None)
                    or (exclude_defaults and default is not None and value == default())
                ):
                    continue
                yield name, value, None if chosen is True else chosen, dropped

        return dump(self, include, exclude)

    def model_dump_json(self, *, indent: Optional[int] = None, **options: Any) -> str:
        return _json_text(self.model_dump(mode="json", **options), indent)

    def __iter__(self) -> Iterator[Tuple[str, Any]]:
        yield from list(vars(self).items())

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.model_fields:
            raise ValueError('"{}" object has no field "{}"'.format(type(self).__name__, name))
        vars(self)[name] = value
        _set(self, "_given", self.model_fields_set | {name})

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Model):
            return NotImplemented
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]

    def __getstate__(self) -> Tuple[Dict[str, Any], Set[str]]:
        return vars(self), self.model_fields_set

    def __setstate__(self, state: Tuple[Dict[str, Any], Set[str]]) -> None:
        _set(self, "__dict__", dict(state[0]))
        _set(self, "_given", set(state[1]))

    def __str__(self) -> str:
        return " ".join("{}={!r}".format(*pair) for pair in self)

    def __repr__(self) -> str:
        return "{}({})".format(type(self).__name__, ", ".join("{}={!r}".format(*pair) for pair in self))

    # The names of the first pydantic, which the second one still has.
    dict = model_dump
    json = model_dump_json
    copy = model_copy
    parse_obj = model_validate
    parse_raw = model_validate_json
    construct = model_construct


_set = object.__setattr__


def _part(choice: Any, key: Any) -> Any:
    """What `include` or `exclude` says of one field or item: True, False, or a choice within it. None says nothing."""
    if choice is None:
        return None
    if not isinstance(choice, Mapping):
        return key in choice
    part = choice.get(key, choice.get("__all__", False))
    return True if part is ... else part


def _json_text(value: Any, indent: Optional[int], depth: int = 0) -> str:
    """JSON as the original writes it: no spaces, floats in their shortest form, null for what is no number."""
    if isinstance(value, float):
        return _float_text(value)
    if not isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        items, brackets = [_json_text(item, indent, depth + 1) for item in value], "[]"
    else:
        colon = ":" if indent is None else ": "
        items = [
            json.dumps(name, ensure_ascii=False) + colon + _json_text(item, indent, depth + 1)
            for name, item in value.items()
        ]
        brackets = "{}"
    if indent is None or not items:
        return brackets[0] + ",".join(items) + brackets[1]
    line = "\n" + " " * indent * (depth + 1)
    return brackets[0] + line + ("," + line).join(items) + line[: -indent or None] + brackets[1]


def _float_text(value: float) -> str:
    if not math.isfinite(value):
        return "null"
    text = repr(value)
    if "e" not in text and "0.0000" not in text:
        return text
    digits, _, exponent = text.partition("e")
    return _small_or_large(digits, int(exponent or 0), value)


def _small_or_large(digits: str, exponent: int, value: float) -> str:
    # Python writes 1e-05 and 1e+16 where the original has 0.00001 and 1e16.
    if -5 <= exponent < 0:
        plain = "{:.{}f}".format(value, len(digits.replace(".", "").replace("-", "")) - exponent - 1)
        return plain
    return "{}e{}".format(digits, exponent) if exponent else digits

