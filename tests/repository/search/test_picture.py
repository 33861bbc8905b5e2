"""A picture is shown to a named person for a purpose, on the ledger first, and not otherwise."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, delete, event, insert

from repository.accounts.errors import NotAllowedError, NotYetOpenError, SessionEndedError
from repository.accounts.roles import Role
from repository.accounts.service import Accounts
from repository.accounts.user import User
from repository.bootstrap import build
from repository.cases.service import CaseFiles
from repository.retention import holds
from repository.retention.holds_request import HoldRequest
from repository.retention.rules import shipped_rule
from repository.search.errors import SearchRefusedError
from repository.search.picture import PictureRequest, Pictures
from repository.settings import load_settings
from repository.store.pictures import PictureError, PictureStore
from repository.store.tables.reads import picture_keys, pictures
from tests.repository.ingest.conftest import load_duties
from tests.repository.people import OPERATOR, PASSWORD, Clock, CommandLine, recorded
from tests.repository.picture_files import picture_file, pictures_in
from tests.repository.search.desk import Desk
from tests.repository.sightings import RULE, add_units, sight

FACTS = "Blue sedan left the robbery on Essex Street at 21:40, plate given by a clerk"
JPEG = b"\xff\xd8\xff\xe0 not really a picture"
DIGEST = hashlib.sha256(JPEG).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> PictureStore:
    return pictures_in(tmp_path / "pictures", secrets.token_bytes(32))


@pytest.fixture
def shown(engine: Engine, accounts: Accounts, clock: Clock, store: PictureStore) -> Pictures:
    add_units(engine, clock())
    return Pictures(engine, clock, store, RULE, shipped_rule)


def photograph(
    engine: Engine,
    store: PictureStore,
    at: datetime,
    *,
    kind: str = "plate",
    content: bytes = JPEG,
    read_id: uuid.UUID | None = None,
    unit: int = 1,
) -> uuid.UUID:
    """A read, or one more picture of it, as ingest would have stored it; the read's id."""
    found = read_id or sight(engine, "1ABC20", at, unit=unit)
    sha256 = hashlib.sha256(content).hexdigest()
    with engine.begin() as connection:
        connection.execute(
            insert(pictures).values(
                unit_id=unit, captured_at=at, read_id=found, sha256=sha256, seq=1, kind=kind,
                size_bytes=len(content), width_px=200, height_px=60, stored_at=at,
            )
        )  # fmt: skip
        store.put(connection, at.astimezone(UTC).date(), sha256, content, at)
    return found


def wish(read_id: uuid.UUID | str) -> PictureRequest:
    return PictureRequest(
        read=str(read_id),
        kind="plate",
        purpose="criminal_investigation",
        facts=FACTS,
        case_number="24-1187",
        affirmed=True,
    )


@pytest.mark.policy("C-4a")
@pytest.mark.policy("G-6a")
def test_the_picture_comes_with_its_entry_and_stands_in_the_case_file(
    shown: Pictures, officer: User, engine: Engine, clock: Clock, store: PictureStore
) -> None:
    read_id = photograph(engine, store, clock() - timedelta(hours=1), unit=2)
    small, scene = JPEG[:-1], b"\x89PNG\r\n\x1a\n a scene"
    at = clock() - timedelta(hours=1)
    photograph(engine, store, at, content=small, read_id=read_id, unit=2)
    photograph(engine, store, at, content=scene, kind="scene", read_id=read_id, unit=2)
    answer = shown.show(officer, wish(read_id), "10.0.0.7")
    assert (answer.content, answer.media_type, answer.sha256) == (JPEG, "image/jpeg", DIGEST)
    entry = recorded(engine)[-1]
    assert (entry["index"], entry["action"]) == (answer.ledger_index, "picture.show")
    assert (entry["outcome"], entry["origin"], entry["count"]) == ("done", "10.0.0.7", 1)
    assert entry["actor"]["login"] == officer.login
    assert entry["request"]["picture"] == {"read": str(read_id), "kind": "plate"}
    assert entry["request"]["purpose"]["facts"] == FACTS
    assert entry["result_digest"] == DIGEST
    other = shown.show(officer, replace(wish(read_id), kind="scene"), "10.0.0.7")
    assert (other.content, other.media_type) == (scene, "image/png")
    case = CaseFiles(engine, clock, load_duties).show("salem-pd", "24-1187", OPERATOR, "here")
    assert [each.ledger_index for each in case.searches] == [
        answer.ledger_index,
        other.ledger_index,
    ]
    assert case.searches[0].reads[0].read_id == read_id


