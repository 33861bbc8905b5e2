"""JSON that two readers could read in two ways: words for yes, parts of a number, a name twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from repository.web.app import create_app, describe
from tests.repository.search.desk import REASON
from tests.repository.web.attacked import FACTS, Site, attacked

VIEW = {
    "read": "0195f3a2-7c1b-7def-8a01-23456789abcd", "kind": "plate", "facts": FACTS,
    "purpose": "criminal_investigation", "case": "24-1187", "affirmed": True,
}  # fmt: skip
RECORDED = {
    "/search": "search.run", "/search/together": "search.run", "/picture": "picture.show",
}  # fmt: skip
"""The routes whose every refusal is on the ledger, and as what."""


@pytest.fixture(scope="module")
def site(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with attacked(tmp_path_factory.mktemp("at") / "site", migrated_sqlite) as opened:
        yield opened


def send(site: Site, method: str, path: str, body: str) -> httpx.Response:
    headers = {
        "Authorization": f"Bearer {site.token('jdoe')}", "Content-Type": "application/json",
    }  # fmt: skip
    return site.client.request(method, f"/api/v1{path}", content=body, headers=headers)


@pytest.mark.policy("C-1a")
@pytest.mark.parametrize(
    ("path", "field", "typed"),
    [
        ("/search", "affirmed", "yes"),
        ("/search", "affirmed", 1),
        ("/search", "hits_only", "off"),
        ("/search", "folded", 1),
        ("/search", "limit", True),
        ("/search", "limit", 5.0),
        ("/search", "limit", "5"),
        ("/search", "request", "1"),
        ("/search", "radius_m", "5"),
        ("/search/together", "affirmed", "yes"),
        ("/search/together", "times", "3"),
        ("/picture", "affirmed", "yes"),
        ("/approvals/search", "affirmed", "yes"),
        ("/approvals/search", "limit", 5.0),
        ("/approvals/together", "times", 3.0),
        ("/approvals/1/decision", "approve", "yes"),
        ("/search-requests/1/decision", "accept", 1),
    ],
)
def test_a_yes_is_true_and_a_number_is_a_number(
    site: Site, path: str, field: str, typed: object
) -> None:
    changed = {field: typed}
    bodies: Mapping[str, Any] = {
        "/search": site.question(near="42.5195,-70.8967", radius_m=50) | changed,
        "/search/together": site.question(**changed),
        "/picture": VIEW | changed,
        "/approvals/search": {"search": site.question(**changed), "reason": REASON},
        "/approvals/together": {"together": site.question(**changed), "reason": REASON},
        "/approvals/1/decision": {"approve": True, "reason": REASON} | changed,
        "/search-requests/1/decision": {"accept": True, "reason": REASON} | changed,
    }
    answer = send(site, "POST", path, json.dumps(bodies[path]))
    assert answer.status_code == 422
    assert f"{field}: Input should be a valid" in answer.json()["error"]["message"]
    if path in RECORDED:
        assert (site.last()["action"], site.last()["outcome"]) == (RECORDED[path], "refused")


def test_a_whole_number_will_do_where_a_part_of_one_may_stand(site: Site) -> None:
    asked = site.question(near="42.5195,-70.8967", radius_m=50)
    assert send(site, "POST", "/search", json.dumps(asked)).status_code == 200


def routes_with_a_body() -> list[tuple[str, str]]:
    """By the description of all routes: the method and path of each that takes an object."""
    return [
        (method.upper(), path.removeprefix("/api/v1"))
        for path, methods in describe()["paths"].items()
        for method, described in methods.items()
        if "application/json" in described.get("requestBody", {}).get("content", {})
    ]


def test_a_name_that_is_told_twice_refuses_the_whole_request(site: Site) -> None:
    routes = routes_with_a_body()
    assert len(routes) > 40
    for method, path in routes:
        for body in (
            '{"affirmed": false, "affirmed": true}',
            '{"search": {"plate": "1ABC20", "pl\\u0061te": "*"}}',
        ):
            answer = send(site, method, path.replace("{", "").replace("}", ""), body)
            assert answer.status_code == 422, (method, path)
            assert "names one thing twice" in answer.text, (method, path)
        if path in RECORDED:
            assert (site.last()["action"], site.last()["outcome"]) == (RECORDED[path], "refused")


@pytest.mark.parametrize("body", ["", "[", "[" * 60_000, "\ufeff{}", "1" * 5_000, '{"a": NaN}'])
def test_what_is_no_json_is_refused_as_that(site: Site, body: str) -> None:
    for path in ("/search", "/picture", "/cases/notes"):
        answer = send(site, "POST", path, body)
        assert answer.status_code in (400, 422), path
        assert "twice" not in answer.text


def typed_models() -> set[type[BaseModel]]:
    """Whatever bodies are made of, by all routes whose bodies the framework reads."""
    routers = [
        each.original_router
        for each in create_app(None).routes  # type: ignore[arg-type]
        if hasattr(each, "original_router")
    ]
    routes = [each for router in routers for each in router.routes if isinstance(each, APIRoute)]
    found = {each.body_field.field_info.annotation for each in routes if each.body_field}
    waiting = list(found)
    while waiting:
        for field in waiting.pop().model_fields.values():
            inner = {
                each
                for each in (field.annotation, *get_args(field.annotation))
                if isinstance(each, type) and issubclass(each, BaseModel)
            }
            waiting += inner - found
            found |= inner
    return found


def what_it_is_not(schema: Mapping[str, Any]) -> Iterator[object]:
    """What a lenient reader takes for a value of that schema."""
    for each in schema.get("anyOf", [schema]):
        if each.get("type") == "boolean":
            yield from ("yes", "true", 1)
        elif each.get("type") == "integer":
            yield from ("1", 1.0, True)
        elif each.get("format") in ("date", "date-time"):
            yield from (1_772_323_200, "1772323200", 1_772_323_200.0)


def test_no_body_takes_a_word_for_yes_or_a_number_for_a_time() -> None:
    """Pydantic's rules but for the strict ones, which those routes have that record refusals."""
    tried = 0
    for model in typed_models():
        for name, schema in model.model_json_schema()["properties"].items():
            for typed in what_it_is_not(schema):
                tried += 1
                with pytest.raises(ValidationError) as refused:
                    model.model_validate({name: typed})
                wrong = {
                    each["loc"][0] for each in refused.value.errors() if each["type"] != "missing"
                }
                assert name in wrong, (model.__name__, name, typed)
    assert tried > 50
