"""What model_dump leaves out, and JSON text as the original writes it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Iterable, Iterator, Optional, Tuple


def chosen(pairs: Iterable[Tuple[Any, Any]], included: Any, excluded: Any) -> Iterator[Tuple[Any, Any, Any, Any]]:
    """The pairs that stay, with what `include` and `exclude` say of their inside. None says nothing."""
    for key, value in pairs:
        inside = _part(included, key)
        outside = _part(excluded, key)
        if inside is not False and outside is not True:
            yield key, value, None if inside is True else inside, None if outside is False else outside


def _part(choice: Any, key: Any) -> Any:
    """True: all of it; False: nothing of it; else a choice within it."""
    if choice is None:
        return None
    if not isinstance(choice, Mapping):
        return key in choice or "__all__" in choice
    part = choice.get(key, choice.get("__all__", False))
    return True if part is ... else part


def json_text(value: Any, indent: Optional[int], depth: int = 0) -> str:
    """No spaces, floats in their shortest form, null for what is no number."""
    if isinstance(value, float):
        return _float_text(value)
    if not isinstance(value, (list, dict)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        brackets = "[]"
        items = [json_text(item, indent, depth + 1) for item in value]
    else:
        brackets = "{}"
        colon = ":" if indent is None else ": "
        pairs = [(json.dumps(name, ensure_ascii=False), json_text(item, indent, depth + 1)) for name, item in value.items()]
        items = [name + colon + item for name, item in pairs]
    if indent is None or not items:
        return brackets[0] + ",".join(items) + brackets[1]
    end = "\n" + " " * indent * depth
    line = end + " " * indent
    return brackets[0] + line + ("," + line).join(items) + end + brackets[1]


def _float_text(value: float) -> str:
    """Where Python writes 1e-05 and 1e-06, the original has 0.00001 and 1e-6."""
    if not math.isfinite(value):
        return "null"
    text = repr(value)
    digits, e, exponent = text.partition("e")
    if not e:
        return text
    if int(exponent) == -5:
        return "{:.{}f}".format(value, len(digits.lstrip("-").replace(".", "")) + 4)
    return "{}e{}{}".format(digits, exponent[0], exponent[1:].lstrip("0"))