@pytest.mark.policy("C-1a")
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"purpose": "curiosity"}, "purpose: "),
        ({"facts": "police business"}, "facts: "),
        ({"case_number": " "}, "case: "),
        ({"affirmed": False}, "affirm: "),
        ({"kind": "face"}, "kind: "),
        ({"read": "../../../etc/passwd"}, "read: expected"),
        ({"read": "1" * 32}, "read: expected"),
        ({"read": str(uuid.UUID(int=0xFFFFFFFFFFFF7FFF8FFFFFFFFFFFFFFF))}, "read: there is no"),
    ],
)
def test_what_does_not_do_is_refused_on_the_record(
    shown: Pictures, officer: User, engine: Engine, clock: Clock, store: PictureStore,
    change: dict[str, object], said: str,
) -> None:  # fmt: skip
    read_id = photograph(engine, store, clock() - timedelta(hours=1))
    with pytest.raises(SearchRefusedError, match=said):
        shown.show(officer, replace(wish(read_id), **change), "here")  # type: ignore[arg-type]
    entry = recorded(engine)[-1]
    assert (entry["action"], entry["outcome"]) == ("picture.show", "refused")
    assert entry["request"]["reason"].startswith(said)


@pytest.mark.policy("C-7b")
@pytest.mark.policy("C-7b-i")
def test_an_expired_picture_is_shown_only_if_its_read_is_held(
    shown: Pictures, officer: User, engine: Engine, clock: Clock, store: PictureStore
) -> None:
    at = clock() - timedelta(days=400)
    held = photograph(engine, store, at)
    expired = photograph(engine, store, at + timedelta(seconds=1))
    hold = HoldRequest("24-1187", "arrest", "Seen near the scene", (held,), None)
    with engine.begin() as connection:
        holds.add(connection, hold, actor=officer.actor, origin="here", now=clock())
        store.keep_held(connection, at.date(), DIGEST)
        connection.execute(delete(picture_keys))
    store.remove_day(at.date())
    assert shown.show(officer, wish(held), "here").content == JPEG
    with pytest.raises(SearchRefusedError, match="there is no such picture"):
        shown.show(officer, wish(expired), "here")


def test_a_refusal_does_not_tell_which_reads_there_are(
    shown: Pictures, officer: User, engine: Engine, clock: Clock, store: PictureStore
) -> None:
    at = clock() - timedelta(hours=1)
    without_scene = photograph(engine, store, at)
    without_file = photograph(engine, store, at + timedelta(seconds=1), content=b"\xff\xd8\xffx")
    picture_file(store, at.date(), hashlib.sha256(b"\xff\xd8\xffx").hexdigest()).unlink()
    without_any = sight(engine, "1ABC20", at)
    expired = photograph(engine, store, clock() - timedelta(days=400))
    never = uuid.UUID(int=without_any.int ^ 1)
    said = set()
    for request in (
        replace(wish(without_scene), kind="scene"),
        *map(wish, (without_file, without_any, expired, never)),
    ):
        with pytest.raises(SearchRefusedError) as caught:
            shown.show(officer, request, "here")
        said.add(str(caught.value))
    assert len(said) == 1


def test_a_damaged_picture_is_not_shown_and_that_is_recorded(
    shown: Pictures, officer: User, engine: Engine, clock: Clock, store: PictureStore
) -> None:
    at = clock() - timedelta(hours=1)
    read_id = photograph(engine, store, at)
    picture_file(store, at.date(), DIGEST).write_bytes(b"damaged")
    with pytest.raises(PictureError, match="was changed"):
        shown.show(officer, wish(read_id), "here")
    assert (recorded(engine)[-1]["outcome"], recorded(engine)[-1]["action"]) == (
        "failed",
        "picture.show",
    )


