"""A regular expression for RFC 8785 canonical JSON of a type of the contract, made from the type.

What it fits is the canonical form of a value within the type's own limits. What it does not fit
may be one, too, and is for the decoder to judge. It goes through a record in a sixth of the time
that reading it into values, and writing these anew, takes.

Why what it fits is canonical: fields stand in their sorted order, each once. Strings are printable
ASCII without quotes and backslashes, which has one spelling. Whole numbers have no more than
fifteen digits, and no zero before them. Of other numbers, two decimals of fifteen digits or fewer
never are the same double (DBL_DIG of IEEE 754): one that does not end in a zero is the shortest
for its double. Those that ECMAScript would write with an exponent do not fit.

Left to the caller are what ``__post_init__`` of the types asks for, whether moments exist, and
the limits of numbers in the types that it names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import msgspec
from msgspec import inspect

_PATTERN_END = r"(?![\s\S])"
_CHARACTER = r"[ !#-\[\]-~]"
_UUID = '"' + "-".join(f"[0-9a-f]{{{digits}}}" for digits in (8, 4, 4, 4, 12)) + '"'
_MOMENT = r'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(?!000000)\d{6})?+Z"'
_WHOLE = r"[1-9]\d{0,14}+"
_SHARE = r"0\.(?!000000)\d{1,14}+(?<!0)|[01]"
_PLACES = r"(?:0|[1-9]\d{0,6}+)"
_FRACTION = r"\.\d{1,8}+(?<!0)"
_POSITIVE = rf"(?!0\.000000){_PLACES}{_FRACTION}|{_PLACES}(?!\.)"
_SIGNED = rf"(?!-?0\.000000)-?{_PLACES}{_FRACTION}|(?!-0)-?{_PLACES}(?!\.)"
_NEVER = r"(?!)"
_MANY = 10**15


def canonical_pattern(
    kind: type[msgspec.Struct],
    *,
    without: Collection[type] = (),
    unlimited: Collection[type] = (),
) -> re.Pattern[bytes]:
    """The expression for values of that type, to be used with ``fullmatch``.

    Args:
        kind: a type of the contract.
        without: types in it; what holds a value of one of them does not fit.
        unlimited: types in it whose numbers fit beyond their limits, too.

    Raises:
        TypeError: if a part of the type, or a limit, has no expression here.
    """
    maker = _Maker(frozenset(without), frozenset(unlimited))
    return re.compile(maker.of(inspect.type_info(kind), limited=True).encode())


@dataclass(frozen=True, slots=True)
class _Maker:
    without: frozenset[type]
    unlimited: frozenset[type]

    def of(self, part: inspect.Type, *, limited: bool) -> str:
        """The expression for a part of a type."""
        match part:
            case inspect.Metadata():
                return self.of(part.type, limited=limited)
            case inspect.StructType():
                return self._struct(part, limited=limited and part.cls not in self.unlimited)
            case inspect.VarTupleType():
                return self._tuple(part, limited=limited)
            case inspect.UnionType():
                return _any(self.of(one, limited=limited) for one in part.types)
            case inspect.LiteralType():
                return _literals(part.values)
            case inspect.StrType():
                return _text(part)
            case inspect.IntType() | inspect.FloatType():
                return _any([_number(part, limited=limited)])
            case inspect.DateTimeType(tz=True):
                return _MOMENT
            case inspect.UUIDType():
                return _UUID
            case inspect.BoolType():
                return _any(["true", "false"])
            case inspect.NoneType():
                return "null"
        raise _unknown(part)

    def _struct(self, part: inspect.StructType, *, limited: bool) -> str:
        if part.cls in self.without:
            return _NEVER
        fields = [
            (one.encode_name, self.of(one.type, limited=limited), _is_always_there(one))
            for one in part.fields
        ]
        if part.array_like and part.tag is None:
            return rf"\[{','.join(value for _, value, _ in fields)}\]"
        if part.tag is not None and part.tag_field is not None:
            fields.append((part.tag_field, _literals([part.tag]), True))
        (first, value, always), *others = sorted(fields)
        if part.array_like or not always:
            raise _unknown(part)
        members = [f'"{first}":{value}']
        for name, value, always in others:
            member = f',"{name}":{value}'
            members.append(member if always else f"(?:{member})?+")
        return rf"\{{{''.join(members)}\}}"

    def _tuple(self, part: inspect.VarTupleType, *, limited: bool) -> str:
        one = self.of(part.item_type, limited=limited)
        least, most = part.min_length or 0, part.max_length
        if least > 1:
            raise _unknown(part)
        more = "*+" if most is None else f"{{0,{most - 1}}}+"
        some = rf"\[{one}(?:,{one}){more}\]"
        return some if least else _any([r"\[\]", some])


def _is_always_there(field: inspect.Field) -> bool:
    """Whether the canonical form has it: what is UNSET by default is left out."""
    return field.required or field.default is not msgspec.NODEFAULT


def _any(expressions: Iterable[str]) -> str:
    return f"(?:{'|'.join(expressions)})"


def _literals(values: Collection[object]) -> str:
    if all(isinstance(one, str) and len(one) == 1 and one.isalnum() for one in values):
        return f'"[{"".join(map(str, values))}]"'
    return _any(re.escape(msgspec.json.encode(one).decode()) for one in values)


def _text(part: inspect.StrType) -> str:
    if part.pattern is not None:
        inner = part.pattern.removeprefix("^").removesuffix(_PATTERN_END)
        if part.pattern != f"^{inner}{_PATTERN_END}" or part.max_length is not None:
            raise _unknown(part)
        return f'"{inner}"'
    most = "" if part.max_length is None else part.max_length
    return f'"{_CHARACTER}{{{part.min_length or 0},{most}}}+"'


def _number(part: inspect.IntType | inspect.FloatType, *, limited: bool) -> str:
    whole = isinstance(part, inspect.IntType)
    least, most = part.ge, part.le if part.le is None or part.le < _MANY else None
    others: Mapping[str, object] = {"gt": part.gt, "lt": part.lt, "of": part.multiple_of}
    if not limited:
        least, most = None, None
    elif any(value is not None for value in others.values()):
        raise _unknown(part)
    match whole, least, most:
        case True, 1, None:
            return _WHOLE
        case True, 0, None:
            return f"0|{_WHOLE}"
        case True, None, None:
            return f"0|-?{_WHOLE}"
        case False, 0, 1:
            return _SHARE
        case False, 0, None:
            return _POSITIVE
        case False, None, None:
            return _SIGNED
    raise _unknown(part)


def _unknown(part: inspect.Type) -> TypeError:
    return TypeError(f"no expression for the canonical form of {part} is known")
