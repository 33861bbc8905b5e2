"""The repository's real web is asked for each list over HTTPS, as the daemon asks it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import Engine

from edge.doctor.findings import Finding
from edge.doctor.web_checks import check_web
from edge.enrolment import enrol, load_keys
from edge.settings import Settings
from repository.store.engine import open_engine
from tests.edge.doctor.units import settings_of, write_settings
from tests.repository.listing import LIST, SIGNER, Rooms, entries, issue, serving
from tests.repository.sender import Sender
from tests.servers import free_port

AGENCY = "northampton-pd"
NOW = datetime.now(UTC)
UPLINK = """
[uplink]
host = "127.0.0.1"
repository_public_key = "receipts.pub"
"""
UPDATES = """
[hotlist_updates]
url = "https://{host}:{port}"
ca = "{ca}"
"""


def fetched(name: str) -> str:
    return f'[[hotlists]]\nname = "{name}"\nfrom = "repository"\n'


@dataclass
class Web:
    """A repository's web with one list, and the folder of a unit that is enrolled there."""

    engine: Engine
    unit: Path
    port: int
    ca: Path

    def settings(self, *names: str, host: str = "127.0.0.1", ca: Path | None = None) -> Settings:
        updates = UPDATES.format(host=host, port=self.port, ca=ca or self.ca)
        return settings_of(self.unit, updates, *map(fetched, names), uplink=UPLINK)

    def asked(self, settings: Settings, now: datetime = NOW) -> list[Finding]:
        return list(check_web(settings, now, runs=False))


@pytest.fixture
def web(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Web]:
    unit = tmp_path / "unit"
    unit.mkdir()
    write_settings(unit)
    public = SIGNER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (unit / "receipts.pub").write_bytes(public)
    database = tmp_path / "repository.sqlite"
    shutil.copy(migrated_sqlite, database)
    engine = open_engine(f"sqlite:///{database}")
    Sender(agency=AGENCY, key=load_keys(unit / "keys").signing_key).enrol(engine, NOW)
    issue(engine, entries(3), NOW - timedelta(hours=1), AGENCY)
    with serving(Rooms.over(engine, lambda: NOW), tmp_path) as (port, ca):
        yield Web(engine, unit, port, ca)


@pytest.mark.policy("M-D1")
def test_each_list_that_the_web_has_for_this_unit_is_well_and_another_is_told(web: Web) -> None:
    found, missing = web.asked(web.settings(LIST, "wanted"))
    assert (found.check, found.verdict) == (f"updates of hot list {LIST}", "ok")
    assert "version 1" in found.found
    assert missing.verdict == "fail"
    assert "has no such list for this unit's agency" in missing.found
    assert missing.do.startswith("import it there")


@pytest.mark.parametrize("wrong", ["key", "clock"])
def test_a_unit_whose_signature_the_web_does_not_take_is_told(web: Web, wrong: str) -> None:
    settings, now = web.settings(LIST), NOW
    if wrong == "clock":
        now += timedelta(hours=1)
    else:
        shutil.rmtree(settings.unit.keys)
        enrol(settings.unit.keys)
    (finding,) = web.asked(settings, now)
    assert "does not take this unit's signature" in finding.found
    assert finding.do.startswith("enrol the unit there with its unit.pub, and set its clock")


def test_a_web_that_another_authority_vouches_for_is_told(web: Web, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    (finding,) = web.asked(web.settings(LIST, ca=other))
    assert "hotlist_updates.ca did not sign" in finding.found
    assert "hotlist_updates.ca" in finding.do
    (finding,) = web.asked(web.settings(LIST, ca=tmp_path / "gone.pem"))
    assert (finding.check, finding.verdict) == ("hot list updates", "fail")
    assert finding.do.startswith("copy the authority's certificate")


def test_a_list_that_another_key_signed_is_told(web: Web) -> None:
    issue(web.engine, entries(2), NOW, AGENCY, "bolo", Ed25519PrivateKey.generate())
    (finding,) = web.asked(web.settings("bolo"))
    assert "is not the repository's" in finding.found
    assert finding.do.startswith("compare the key in uplink.repository_public_key")


def test_a_web_that_is_not_there_is_told_once(web: Web) -> None:
    web.port = free_port()
    (finding,) = web.asked(web.settings(LIST, "wanted"))
    assert (finding.verdict, "cannot be reached" in finding.found) == ("fail", True)
    assert finding.do.startswith("check hotlist_updates.url")


def test_nothing_is_asked_where_nothing_is_fetched_or_the_key_is_the_services_own(
    web: Web,
) -> None:
    assert web.asked(settings_of(web.unit, fetched(LIST), uplink=UPLINK)) == []
    settings = web.settings(LIST)
    assert web.asked(web.settings()) == []
    shutil.rmtree(settings.unit.keys)
    (finding,) = check_web(settings, NOW, runs=False)
    assert (finding.verdict, "unit's key" in finding.found) == ("warning", True)
    (finding,) = check_web(settings, NOW, runs=True)
    assert finding.verdict == "ok"
