"""Units fetch their agency's lists over real HTTPS, from any byte on; nobody else does."""

from __future__ import annotations

import hashlib
import json
import shutil
import ssl
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from edge.contract.hotlist import decode_delta, verify_manifest
from edge.contract.unit_request import TOLERANCE, sign_request
from repository.accounts.throttle import LIMIT, WINDOW
from repository.hotlists import files
from repository.store.engine import open_engine
from repository.units import enrolment
from repository.web.ranges import UnsatisfiableRangeError, Wanted, wanted
from tests.repository.listing import LIST, SIGNER, Rooms, entries, issue, serving
from tests.repository.people import Clock, recorded
from tests.repository.sender import Sender
from tests.whole_lists import apply_delta, decode_list, encode_list, verify_list

PART_BYTES = 4096
OLD = entries(60)
NEW = [*OLD[5:], *entries(3, first=500_000)]
MANIFEST = f"/api/v1/hotlists/{LIST}/manifest"
FILE = f"/api/v1/hotlists/{LIST}/versions/2/list"
DELTA = f"/api/v1/hotlists/{LIST}/versions/2/delta"

Get = Callable[..., httpx.Response]


@pytest.fixture
def engine(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Engine]:
    """One kind of database serves here: tests/repository/hotlists runs over both."""
    path = tmp_path / "repository.sqlite"
    shutil.copy(migrated_sqlite, path)
    opened = open_engine(f"sqlite:///{path}")
    yield opened
    opened.dispose()


