"""A repository for the bench of the API: its settings, reads that nobody took, and its people."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, insert, text

from edge.contract.plates import load_confusables
from repository import business_days
from repository.accounts import totp, users
from repository.accounts.hashing import Passwords
from repository.accounts.people import People
from repository.accounts.roles import Role
from repository.accounts.sessions import Opening
from repository.accounts.standing import Step
from repository.agencies import agreements
from repository.agencies.agreements import Signing
from repository.agencies.agreements_papers import Papers
from repository.bootstrap import Services, build, initialise
from repository.ledger.entry import Actor
from repository.settings import load_settings
from repository.store.partitions import ensure_days
from repository.store.tables.fleet import agencies, units
from repository.units import enrolment

OPERATOR = Actor("os:0", "os:root", "Operator", "")
AGENCIES = 5
DAYS = 10
UNITS = 20
LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
PASSWORD = "blue heron over marsh"  # noqa: S105 - nobody's: people of the bench alone
STREETS = ("Essex", "Derby", "Lafayette", "Boston", "Bridge", "Federal", "Summer", "Canal")
_COLUMNS = (
    "unit_id, captured_at, read_id, agency_id, seq, batch_first_seq, camera, plate, plate_folded, "
    "state, confidence, latitude_deg, longitude_deg, site, has_hits, record, received_at"
)


@dataclass(frozen=True)
class Person:
    """Somebody in full standing, with a session of their own."""

    login: str
    token: str
    facts: str
    case: str
    start: str
    end: str

    def search(self, plate: str) -> bytes:
        """A request for that plate, as it goes over the wire."""
        body = json.dumps(
            {
                "plate": plate,
                "from": self.start,
                "to": self.end,
                "purpose": "criminal_investigation",
                "facts": self.facts,
                "case": self.case,
                "affirmed": True,
            }
        ).encode()
        head = (
            "POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def make(folder: Path, database: str, port: int) -> tuple[Path, Services]:
    """An empty repository in that folder: its settings, and what works with them."""
    path = folder / "repository.toml"
    lines = [
        f"data = {json.dumps(str(folder / 'data'))}",
        f"database = {json.dumps(database)}",
        "[web]",
        f"port = {port}",
        "[accounts.sessions]",
        "requests_per_min = 100000",
        "searches_per_min = 10000",
        "requests_per_min_and_address = 1000000",
    ]
    path.write_text("\n".join(lines) + "\n")
    settings = load_settings(path)
    initialise(settings)
    return path, build(settings)


def fill(services: Services, reads: int, rng: random.Random) -> Sequence[str]:
    """Store so many reads of the last days; the plates that they show."""
    fold = load_confusables().fold
    plates = [
        "".join([*rng.choices(LETTERS, k=3), *rng.choices("0123456789", k=4)])
        for _ in range(max(100, reads // 4))
    ]
    now = services.clock()
    with services.engine.begin() as connection:
        _add_fleet(connection, now)
        ensure_days(connection, [(now - timedelta(days=day)).date() for day in range(DAYS + 1)])
        driver = connection.connection.driver_connection
        assert driver is not None  # noqa: S101 - for the type alone
        with driver.cursor() as cursor, cursor.copy(f"COPY reads ({_COLUMNS}) FROM STDIN") as copy:
            for seq in range(reads):
                at = now - timedelta(days=DAYS * rng.random())
                copy.write(_line(at, seq, rng.choice(plates), rng, fold))
        connection.execute(
            text(
                "INSERT INTO plates (plate) SELECT DISTINCT plate FROM reads ON CONFLICT DO NOTHING"
            )
        )
    with services.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    return plates


def hire(services: Services, number: int, rng: random.Random) -> list[Person]:
    """So many people of every agency, each through all steps of the first day, and signed in."""
    # As real as the others, but for the time that hundreds of hashes take.
    accounts = replace(services.accounts, passwords=Passwords(memory_kib=64, passes=1))
    people = People(accounts)
    now = services.clock()
    found = []
    for one in range(number):
        login, name = f"officer{one}", f"Officer {one}"
        once = accounts.add(
            login, name, f"pd-{one % AGENCIES}", OPERATOR, "bench",
            roles=[Role.OFFICER], position="Officer",
        )  # fmt: skip
        today = business_days.day_of(now)
        people.record_training(OPERATOR, login, "First use", "Sgt. Poe", today, "bench")
        accounts.change_password(login, once, PASSWORD, "bench")
        user = accounts.sign_in(login, PASSWORD, "bench", before=Step.ACKNOWLEDGEMENT)
        accounts.acknowledge(user, accounts.words().sha256, name, "bench")
        secret = base64.b32decode(accounts.new_secret(user, "bench").secret)
        accounts.confirm_secret(user, totp.code(secret, accounts.now()), "bench")
        with services.engine.begin() as connection:
            users.lock(connection, user.id)
            opening = Opening("127.0.0.1", second_factor=True)
            token = accounts.begin_session(connection, user, opening).token
        facts = (
            f"A clerk at {rng.randrange(300)} {rng.choice(STREETS)} Street wrote the plate down as "
            f"the sedan left the robbery at {rng.randrange(24)}:{rng.randrange(10, 60)}"
        )
        start, end = (now - timedelta(days=DAYS)).isoformat(), now.isoformat()
        found.append(Person(login, token, facts, f"26-{one}", start, end))
    return found


def _add_fleet(connection: Connection, now: datetime) -> None:
    papers = Papers(lambda: bytes(32), lambda count: bytes(count))
    connection.execute(
        insert(agencies),
        [
            {"id": one + 1, "name": f"pd-{one}", "title": f"Police {one}", "created_at": now}
            for one in range(AGENCIES)
        ],
    )
    for one in range(AGENCIES):
        signing = Signing(
            version="1",
            text=b"Who signs this keeps to the policy.",
            copy=b"%PDF-1.7 signed",
            signed_by="Ruth Roe",
            signed_as="Chief of Police",
            signed_on=business_days.day_of(now),
        )
        agency = enrolment.require_agency(connection, f"pd-{one}")
        agreements.sign(connection, papers, agency, signing, by="Operator", now=now)
    connection.execute(
        insert(units),
        [
            {
                "id": one + 1,
                "agency_id": one % AGENCIES + 1,
                "name": f"car-{one}",
                "key_id": f"{one:016x}",
                "public_key": bytes(32),
                "created_at": now,
            }
            for one in range(UNITS)
        ],
    )


def _line(
    at: datetime, seq: int, plate: str, rng: random.Random, fold: Callable[[str], str]
) -> str:
    unit = rng.randrange(UNITS)
    read_id = UUID(int=(int(at.timestamp() * 1000) << 80) | rng.getrandbits(76))
    record = json.dumps(
        {
            "characters": [{"alternatives": [[char, 0.96], ["A", 0.03]]} for char in plate],
            "engine": {"software": "bench", "models": [{"name": "reader", "sha256": "0" * 64}]},
        }
    )
    moment = at.isoformat()
    return (
        f"{unit + 1}\t{moment}\t{read_id}\t{unit % AGENCIES + 1}\t{seq}\t1\tfront\t{plate}\t"
        f"{fold(plate)}\tMA\t0.97\t{rng.uniform(42.2, 42.6):.6f}\t{rng.uniform(-71.3, -70.8):.6f}"
        f"\t\\N\tf\t\\\\x{record.encode().hex()}\t{moment}\n"
    )
