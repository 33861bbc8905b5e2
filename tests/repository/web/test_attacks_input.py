"""What is typed: fields nobody offers, SQL, formulas for spreadsheets, and paths out of folders."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from repository.web.app import describe
from tests.repository.people import PASSWORD, hire
from tests.repository.web.attacked import FACTS, Site, attacked

SQL = ["' OR '1'='1", "1ABC20'; DROP TABLE reads; --", "%' UNION SELECT login FROM users --", "%"]
FORMULAS = ['=HYPERLINK("http://e.example")', "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", " =1+1"]
WAYS_OUT = ["../../keys/ledger.pem", "..%2f..%2fkeys", "/etc/passwd", "....//keys", "a/../../b"]
EXTRA = {
    "roles": ["operator"], "agency_id": 2, "agency": "boston-pd", "approved_by": "jdoe", "id": 1,
    "user_id": "x", "must_change_password": False, "approval": 1, "decision": "approved",
}  # fmt: skip


@pytest.fixture(scope="module")
def site(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with attacked(tmp_path_factory.mktemp("at") / "site", migrated_sqlite) as opened:
        yield opened


def test_no_field_is_taken_that_is_not_offered(site: Site) -> None:
    """Of every route that takes an object, by the description of all of them."""
    document = describe()
    found = 0
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            content = described.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema")
            if schema is None:
                continue
            name = schema.get("$ref", "").rpartition("/")[2]
            model = document["components"]["schemas"][name] if name else schema
            assert model.get("additionalProperties") is False, f"{method} {path}"
            found += 1
    assert found > 40


@pytest.mark.parametrize("field", sorted(EXTRA))
def test_a_field_more_refuses_the_whole_request(site: Site, field: str) -> None:
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/search", site.question()),
        ("/own-plates", {"plate": "1ABC20"}),
        ("/cases/notes", {"case": "24-1187", "text": "Owner interviewed"}),
        ("/password", {"current": PASSWORD, "new": "another heron over the marsh"}),
        ("/approvals/1/decision", {"approve": True, "reason": "One town"}),
    ]
    for path, body in asked:
        if field in body or (path == "/search" and field == "agency"):
            continue
        answer = site.ask("jdoe", "POST", path, body | {field: EXTRA[field]})
        assert answer.status_code == 422, (path, answer.text)
        assert field in answer.json()["error"]["message"]


@pytest.mark.parametrize("typed", SQL)
def test_sql_in_what_is_typed_is_only_text(site: Site, typed: str) -> None:
    for change in ({"plate": typed}, {"case": typed}, {"unit": typed}, {"after": typed}):
        answer = site.ask("jdoe", "POST", "/search", site.question(**change))
        if answer.status_code == 200:  # a case number is whatever an agency writes
            assert "case" in change
            assert answer.json()["count"] == 1
        else:
            assert answer.status_code in (403, 422)
            assert "syntax" not in answer.text.lower()
    site.made("jdoe", "/search", site.question(facts=f"{FACTS} {typed}"))
    note = {"case": "24-1187", "text": f"Owner said {typed}"}
    site.made("jdoe", "/cases/notes", note)
    shown = site.ask("jdoe", "GET", "/cases/file?number=24-1187").json()
    assert json.dumps(note["text"]) in json.dumps(shown["events"][-1])
    assert json.dumps(f"{FACTS} {typed}") in json.dumps(shown["searches"][-1])


@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_name_leads_out_of_its_folder(site: Site, way: str) -> None:
    why = {"purpose": "criminal_investigation", "facts": FACTS, "case": "24-1187"}
    for body in ({"read": way, "kind": "plate"}, {"read": str(way), "kind": way}):
        answer = site.ask("jdoe", "POST", "/picture", body | why | {"affirmed": True})
        assert answer.status_code == 422
    packed = {"case": "24-1187", "reads": [way], "affirmed": True, **why}
    assert site.ask("jdoe", "POST", "/evidence", packed).status_code == 422
    for path in ("sessions", "alerts", "users", "hotlists", "quarterly/searches", "audits"):
        answer = site.client.get(f"/api/v1/{path}/{way}")
        assert answer.status_code in (401, 404, 405, 422)
        assert "PRIVATE KEY" not in answer.text
        assert "root:" not in answer.text


def test_no_cell_of_an_export_is_a_formula(site: Site) -> None:
    hire(site.rooms.accounts, "mallory", name="=HYPERLINK(1)")
    site.made("mallory", "/search", site.question())
    for number, formula in enumerate(FORMULAS):
        asked = site.question(case=f"{formula}{number}", facts=f"{formula} {FACTS}")
        assert site.ask("sroe", "POST", "/search", asked).status_code in (200, 422)
        site.ask("sroe", "POST", "/search", site.question(plate=formula))
    now = site.clock().date()
    site.clock.now += timedelta(days=40)  # quarters are reported that are over
    site.tokens.clear()
    period = f"from={now}T00:00:00Z&to={now}T23:00:00Z"
    exports = [
        f"/transactions?agency=salem-pd&{period}&format=csv",
        f"/quarterly/searches/{now.year}-Q{(now.month + 2) // 3}?agency=salem-pd",
    ]
    for path in exports:
        answer = site.ask("jdoe", "GET", path)
        assert answer.status_code == 200, answer.text
        rows = list(csv.reader(io.StringIO(answer.text, newline="")))
        assert len(rows) > 3
        assert {len(row) for row in rows} == {len(rows[0])}
        cells = [cell for row in rows for cell in row]
        assert not [cell for cell in cells if cell.strip()[:1] in ("=", "+", "-", "@")]
        assert "'=HYPERLINK(1)" in cells
