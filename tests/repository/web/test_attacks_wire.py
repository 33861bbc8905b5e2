"""What comes over the wire: not HTTP as a browser speaks it, too large, too deep, or not text."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from repository.web.app import create_app
from repository.web.guard import MAX_BODY_BYTES
from tests.repository.web.attacked import Site, attacked

NUL, LONE = "1ABC20\x00", "\ud800"
PATHS = [
    ("search", {"plate": "TEXT"}),
    ("cases/notes", {"case": "24-1187", "text": "TEXT"}),
    ("misuse-reports", {"what": "TEXT"}),
    ("login-requests", {
        "name": "TEXT", "position": "P", "agency": "salem-pd", "phone": "1",
        "email": "a@example.gov", "reason": "R",
    }),
    ("own-plates", {"plate": "TEXT"}),
    ("bulletins", {"about": "policy", "title": "TEXT", "body": "TEXT"}),
    ("login", {"login": "TEXT", "password": "TEXT"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def site(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with attacked(tmp_path_factory.mktemp("at") / "site", migrated_sqlite) as opened:
        yield opened


def raw(site: Site, sent: bytes, *, half: bool = True) -> bytes:
    """All that the server sends back until it hangs up, ``half`` of the connection ended before."""
    url = site.client.base_url
    with socket.create_connection((url.host, url.port or 80), 30) as link:
        link.sendall(sent)
        if half:
            link.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: link.recv(65536), b""))


def statuses(answered: bytes) -> list[int]:
    parts = answered.split(b"HTTP/1.1 ")[1:]
    return [int(each[:3]) for each in parts]


def head(site: Site, method: str, path: str, *lines: str, login: str = "jdoe") -> bytes:
    shown = f"Authorization: Bearer {site.token(login)}"
    first = f"{method} /api/v1/{path} HTTP/1.1"
    return "\r\n".join([first, "Host: localhost", shown, *lines, "", ""]).encode("latin-1")


@pytest.mark.parametrize("text", [NUL, LONE, "\x00", f"{LONE}{LONE}"])
def test_what_is_no_text_is_refused(site: Site, text: str) -> None:
    for path, body in PATHS:
        content = json.dumps(body).replace("TEXT", json.dumps(text)[1:-1])
        headers = {"Authorization": f"Bearer {site.token('jdoe')}"}
        headers["Content-Type"] = "application/json"
        answer = site.client.post(f"/api/v1/{path}", content=content, headers=headers)
        assert 400 <= answer.status_code < 500, (path, answer.text)
        answer.content.decode("utf-8")
        assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "change",
    [
        {"limit": 10**40},
        {"limit": -(10**40)},
        {"radius_m": 1e308, "near": "42.5,-70.9"},
        {"near": "9" * 400 + ",0", "radius_m": 5},
        {"from": "0001-01-01T00:00:00+14:00"},
        {"to": "9999-12-31T23:59:59-14:00"},
        {"request": 2**63},
        {"after": "A" * 5000},
        {"within": ["0,0"] * 5000},
        {"plate": "*" * 5000},
        {"plate": "?" * 12},
        {"emergency": "x" * 5000},
        {"facts": "word " * 5000},
    ],
)
def test_what_is_out_of_all_bounds_is_refused_on_the_record(
    site: Site, change: dict[str, Any]
) -> None:
    answer = site.ask("jdoe", "POST", "/search", site.question(**change))
    assert answer.status_code in (403, 413, 422), answer.text
    entry = site.last()
    assert (entry["action"], entry["outcome"]) == ("search.run", "refused")


@pytest.mark.parametrize("deep", ['{"plate":' * 5000, "[" * 20_000, '{"facts":[' * 3000 + "1"])
def test_deep_json_is_refused(site: Site, deep: str) -> None:
    for path in ("search", "picture", "login", "cases/notes"):
        headers = {"Authorization": f"Bearer {site.token('jdoe')}"}
        headers["Content-Type"] = "application/json"
        answer = site.client.post(f"/api/v1/{path}", content=deep, headers=headers)
        assert answer.status_code in (400, 422), (path, answer.text)


def test_bodies_are_counted_as_they_come_whatever_they_claim(site: Site) -> None:
    def chunks(size: int) -> Iterator[bytes]:
        for _ in range(size // 1024 + 1):
            yield b" " * 1024

    headers = {"Authorization": f"Bearer {site.token('jdoe')}"}
    headers["Content-Type"] = "application/json"
    for path in ("search", "picture", "login", "cases/notes", "evidence", "sessions/unlock"):
        answer = site.client.post(
            f"/api/v1/{path}", content=chunks(MAX_BODY_BYTES), headers=headers
        )
        assert answer.status_code == 413, (path, answer.text)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_body_of_another_kind_is_no_request(site: Site, kind: str) -> None:
    """A form of another site's page sends these without asking first."""
    headers = {"Authorization": f"Bearer {site.token('jdoe')}", "Content-Type": kind}
    for path, body in (("own-plates", {"plate": "1ABC20"}), ("login", {"login": "jdoe"})):
        answer = site.client.post(f"/api/v1/{path}", content=json.dumps(body), headers=headers)
        assert answer.status_code in (400, 415, 422), (path, answer.text)


