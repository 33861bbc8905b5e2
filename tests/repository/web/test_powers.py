"""Every route of the API: none without a person, and none to one whose roles do not let them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from repository.bootstrap import build
from repository.settings import load_settings
from repository.web.app import create_app
from tests.repository.people import CHEAP, CommandLine, hire, open_session
from tests.repository.web.test_app import serving

READ = "0195f3a2-7c1b-7def-8a01-23456789abcd"
PUBLIC = {
    "GET /healthz",
    "GET /api/v1/login",
    "POST /api/v1/login",
    "POST /api/v1/login/challenge",
    "POST /api/v1/login-requests",
    "GET /api/v1/ledger/checkpoint",
    "GET /api/v1/ledger/consistency/{old_size}",
    "GET /api/v1/oidc/{agency}/begin",
    "GET /api/v1/oidc/{agency}/callback",
}
"""What anybody may ask."""

OF_UNITS_AND_SERVICES = {
    "GET /api/v1/hotlists/{name}/manifest",
    "GET /api/v1/hotlists/{name}/versions/{version}/list",
    "GET /api/v1/hotlists/{name}/versions/{version}/delta",
    "POST /api/v1/units/sign-in",
    "GET /api/v1/statistics",
    "GET /api/v1/ledger/entries/{index}/proof",
    "PUT /api/v1/hotlist-sources/{list_name}/{source}",
}
"""What no person's token opens."""

OWN_AFFAIRS = {
    "POST /api/v1/logout",
    "POST /api/v1/password",
    "GET /api/v1/acknowledgement",
    "POST /api/v1/acknowledgement",
    "GET /api/v1/second-factors",
    "POST /api/v1/second-factors/totp",
    "POST /api/v1/second-factors/totp/confirm",
    "POST /api/v1/second-factors/passkeys/challenge",
    "POST /api/v1/second-factors/passkeys",
    "POST /api/v1/second-factors/passkeys/{passkey_id}/removal",
    "POST /api/v1/second-factors/recovery-codes",
    "GET /api/v1/sessions",
    "DELETE /api/v1/sessions",
    "DELETE /api/v1/sessions/{session_id}",
    "POST /api/v1/sessions/lock",
    "POST /api/v1/sessions/unlock",
    "POST /api/v1/sessions/unlock/challenge",
    "GET /api/v1/bulletins/unread",
    "POST /api/v1/bulletins/{number}/acknowledgement",
    "POST /api/v1/own-plates",
    "POST /api/v1/own-plates/forget",
}
"""What everybody with an account does for themselves."""

SAID = {
    "quarter": "2026-Q1",
    "plate": "1ABC23",
    "agency": "salem-pd",
    "login": "rroe",
    "scopes": "statistics:read",
    "reads": READ,
    "kind": "prosecutor",
    "purpose": "wrongdoing",
    "facts": "Blue sedan left the robbery on Essex Street at 21:40, plate given by a clerk",
}
_WHY = {"purpose": "wrongdoing", "facts": SAID["facts"], "case": "24-1187", "affirmed": True}
_WHEN = {"from": "2026-02-01T00:00:00Z", "to": "2026-02-02T00:00:00Z"}
BODIES: Mapping[str, Any] = {
    "POST /api/v1/search": {"plate": "1ABC23", **_WHY, **_WHEN},
    "POST /api/v1/search/together": {"plate": "1ABC23", **_WHY, **_WHEN},
    "POST /api/v1/picture": {"read": READ, "kind": "plate", **_WHY},
}
"""What the rooms themselves take apart, so that they record what they refuse."""


@dataclass(frozen=True)
class Visitor:
    """A person in good standing who has no role at all."""

    client: httpx.Client
    token: str
    document: Mapping[str, Any]

    def ask(self, route: str, token: str | None) -> Any:
        """The answer to the route's smallest valid request."""
        method, path = route.split(" ")
        described = self.document["paths"][path][method.lower()]
        query = {}
        for each in described.get("parameters", ()):
            if each["in"] == "path":
                value = str(self._example(each["schema"], each["name"]))
                path = path.replace("{" + each["name"] + "}", value)
            elif each["in"] == "query" and each["required"]:
                query[each["name"]] = str(self._example(each["schema"], each["name"]))
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        content = BODIES.get(route) or self._body(described)
        return self.client.request(method, path, params=query, headers=headers, json=content)

    def _body(self, described: Mapping[str, Any]) -> Any:
        body = described.get("requestBody")
        if body is None:
            return None
        return self._example(next(iter(body["content"].values()))["schema"], "")

    def _example(self, schema: Mapping[str, Any], name: str) -> Any:
        """The smallest value of a schema; ``name`` tells what text it should be."""
        if "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        for several in ("anyOf", "oneOf", "allOf"):
            if several in schema:
                return self._example(schema[several][0], name)
        if "const" in schema or "enum" in schema:
            return schema.get("const", schema.get("enum", [None])[0])
        kind = schema.get("type")
        if kind == "object":
            there = schema.get("properties", {})
            wanted = {
                *schema.get("required", ()),
                *(there.keys() & {"purpose", "facts", "affirmed"}),
            }
            return {each: self._example(schema["properties"][each], each) for each in wanted}
        if kind == "array":
            return [self._example(schema["items"], name)]
        if kind == "integer":
            return int(schema.get("minimum", 1))  # which OpenAPI writes as 1.0
        if kind == "number":
            return schema.get("minimum", 1.0)
        if kind == "boolean":
            return True
        return _text(schema, name)


def _text(schema: Mapping[str, Any], name: str) -> str:
    written = {
        "uuid": READ,
        "date": "2026-02-01",
        "date-time": "2026-02-01T00:00:00Z",
    }
    if schema.get("format") in written:
        return written[schema["format"]]
    if "[0-9a-f]{64}" in schema.get("pattern", ""):
        return "0" * 64
    return SAID.get(name, "words-of-it")


@pytest.fixture(scope="module")
def visitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    line = CommandLine(tmp_path_factory.mktemp("site"))
    services = build(load_settings(line.settings))
    vars(services)["accounts"] = replace(services.accounts, passwords=CHEAP)
    hire(services.accounts, "jdoe", roles=())
    token = open_session(services.accounts).token
    with serving(services) as client:
        yield Visitor(client, token, create_app(services).openapi())
    services.close()


def routes() -> list[str]:
    """Every route, as ``METHOD path``."""
    described = FastAPI.openapi(create_app(None))  # type: ignore[arg-type]
    return [
        f"{method.upper()} {path}"
        for path, methods in described["paths"].items()
        for method in methods
    ]


ROUTES = routes()


def test_what_is_left_out_is_there() -> None:
    assert set(ROUTES) >= PUBLIC | OF_UNITS_AND_SERVICES | OWN_AFFAIRS


@pytest.mark.policy("M-C3")
def test_nothing_is_answered_without_a_token(visitor: Visitor) -> None:
    asked = sorted(set(ROUTES) - PUBLIC)
    answered = {each: visitor.ask(each, None).status_code for each in asked}
    assert {each: code for each, code in answered.items() if code != 401} == {}


@pytest.mark.policy("G-12")
def test_a_person_without_a_role_is_refused_whatever_they_ask(visitor: Visitor) -> None:
    """A route that asks for no power lets somebody through who has no role, and is found."""
    let_through = {}
    for route in sorted(set(ROUTES) - PUBLIC - OF_UNITS_AND_SERVICES - OWN_AFFAIRS):
        answer = visitor.ask(route, visitor.token)
        if (answer.status_code, answer.json()["error"]["code"]) != (403, "not_allowed"):
            let_through[route] = answer.text
    assert let_through == {}
