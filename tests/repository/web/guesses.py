"""Requests that name a thing of another agency's, and what of the API's description names things.

Whatever stands in a path is taken to name something, and so is every field of a query or body but
those of `WORDS`; a route or field that is new is a name until it is put there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

THING = "THING"
API = "/api/v1"

WORDS = frozenset({
    "about", "about_head", "accept", "actions", "advice", "affirmed", "aimed_at_protected",
    "answer", "approve", "approver", "area", "at", "authority", "authorized_by", "basis", "body",
    "browser", "case_exists", "case_number", "characteristics", "circumstances", "code", "course",
    "court_order", "current", "current_employee", "database_searched", "days", "decided",
    "description", "designation", "detail", "digest", "disposition", "distance_m", "done_by",
    "due_on", "email", "emergency", "emergency_facts", "end", "entity", "error", "every_days",
    "expires", "facts", "facts_specific", "first", "folded", "format", "found_by", "from",
    "from_at", "from_on", "hits_only", "iss", "issuer", "kind", "last", "law", "limit", "measure",
    "misused", "name", "near", "new", "not_practicable", "note", "offence", "on", "open_only",
    "organisation", "ori", "outcome", "overdue", "passkey", "password", "person", "phone",
    "plate", "position", "prevention", "priority", "purpose", "purpose_lawful", "radius_m",
    "rank", "reason", "recommendation", "requested_at", "requester_name", "requester_position",
    "result", "result_used", "roles", "scopes", "second_guesses", "sector", "sha256",
    "spoke_with", "start", "state", "state_or_unknown", "summary", "suspected_crime", "taken_on",
    "taught_by", "text", "times", "title", "to", "until_at", "waiting", "what", "why", "within",
    "within_s",
})  # fmt: skip
"""Fields of queries and bodies that say something and name nothing that an agency has."""


@dataclass(frozen=True)
class Guess:
    """A request that names a thing of Salem's in its path, query or body as ``THING``.

    ``by`` is a person of Boston, or a service or unit of theirs; ``lists`` says that it filters
    what is one's own, so that what is not there gives an empty answer and no refusal.
    """

    method: str
    path: str
    kind: str
    thing: Any
    body: Any = None
    by: str = "eve"
    lists: bool = False

    def naming(self, thing: Any) -> tuple[str, str, Any]:
        """The request with that thing in the place."""
        return self.method, _named(self.path, thing), _named(self.body, thing)

    def names(self, routes: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
        """The route and which field of it this guesses."""
        path, _, query = self.path.partition("?")
        for route in routes:
            method, template = route.split(" ")
            at = _where(template.removeprefix(API).split("/"), path.split("/"))
            if method != self.method or at is None:
                continue
            said = [*parse_qsl(query), *_leaves(self.body)]
            (field,) = [*at, *(key for key, value in said if value == THING)]
            return route, field
        raise AssertionError(f"no such route: {self.method} {self.path}")


def named_things(document: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Each route with each of its fields that names something."""
    found = set()
    for route, described in routes(document).items():
        for each in described.get("parameters", ()):
            if each["in"] == "path" or each["name"] not in WORDS:
                found.add((route, each["name"]))
        for content in described.get("requestBody", {}).get("content", {}).values():
            fields = _fields(document, content["schema"])
            found |= {(route, each) for each in fields if each not in WORDS}
    return found


def routes(document: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """What is described of every route, by ``METHOD path``."""
    return {
        f"{method.upper()} {path}": described
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    }


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    """The names of all that a body holds but further objects."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name, inner in schema.get("properties", {}).items():
        deeper = list(_fields(document, inner))
        yield from deeper or [name]
    for inner in (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ())):
        yield from _fields(document, inner)


def _where(template: list[str], path: list[str]) -> list[str] | None:
    """The names of what ``path`` leaves open in a route; None if it is another route's."""
    if len(template) != len(path):
        return None
    pairs = list(zip(template, path, strict=True))
    if any(one != other for one, other in pairs if not one.startswith("{")):
        return None
    return [one.strip("{}") for one, other in pairs if other == THING]


def _leaves(body: Any) -> Iterator[tuple[str, Any]]:
    for key, value in body.items() if isinstance(body, dict) else ():
        if isinstance(value, dict):
            yield from _leaves(value)
        else:
            yield key, value[0] if isinstance(value, list) and value else value


def _named(where: Any, thing: Any) -> Any:
    if isinstance(where, dict):
        return {key: _named(value, thing) for key, value in where.items()}
    if isinstance(where, list):
        return [_named(value, thing) for value in where]
    if where == THING and isinstance(thing, int):  # a number is sent as one
        return thing
    return where.replace(THING, str(thing)) if isinstance(where, str) else where
