"""The API's description for those who write programs against it (OpenAPI 3.1).

The application gives it to nobody: ``alpr-repository openapi`` prints it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from repository.web.faults import Refusal

_JSON = "application/json"
_REFUSALS = {
    400: "The request bears two tokens, or its body cannot be read.",
    401: "No token that is good, or a sign-in that is refused.",
    403: "Not allowed to this person, or not yet.",
    404: "There is nothing of that name or number that this person may know of.",
    413: "The body is too large.",
    422: "What was sent cannot be taken; the message says why.",
    429: "Too much was asked; the header Retry-After says when to come again.",
    503: "The repository cannot answer now.",
}

REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal, "description": said} for status, said in _REFUSALS.items()
}
"""What any route may answer instead."""


def body(model: type[BaseModel]) -> dict[str, Any]:
    """Of a route that takes its body apart by itself: that it is such an object."""
    schema = model.model_json_schema(by_alias=True)
    return {"requestBody": {"required": True, "content": {_JSON: {"schema": schema}}}}


def bytes_of(media_type: str, said: str) -> dict[str, Any]:
    """Of a route that takes a file as its body."""
    schema = {"type": "string", "format": "binary"}
    return {
        "requestBody": {
            "required": True,
            "description": said,
            "content": {media_type: {"schema": schema}},
        }
    }


def files(*media_types: str, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """Of a route that answers with a file of one of these types."""
    schema = {"type": "string", "format": "binary"}
    content: Mapping[str, Any] = {each: {"schema": schema} for each in media_types}
    return {status: {"content": content}}
