"""A certificate is told apart by its time, its name and its key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from edge.doctor.certificate_checks import check_certificates
from edge.doctor.findings import Finding
from tests.edge.doctor.test_broker_checks import TLS
from tests.edge.doctor.units import settings_of

NOW = datetime.now(UTC)


def look(folder: Path, now: datetime = NOW) -> dict[str, Finding]:
    return {one.check: one for one in check_certificates(settings_of(folder, TLS), now)}


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    return made


def write(
    folder: Path, authority: trustme.CA, name: str = "northampton-pd.car-12", days: int = 400
) -> None:
    made = authority.issue_cert(common_name=name, not_after=NOW + timedelta(days=days))
    made.private_key_pem.write_to_path(folder / "unit.key")
    made.cert_chain_pems[0].write_to_path(folder / "unit.pem")


def test_one_in_its_time_in_the_units_name_with_its_key_is_well(
    tmp_path: Path, authority: trustme.CA
) -> None:
    write(tmp_path, authority)
    found = look(tmp_path)
    assert {one.verdict for one in found.values()} == {"ok"}
    assert list(found) == ["certificate", "certificate's name", "certificate and key", "authority"]


@pytest.mark.parametrize(("days", "verdict"), [(400, "ok"), (20, "warning"), (-1, "fail")])
def test_the_authority_of_the_lists_web_is_looked_at_where_it_is_another(
    tmp_path: Path, authority: trustme.CA, days: int, verdict: str
) -> None:
    write(tmp_path, authority)
    made = authority.issue_cert(common_name="web", not_after=NOW + timedelta(days=days))
    made.cert_chain_pems[0].write_to_path(tmp_path / "web-ca.pem")
    updates = '[hotlist_updates]\nurl = "https://alpr.example.gov"\nca = "{}"\n'

    def named(ca: str, *more: str) -> dict[str, Finding]:
        settings = settings_of(tmp_path, updates.format(ca), *more)
        return {one.check: one for one in check_certificates(settings, NOW)}

    for more in ((TLS,), ()):
        found = named("web-ca.pem", *more)["authority of the lists' web"]
        assert (found.verdict, "broker" in found.found + found.do) == (verdict, False)
    assert "authority of the lists' web" not in named("ca.pem", TLS)
    assert "cannot be read" in named("gone.pem")["authority of the lists' web"].found


@pytest.mark.parametrize(
    ("days", "verdict", "says"),
    [(29, "warning", "expires on"), (31, "ok", "valid until"), (-1, "fail", "expired on")],
)
def test_the_end_is_said_a_month_ahead(
    tmp_path: Path, authority: trustme.CA, days: int, verdict: str, says: str
) -> None:
    write(tmp_path, authority, days=days)
    finding = look(tmp_path)["certificate"]
    assert (finding.verdict, says in finding.found) == (verdict, True)


def test_before_its_time_the_clock_is_suspected(tmp_path: Path, authority: trustme.CA) -> None:
    write(tmp_path, authority)
    finding = look(tmp_path, datetime(1990, 1, 1, tzinfo=UTC))["certificate"]
    assert finding.verdict == "fail"
    assert "clock" in finding.do


def test_another_units_certificate_and_another_key_are_told(
    tmp_path: Path, authority: trustme.CA
) -> None:
    write(tmp_path, authority, name="northampton-pd.car-13")
    key = (tmp_path / "unit.key").read_bytes()
    assert "car-13" in look(tmp_path)["certificate's name"].found
    write(tmp_path, authority)
    (tmp_path / "unit.key").write_bytes(key)
    assert "another key" in look(tmp_path)["certificate and key"].found


def test_files_that_are_missing_or_none_are_told(tmp_path: Path, authority: trustme.CA) -> None:
    found = look(tmp_path)
    assert "No such file" in found["certificate"].found
    write(tmp_path, authority)
    (tmp_path / "unit.key").write_text("-----")
    (tmp_path / "ca.pem").write_text("-----")
    found = look(tmp_path)
    assert "no private key" in found["certificate and key"].found
    assert "no certificate" in found["authority"].found


def test_without_tls_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    (finding,) = check_certificates(settings_of(tmp_path), NOW)
    assert finding.verdict == "ok"
