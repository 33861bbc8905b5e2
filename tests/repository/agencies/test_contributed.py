"""What may be contributed, to whom it is released, and what becomes of an agency that leaves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from edge.contract import records as r
from edge.contract.batch import decode_receipt
from edge.contract.unit_request import sign_request
from repository.agencies import access
from repository.bootstrap import Services
from repository.search.asking import SearchRequest
from repository.search.errors import SearchRefusedError
from repository.search.picture import PictureRequest
from repository.store.engine import reading
from repository.store.tables.reads import pictures, quarantine, reads, unit_records
from repository.units import enrolment
from repository.units.requests import UnitRefusedError, UnitRequests
from tests.repository.people import OPERATOR, hire, sign_in
from tests.repository.sender import AGENCY, PICTURE, Sender, altered
from tests.repository.whole import NOW, Clock, services

MOMENT = NOW - timedelta(minutes=5)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(engine: Engine, tmp_path: Path, clock: Clock) -> Iterator[Services]:
    database = engine.url.render_as_string(hide_password=False)
    made = services(tmp_path / "site", database, clock)
    yield made
    made.close()


@pytest.fixture
def sender(site: Services) -> Sender:
    unit = Sender()
    unit.enrol(site.engine, NOW)
    return unit


def change(site: Services, to: access.Closing | None) -> None:
    with site.engine.begin() as connection:
        access.change(
            connection,
            AGENCY,
            to,
            reason="why",
            requested_by=None,
            actor=OPERATOR,
            origin="here",
            now=NOW,
        )


def join(site: Services, agency: str) -> None:
    """An agency that joins now, with one person in it."""
    with site.engine.begin() as connection:
        enrolment.add_agency(connection, name=agency, title="Later", ori=None, now=NOW)
    hire(site.accounts, "finder", agency)


def found_by_the_finder(site: Services, plate: str = "1ABC23") -> list[str]:
    user = sign_in(site.accounts, "finder")
    request = SearchRequest(
        plate=plate,
        start="2026-01-01T00:00:00+00:00",
        end="2026-04-01T00:00:00+00:00",
        purpose="criminal_investigation",
        facts="A car of this plate was seen near the scene of a burglary.",
        case_number="24-1187",
        affirmed=True,
    )
    return [each.agency for each in site.searches.search(user, request, "here").reads]


@pytest.mark.policy("C-5a")
@pytest.mark.policy("G-12")
@pytest.mark.policy("G-19")
def test_what_an_agency_contributed_is_released_to_one_that_joins_later(
    site: Services, sender: Sender
) -> None:
    site.ingest.take(sender.topic(), sender.message(sender.read(MOMENT)))
    join(site, "later-pd")
    assert found_by_the_finder(site) == [AGENCY]
    change(site, "ended")
    assert found_by_the_finder(site) == [AGENCY]


@pytest.mark.policy("C-6a")
def test_what_its_owner_withdrew_is_found_and_shown_to_its_own_people_alone(
    site: Services, sender: Sender
) -> None:
    read = sender.read(MOMENT, pictures=[PICTURE])
    site.ingest.take(sender.topic(), sender.message(read))
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    site.ingest.take(sender.topic("picture", sha256), PICTURE)
    join(site, "later-pd")
    asked = PictureRequest(
        read=str(read.id),
        kind="plate",
        purpose="criminal_investigation",
        facts="A car of this plate was seen near the scene of a burglary.",
        case_number="24-1187",
        affirmed=True,
    )
    other = sign_in(site.accounts, "finder")
    owner = hire(site.accounts, "owner", AGENCY)
    assert site.shown_pictures.show(other, asked, "here").content == PICTURE
    site.agency_data.withdraw(owner, [read.id], "ours alone", "here")
    assert found_by_the_finder(site) == []
    with pytest.raises(SearchRefusedError):
        site.shown_pictures.show(other, asked, "here")
    assert site.shown_pictures.show(owner, asked, "here").content == PICTURE


@pytest.mark.policy("C-5c")
def test_a_record_of_anything_else_is_refused(site: Services, sender: Sender) -> None:
    for number, changes in enumerate(
        (
            {"type": "person"},
            {"driver_face": "ab" * 32},
            {"plate": "JOHN Q PUBLIC"},
            {"pictures": [{"kind": "face"}]},
        ),
        start=1,
    ):
        other = altered(sender.read(MOMENT), **changes)
        taken = site.ingest.take(sender.topic(), sender.message(other))
        assert (taken.records_kept, taken.records_refused) == (0, 1), changes
        with reading(site.engine) as connection:
            for table in (reads, unit_records, pictures):
                assert connection.scalar(select(func.count()).select_from(table)) == 0
            reasons = connection.scalars(select(quarantine.c.reason)).all()
        assert reasons == ["malformed"] * number


@pytest.mark.policy("C-5c")
def test_a_file_that_is_no_picture_of_a_read_is_refused(site: Services, sender: Sender) -> None:
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    taken = site.ingest.take(sender.topic("picture", sha256), PICTURE)
    assert (taken.outcome, taken.reason) == ("refused", "unknown_picture")
    for body in (b"%PDF-1.7", json.dumps({"type": "report", "text": "seen"}).encode()):
        assert site.ingest.take(sender.topic(), body).reason == "malformed"


@pytest.mark.policy("G-15")
def test_a_read_without_the_minimum_data_set_is_refused_by_name(
    site: Services, sender: Sender
) -> None:
    for missing in ("plate", "captured_at", "position", "camera"):
        lacking = altered(sender.read(MOMENT), **{missing: None})
        taken = site.ingest.take(sender.topic(), sender.message(lacking))
        assert taken.reply is not None
        (refusal,) = decode_receipt(taken.reply.payload).refused
        assert refusal.reason == "incomplete"
        assert refusal.detail.startswith(missing)


@pytest.mark.policy("G-19")
def test_units_of_an_agency_go_on_while_it_is_suspended_and_are_refused_once_it_has_left(
    site: Services, sender: Sender
) -> None:
    change(site, "suspended")
    first = sender.message(sender.read(MOMENT, pictures=[PICTURE]))
    assert site.ingest.take(sender.topic(), first).outcome == "committed"
    change(site, "ended")
    sha256 = hashlib.sha256(PICTURE).hexdigest()
    hit = sender.hit(MOMENT, r.mint_id(MOMENT, bytes))
    second = sender.message(hit)
    for topic, body in (
        (sender.topic(), second),
        (sender.topic("hits"), sender.notice(hit)),
        (sender.topic("picture", sha256), PICTURE),
    ):
        taken = site.ingest.take(topic, body)
        assert taken.reply is not None
        receipt = decode_receipt(taken.reply.payload)
        (refusal,) = receipt.refused
        assert (refusal.seq, refusal.reason) == (None, "unknown_unit"), topic
        assert "takes part no longer" in refusal.detail, topic
        assert receipt.committed_through == 1
    requests = UnitRequests(site.engine, site.clock)
    asked = sign_request(
        agency=AGENCY, unit="car-12", method="GET", path="/x", at=NOW, private_key=sender.key
    )
    with pytest.raises(UnitRefusedError):
        requests.unit_of(asked, method="GET", path="/x", origin="here")
    change(site, None)
    assert requests.unit_of(asked, method="GET", path="/x", origin="here").name == "car-12"
    assert site.ingest.take(sender.topic(), second).outcome == "committed"
