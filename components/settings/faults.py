"""A fault of a stack file as one line with its YAML path."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from components.settings.places import other_places
from components.settings.text import invisible


class SettingsError(Exception):
    """The stack file cannot be used; the text is one line a fault, each with its YAML path."""


def did_you_mean(word: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """The end of a sentence with the known word that is most like `word`; empty without one.

    `likeness` is what the word needs at least, from 0 to 1 (difflib.get_close_matches).
    """
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=likeness)
    return f"; did you mean {close[0]!r}?" if close else ""


# A key that is as like as this to one of its section is misspelt, though another section has it.
_MISSPELT = 0.85
# U+200C and U+200D belong to names in some scripts (RFC 5892 appendix A); the types refuse them.
_ALSO = "\n\t\u200c\u200d"


_INTEGER, _BOOLEAN, _MAPPING = "a whole number", "true or false", "a mapping: keys with values"
# The kinds of fault of pydantic (https://docs.pydantic.dev/latest/errors/validation_errors/).
_NEEDS = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), _INTEGER),
    **dict.fromkeys(("bool_type", "bool_parsing"), _BOOLEAN),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), _MAPPING),
    "float_type": "a number",
    "list_type": "a list",
    "string_type": "text",
    "literal_error": "{expected}",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "too_short": "of {min_length} or more entries",
    "too_long": "of {max_length} or fewer entries",
    "string_too_short": "of {min_length} or more characters",
    "string_too_long": "of {max_length} or fewer characters",
    "string_pattern_mismatch": "text that matches {pattern}",
    "ip_v4_address": "an IPv4 address",
    "ip_v6_address": "an IPv6 address",
}


# Sections from which people take entries away.
_NEVER_EMPTY = ("domains", "hosts")


def hidden_characters(value: object, path: str = "") -> Iterable[str]:
    """Yield a line for each key and value with an invisible character.

    Such a character could make a report show something that is not there.
    """
    if isinstance(value, Mapping):
        for key, each in value.items():
            name = ascii(str(key))[1:-1]
            yield from hidden_characters(str(key), f"{path}.{name}" if path else name)
            yield from hidden_characters(each, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from hidden_characters(each, f"{path}[{index}]")
    elif isinstance(value, str) and (hidden := invisible(value, but=_ALSO)):
        yield f"{path}: this has the character {hidden}, which is invisible; take it out"


def lines(fault: dict[str, Any], values: Mapping[str, Any], model: type[BaseModel]) -> list[str]:
    """One fault of pydantic as lines, each with its YAML path below `model`."""
    location = _location(fault, values)
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)[1:]
    kind, text = fault["type"], str(fault["msg"]).removeprefix("Value error, ")
    if kind == "value_error" and not location:
        return text.split("\n")
    if kind == "extra_forbidden":
        text = "unknown key" + _way_out(str(location[-1]), _keys(location[:-1], model), model)
    elif kind == "missing":
        text = "missing"
    elif kind == "string_type" and isinstance(fault["input"], int | float):
        read = _found(fault["input"])
        # YAML reads 010 as 8: what stands in the file is not known here.
        text = (
            f'without quotes YAML reads this as {read}, not as text; write "{read}" (if the file '
            "has other characters, those in quotes)"
        )
    elif kind in _NEEDS:
        needs = _NEEDS[kind].format(**fault.get("ctx", {}))
        found = fault["input"]
        quoted = kind == "int_type" and isinstance(found, str) and found.isdecimal()
        text = f"this must be {needs}; found {_found(found)}{', with quotes' if quoted else ''}"
        if path in _NEVER_EMPTY and (found is None or found == {}):
            text += ". To take the last one away, put it back and run `mx destroy`"
    return [f"{path}: {text}" if path else text]


def _way_out(key: str, known: list[str], model: type[BaseModel]) -> str:
    """What is probably meant by an unknown key: a key that is misspelt, or one of another place."""
    return (
        did_you_mean(key, known, _MISSPELT) or other_places(key, model) or did_you_mean(key, known)
    )


def _found(value: object) -> str:
    """A value as the reader wrote it in YAML; of a list or mapping only what it is."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, Mapping):
        return f"a mapping with {len(value)} key{'s' * (len(value) != 1)}"
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    return repr(value) if isinstance(value, str) else str(value)


def joined(faults: Iterable[str]) -> list[str]:
    """Lines as they are, but what one value must be by its several types in one line."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in faults:
        path, must, rest = line.partition(": this must be ")
        needs, _, seen = rest.partition("; found ")
        found.setdefault((path, seen) if must else (line, ""), []).append(needs)
    return [
        f"{path}: this must be {' or '.join(dict.fromkeys(needs))}; found {seen}" if seen else path
        for (path, seen), needs in found.items()
    ]


def _location(fault: dict[str, Any], values: Any) -> list[Any]:
    """Where a fault is in the document; the names of choices that pydantic tried are left out."""
    found = []
    for part in fault["loc"]:
        if part in values if isinstance(values, Mapping) else isinstance(part, int):
            values = values[part]
        elif fault["type"] != "missing" or part != fault["loc"][-1]:
            continue
        found.append(part)
    return found


def _keys(location: list[Any], model: Any) -> list[str]:
    """The YAML keys that are known at a place of the document."""
    for part in location:
        if get_origin(model) is dict:
            model = get_args(model)[1]
            continue
        fields = getattr(model, "model_fields", {})
        model = next((f.annotation for f in fields.values() if f.alias == part), None)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return [field.alias or name for name, field in model.model_fields.items()]
    return []
