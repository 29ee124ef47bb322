"""Models: classes with checked fields, and the methods that users of pydantic know."""

from __future__ import annotations

import copy
import json
from enum import Enum
from typing import Any, Callable, ClassVar, Dict, Iterator, Mapping, Optional, Set, Tuple, Type, TypeVar

from coda_node._dump import chosen, json_text
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
            self._apply_rules(values, where, check)

    def _apply_rules(self, given: Any, where: Location, check: Check) -> None:
        try:
            self._check_rules()
        except ValueError as rule:
            check.broken_rule(where, rule, given)

    def _check_rules(self) -> None:
        """Raises a ValueError if fields that are right alone are wrong together."""

    @classmethod
    def _read(cls: Type[M], value: Any, where: Location, check: Check) -> Optional[M]:
        """For a field that holds a model."""
        if isinstance(value, cls) and not check.is_json:
            # It may have been changed since it was checked.
            value._apply_rules(value, where, check)
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
            value = _json_value(json_data)
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
        def wants(model: Model, name: str, value: Any) -> bool:
            field = model.model_fields.get(name)
            return not (
                (exclude_unset and name not in model.model_fields_set)
                or (exclude_none and value is None)
                or (exclude_defaults and field is not None and field.default is not None and value == field.default())
            )

        def dump(value: Any, included: Any, excluded: Any) -> Any:
            if isinstance(value, Model):
                kept = chosen([pair for pair in value if wants(value, *pair)], included, excluded)
                return {name: dump(*rest) for name, *rest in kept}
            if isinstance(value, (list, tuple)):
                items = [dump(*rest) for _, *rest in chosen(enumerate(value), included, excluded)]
                return tuple(items) if isinstance(value, tuple) and mode != "json" else items
            return value.value if isinstance(value, Enum) and mode == "json" else value

        return dump(self, include, exclude)

    def model_dump_json(self, *, indent: Optional[int] = None, **options: Any) -> str:
        return json_text(self.model_dump(mode="json", **options), indent)

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


def _json_value(data: Any) -> Any:
    text = data if isinstance(data, str) else bytes(data).decode("utf-8")
    value = json.loads(text)
    if "\\ud" in text or "\\uD" in text:
        # Half a pair is no character: this raises a ValueError.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value