@pytest.fixture
def car(engine: Engine, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Sender:
    """A unit whose agency has a list in two versions, of more than one part each."""
    monkeypatch.setattr(files, "PART_BYTES", PART_BYTES)
    sender = Sender()
    sender.enrol(engine, clock())
    issue(engine, OLD, clock(), sender.agency)
    issue(engine, NEW, clock(), sender.agency)
    return sender


@pytest.fixture
def client(engine: Engine, clock: Clock, tmp_path: Path) -> Iterator[httpx.Client]:
    with serving(Rooms.over(engine, clock), tmp_path) as (port, ca_file):
        trusted = ssl.create_default_context(cafile=str(ca_file))
        with httpx.Client(
            base_url=f"https://127.0.0.1:{port}", verify=trusted, trust_env=False, timeout=60
        ) as opened:
            yield opened


def signed(sender: Sender, path: str, at: datetime, key: Ed25519PrivateKey | None = None) -> str:
    return sign_request(
        agency=sender.agency,
        unit=sender.unit,
        method="GET",
        path=path,
        at=at,
        private_key=key or sender.key,
    )


@pytest.fixture
def get(client: httpx.Client, clock: Clock) -> Get:
    def ask(sender: Sender, path: str, **headers: str) -> httpx.Response:
        authorization = {"Authorization": signed(sender, path, clock())}
        return client.get(path, headers=authorization | headers)

    return ask


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.policy("M-C7")
def test_a_unit_fetches_what_it_can_verify(car: Sender, get: Get) -> None:
    manifest = verify_manifest(get(car, MANIFEST).content, SIGNER.public_key())
    assert (manifest.list.version, manifest.delta_base) == (2, 1)
    answer = get(car, FILE)
    assert answer.headers["ETag"] == f'"{manifest.list.sha256}"'
    assert len(answer.content) > 2 * PART_BYTES
    assert answer.content == encode_list(NEW)
    delta = decode_delta(get(car, DELTA).content)
    made = apply_delta(OLD, LIST, 1, delta)
    assert verify_list(encode_list(made), manifest.list) == made


def test_a_manifest_that_the_unit_has_is_not_sent_again(car: Sender, get: Get) -> None:
    first = get(car, MANIFEST)
    again = get(car, MANIFEST, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert get(car, MANIFEST, **{"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("start", [1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 7])
def test_a_file_is_had_from_any_byte_on(car: Sender, get: Get, start: int) -> None:
    whole = encode_list(NEW)
    tag = f'"{hashlib.sha256(whole).hexdigest()}"'
    answer = get(car, FILE, Range=f"bytes={start}-", **{"If-Range": tag})
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {start}-{len(whole) - 1}/{len(whole)}"
    assert answer.content == whole[start:]
    other = get(car, FILE, Range=f"bytes={start}-", **{"If-Range": '"another file"'})
    assert (other.status_code, other.content) == (200, whole)


def test_a_range_past_the_end_is_refused(car: Sender, get: Get) -> None:
    size = len(encode_list(NEW))
    answer = get(car, FILE, Range=f"bytes={size}-")
    assert refusal(answer) == (416, "no_such_range")
    assert answer.headers["Content-Range"] == f"bytes */{size}"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, Wanted(0, 10, partial=False)),
        ("bytes=0-", Wanted(0, 10, partial=True)),
        ("bytes=4-", Wanted(4, 10, partial=True)),
        ("bytes=4-6", Wanted(4, 7, partial=True)),
        ("bytes=4-99", Wanted(4, 10, partial=True)),
        ("bytes=6-4", Wanted(0, 10, partial=False)),
        ("bytes=-4", Wanted(0, 10, partial=False)),
        ("bytes=1-2,4-5", Wanted(0, 10, partial=False)),
        ("lines=4-", Wanted(0, 10, partial=False)),
    ],
)
def test_ranges_are_read_as_the_standard_says(asked: str | None, expected: Wanted) -> None:
    assert wanted(10, '"tag"', asked, None) == expected
    assert wanted(10, '"tag"', asked, '"tag"') == expected
    assert wanted(10, '"tag"', asked, '"other"') == Wanted(0, 10, partial=False)


def test_a_range_of_nothing_is_none() -> None:
    with pytest.raises(UnsatisfiableRangeError):
        wanted(10, '"tag"', "bytes=10-", None)


@pytest.mark.policy("M-C7")
def test_another_agencys_lists_are_not_there(
    car: Sender, get: Get, engine: Engine, clock: Clock
) -> None:
    stranger = Sender(agency="boston-pd")
    stranger.enrol(engine, clock())
    for path in (MANIFEST, FILE, DELTA):
        assert get(car, path).status_code == 200
        assert refusal(get(stranger, path)) == (404, "no_such_list")


@pytest.mark.policy("M-C7")
def test_nobody_but_an_enrolled_unit_is_answered(
    car: Sender, client: httpx.Client, get: Get, engine: Engine, clock: Clock
) -> None:
    for path in (MANIFEST, FILE, DELTA):
        refused = [
            client.get(path),
            client.get(path, headers={"Authorization": "Bearer abc"}),
            client.get(
                path,
                headers={"Authorization": signed(car, path, clock(), Ed25519PrivateKey.generate())},
            ),
            client.get(path, headers={"Authorization": signed(car, "/healthz", clock())}),
            client.get(path + "?x=1", headers={"Authorization": signed(car, path, clock())}),
            get(Sender(unit="car-99"), path),
        ]
        assert {refusal(answer) for answer in refused} == {(401, "unit_refused")}
        assert len({answer.text for answer in refused}) == 1
    with engine.begin() as connection:
        enrolment.revoke_unit(connection, agency=car.agency, name=car.unit, now=clock())
    for path in (MANIFEST, FILE, DELTA):
        assert refusal(get(car, path)) == (401, "unit_refused")


def test_a_request_signed_at_another_time_is_told_so(
    car: Sender, client: httpx.Client, clock: Clock
) -> None:
    for wrong in (TOLERANCE + timedelta(seconds=1), -TOLERANCE - timedelta(seconds=1)):
        answer = client.get(
            MANIFEST, headers={"Authorization": signed(car, MANIFEST, clock() + wrong)}
        )
        assert refusal(answer) == (401, "unit_clock")
    right = {"Authorization": signed(car, MANIFEST, clock() - TOLERANCE)}
    assert client.get(MANIFEST, headers=right).status_code == 200


def test_wrong_signatures_are_limited_by_address(
    car: Sender, client: httpx.Client, get: Get, clock: Clock
) -> None:
    for _ in range(LIMIT):
        assert refusal(client.get(MANIFEST)) == (401, "unit_refused")
    assert refusal(client.get(MANIFEST)) == (429, "too_many_requests")
    assert get(car, MANIFEST).status_code == 200, "strangers behind its address shut no unit out"
    forged = {"Authorization": signed(car, MANIFEST, clock(), Ed25519PrivateKey.generate())}
    assert refusal(client.get(MANIFEST, headers=forged)) == (429, "too_many_requests")
    clock.time += WINDOW
    assert refusal(client.get(MANIFEST)) == (401, "unit_refused")


def test_a_revoked_unit_does_not_shut_out_those_behind_its_address(
    car: Sender, get: Get, engine: Engine, clock: Clock
) -> None:
    other = Sender(unit="car-13")
    other.enrol(engine, clock())
    with engine.begin() as connection:
        enrolment.revoke_unit(connection, agency=other.agency, name=other.unit, now=clock())
    for _ in range(LIMIT + 1):
        assert refusal(get(other, MANIFEST)) == (401, "unit_refused")
    assert get(car, MANIFEST).status_code == 200


def test_what_units_fetch_is_not_on_the_ledger(car: Sender, get: Get, engine: Engine) -> None:
    before = len(recorded(engine))
    for path in (MANIFEST, FILE, DELTA):
        assert get(car, path).status_code == 200
    assert len(recorded(engine)) == before


@pytest.mark.parametrize(
    "path", ["/api/v1/hotlists/stolen/versions/9/list", "/api/v1/hotlists/wanted/manifest"]
)
def test_what_is_not_there_is_said(car: Sender, get: Get, path: str) -> None:
    assert refusal(get(car, path)) == (404, "no_such_list")
    assert json.loads(get(car, path).text)["error"]["message"].startswith("list northfield-pd/")


def test_there_is_no_delta_where_the_file_serves_better(
    car: Sender, get: Get, engine: Engine, clock: Clock
) -> None:
    issue(engine, entries(60, first=100_000), clock(), car.agency)
    manifest = verify_manifest(get(car, MANIFEST).content, SIGNER.public_key())
    assert (manifest.list.version, manifest.delta_base) == (3, None)
    assert refusal(get(car, DELTA.replace("/2/", "/3/"))) == (404, "no_such_list")
    assert decode_list(get(car, FILE.replace("/2/", "/3/")).content)[0].entry == "E0100000"