def test_no_header_or_parameter_makes_another_method_of_it(site: Site) -> None:
    (session, *_) = site.ask("jdoe", "GET", "/sessions").json()["sessions"]
    path = f"/api/v1/sessions/{session['id']}"
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        headers = {"Authorization": f"Bearer {site.token('jdoe')}", name: "DELETE"}
        for method in ("POST", "GET"):
            answer = site.client.request(method, f"{path}?_method=DELETE", headers=headers)
            assert answer.status_code == 405
    assert site.ask("jdoe", "GET", "/sessions").status_code == 200
    for method in ("TRACE", "CONNECT", "PROPFIND", "HEAD"):
        assert statuses(raw(site, head(site, method, "search")))[0] in (400, 404, 405)


def test_a_forged_host_goes_into_no_answer(site: Site) -> None:
    for path in ("login", "oidc/nobody/begin", "sessions/", "search/"):
        headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
        headers["X-Forwarded-Proto"] = "https"
        answer = site.client.get(f"/api/v1/{path}", headers=headers)
        assert "evil.example" not in answer.text
        assert not any("evil.example" in value for value in answer.headers.values())


def test_a_parameter_given_twice_reaches_no_further_than_given_once(site: Site) -> None:
    ends = "from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00Z"
    for agencies in ("agency=boston-pd&agency=salem-pd", "agency=salem-pd&agency=boston-pd"):
        answer = site.ask("eve", "GET", f"/transactions?{agencies}&{ends}")
        named = site.last()["request"]["agency"]
        assert (answer.status_code == 200) == (named == "boston-pd"), answer.text
        assert "jdoe" not in answer.text


def test_two_requests_are_not_made_of_one(site: Site) -> None:
    """Where a proxy and this server could read the length otherwise, it answers neither part."""
    inner = head(site, "POST", "logout", "Content-Length: 0")
    before = site.ask("jdoe", "GET", "/sessions").json()["sessions"]
    for lines, body in (
        (("Content-Length: 0", "Transfer-Encoding: chunked"), b"0\r\n\r\n" + inner),
        (("Content-Length: 5", f"Content-Length: {len(inner)}"), inner),
        (("Transfer-Encoding: xchunked",), b"0\r\n\r\n" + inner),
        (("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), b"0\r\n\r\n" + inner),
        (("Content-Length : 0",), inner),
        (("Content-Length: +0",), inner),
        (("Content-Length: -1",), inner),
        ((f"Content-Length: {len(inner)}\nTransfer-Encoding: chunked",), b"0\r\n\r\n" + inner),
    ):
        answered = raw(site, head(site, "POST", "own-plates", *lines) + body, half=False)
        assert statuses(answered) == [400], (lines, answered)
    assert site.ask("jdoe", "GET", "/sessions").json()["sessions"] == before


@pytest.mark.parametrize("path", ["search", "picture", "login"])
def test_who_hangs_up_halfway_leaves_no_error(
    site: Site, capfd: pytest.CaptureFixture[str], path: str
) -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": f"/api/v1/{path}", "query_string": b"",
        "headers": [(b"authorization", f"Bearer {site.token('jdoe')}".encode())],
        "client": ("127.0.0.1", 1),
    }  # fmt: skip
    asyncio.run(create_app(site.rooms)(scope, receive, send))  # type: ignore[arg-type]
    assert not any(each.get("status", 400) >= 500 for each in sent)
    assert "unforeseen" not in "".join(capfd.readouterr())
