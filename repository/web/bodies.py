"""Bodies of JSON that can be read in one way alone.

Of a name that is told twice, one reader takes the first and another the last (RFC 8259, section 4):
what a person affirmed must not hang on which one reads. The routes that the framework reads bodies
for have the dependency `read_in_one_way`; those that record each refusal take theirs by `take`.
For the same reason nothing is taken for what it is not: only true and false are yes and no
(pydantic's `StrictBool`), only a whole number is one (`StrictInt`), and a time is written out
(`WRITTEN`), no number of seconds since some year.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Annotated, NoReturn, TypeVar

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator, ValidationError

from repository.web.faults import explain

_TWICE = "names one thing twice"
_M = TypeVar("_M", bound=BaseModel)


def _written(typed: object) -> object:
    if not isinstance(typed, str) or not re.match(r"\d{4}-", typed, re.ASCII):
        raise ValueError("write it as text that begins as 2026-03-01 does")
    return typed


WRITTEN = BeforeValidator(_written)
"""Of a date or a moment in a body."""


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]


def take(model: type[_M], body: bytes, refuse: Callable[[str, str], NoReturn]) -> _M:
    """The body as that model; ``refuse`` is given what was sent and why it does not do."""
    if _names_twice(body):
        refuse(body.decode(errors="replace"), f"body: {_TWICE}")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        refuse(body.decode(errors="replace"), explain(error.errors()))


async def read_in_one_way(request: Request) -> None:
    """Refuse a body that the framework has read and somebody else could read otherwise.

    Raises:
        RequestValidationError: if it names one thing twice.
    """
    route = request.scope["route"]
    taken = isinstance(route, APIRoute) and route.body_field is not None
    if taken and _names_twice(await request.body()):
        raise RequestValidationError([{"loc": ("body",), "msg": _TWICE}])


class _TwiceError(Exception):
    """One object holds a name twice."""


def _names_twice(body: bytes) -> bool:
    """Whether it is JSON, one of whose objects does; what is none is refused where it is read."""
    try:
        json.loads(body, object_pairs_hook=_once)
    except _TwiceError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def _once(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        raise _TwiceError