@pytest.mark.policy("C-3a")
def test_nobody_sees_it_whose_account_is_closed(
    shown: Pictures, officer: User, engine: Engine, clock: Clock, store: PictureStore,
    accounts: Accounts,
) -> None:  # fmt: skip
    read_id = photograph(engine, store, clock() - timedelta(hours=1))
    accounts.close_account("jdoe", OPERATOR, "here")
    with pytest.raises(SessionEndedError):
        shown.show(officer, wish(read_id), "here")
    assert recorded(engine)[-1]["outcome"] == "refused"


@contextmanager
def failing_to_commit(engine: Engine) -> Iterator[None]:
    def refuse(_connection: Connection) -> None:
        raise OSError("the disk is full")

    event.listen(engine, "commit", refuse)
    yield
    event.remove(engine, "commit", refuse)


@pytest.mark.policy("C-4a")
def test_without_its_entry_no_picture(
    shown: Pictures, officer: User, engine: Engine, clock: Clock, store: PictureStore
) -> None:
    read_id = photograph(engine, store, clock() - timedelta(hours=1))
    with failing_to_commit(engine), pytest.raises(OSError, match="full"):
        shown.show(officer, wish(read_id), "here")


def test_the_command_writes_a_new_file_that_others_cannot_read(command_line: CommandLine) -> None:
    command_line.hire("jdoe")
    services = build(load_settings(command_line.settings))
    at = datetime.now(UTC) - timedelta(hours=1)
    add_units(command_line.engine, at, agencies=[1])
    read_id = photograph(command_line.engine, services.pictures, at)
    out = command_line.folder / "plate.jpg"
    words = ("picture", str(read_id), "--kind=plate", f"--out={out}", "--user=jdoe",
             "--purpose=criminal_investigation", f"--facts={FACTS}", "--case=24-1187")  # fmt: skip
    assert "affirm: " in command_line.refused(*words, password=PASSWORD)
    assert not out.exists()
    said = json.loads(command_line.ok(*words, "--affirm", "--json", password=PASSWORD))
    assert (out.read_bytes(), out.stat().st_mode & 0o777) == (JPEG, 0o600)
    assert (said["sha256"], said["media_type"]) == (DIGEST, "image/jpeg")
    assert recorded(command_line.engine)[-1]["index"] == said["ledger_entry"]
    before = len(recorded(command_line.engine))
    assert "File exists" in command_line.refused(*words, "--affirm", password=PASSWORD)
    shown = [each["action"] for each in recorded(command_line.engine)[before:]]
    assert "picture.show" not in shown
    case = command_line.ok("cases", "show", "24-1187", "--agency", "salem-pd")
    assert f"plate picture of read {read_id}" in case


@pytest.mark.policy("C-1b")
@pytest.mark.policy("F-local")
def test_who_may_not_search_sees_no_picture(small_desk: Desk, store: PictureStore) -> None:
    desk = small_desk
    read = photograph(desk.engine, store, desk.clock() - timedelta(hours=1))
    rooms = Pictures(desk.engine, desk.clock, store, RULE, shipped_rule)
    wish = PictureRequest(str(read), "plate", "wrongdoing", FACTS, "24-1187", affirmed=True)
    for user, refusal in (
        (desk.hire("new", Role.OFFICER, trained=False), NotYetOpenError),
        (desk.hire("audit", Role.AUDITOR), NotAllowedError),
    ):
        with pytest.raises(refusal):
            rooms.show(user, wish, "here")
        assert recorded(desk.engine)[-1]["outcome"] == "refused"
    desk.rule(purposes=("court_order",))
    with pytest.raises(SearchRefusedError, match="Ordinance 12"):
        rooms.show(desk.officer, wish, "here")
    with pytest.raises(SearchRefusedError, match="no such picture"):
        rooms.show(desk.hire("roe", Role.OFFICER, agency="boston-pd"), wish, "here")
