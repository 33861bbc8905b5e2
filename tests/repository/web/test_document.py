"""The API's description: whole, printed for integrators, and closed to strangers."""

from __future__ import annotations

import json

import jsonschema
from click.testing import CliRunner

from repository.cli import main
from repository.web.app import describe
from tests.repository.web.test_powers import OF_UNITS_AND_SERVICES, PUBLIC, ROUTES

DOCUMENT = describe()


def test_the_description_is_printed_for_integrators() -> None:
    done = CliRunner().invoke(main, ["openapi"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == DOCUMENT


def test_it_says_what_each_route_asks_for() -> None:
    asked = {
        f"{method.upper()} {path}": {
            name for each in described.get("security", ()) for name in each
        }
        for path, methods in DOCUMENT["paths"].items()
        for method, described in methods.items()
    }
    assert set(asked) == set(ROUTES)
    for route, shown in asked.items():
        if route in PUBLIC:
            assert shown == set(), route
        elif route in OF_UNITS_AND_SERVICES:
            assert shown in ({"unit"}, {"service"}), route
        else:
            assert shown == {"person", "browser"}, route


def test_bodies_that_a_route_takes_apart_by_itself_are_described_too() -> None:
    paths = DOCUMENT["paths"]
    for path in ("/api/v1/search", "/api/v1/search/together", "/api/v1/picture"):
        schema = paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["additionalProperties"] is False
        assert {"purpose", "facts", "case", "affirmed"} <= schema["properties"].keys()


def test_every_refusal_is_described_in_its_one_shape() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for described in methods.values():
            refusals = {
                status: answer["content"]["application/json"]["schema"]["$ref"]
                for status, answer in described["responses"].items()
                if int(status) >= 400
            }
            if path.startswith("/api/"):
                assert {"401", "403", "404", "413", "422", "429", "503"} <= refusals.keys()
            assert set(refusals.values()) <= {"#/components/schemas/Refusal"}
