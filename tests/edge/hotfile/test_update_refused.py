"""What is not the signed list, or not for this unit, is refused, and the one in use stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.hotfile.layout import MAGIC
from repository.units import enrolment
from tests.edge.hotfile.update_house import NEW, OLD, Site, require_in_use
from tests.edge.hotfile.update_site import AGENCY, NOON
from tests.repository.listing import LIST, entries, issue
from tests.repository.sender import Sender


@pytest.mark.policy("M-C7")
def test_a_list_that_is_not_the_signed_one_is_refused_and_the_one_in_use_stays(site: Site) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
        site.issue(NEW, name=LIST)
        site.change("UPDATE hotlist_versions SET delta = NULL WHERE version = 2")
        site.change(
            "UPDATE hotlist_parts SET content = CAST(replace(CAST(content AS TEXT), '000004X', "
            "'000004Y') AS BLOB) WHERE version = 2 AND part = 0"
        )
        for _ in range(2):
            unit.look()
            require_in_use(unit, OLD, 1)
            assert "is not version 2: list: its SHA-256" in (unit.trouble or "")
        assert unit.web.fetched_from == [0, 0, 0]


@pytest.mark.policy("M-C7")
@pytest.mark.parametrize(
    ("field", "other"), [('"entries":59', '"entries":58'), (f'"{AGENCY}"', '"northfield-pe"')]
)
def test_an_altered_manifest_is_refused(site: Site, field: str, other: str) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
        site.issue(NEW)
        site.change(
            "UPDATE hotlist_versions SET manifest = CAST(replace(CAST(manifest AS TEXT), ?, ?) "
            "AS BLOB) WHERE version = 2",
            field,
            other,
        )
        unit.look()
        require_in_use(unit, OLD, 1)
        assert "the manifest is not the repository's: signature" in (unit.trouble or "")


@pytest.mark.policy("M-C7")
def test_a_manifest_that_another_key_signed_is_refused(site: Site) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
        site.issue(NEW, key=Ed25519PrivateKey.generate())
        unit.look()
        require_in_use(unit, OLD, 1)
        assert "compare the key in uplink.repository_public_key" in (unit.trouble or "")


def cut(path: Path) -> None:
    """Take a list's last byte away."""
    path.write_bytes(path.read_bytes()[:-1])


def make_former(path: Path) -> None:
    """Make a list one of a former version of its format."""
    content = path.read_bytes()
    path.write_bytes(MAGIC[:-1] + bytes([MAGIC[-1] - 1]) + content[len(MAGIC) :])


@pytest.mark.policy("M-D1")
@pytest.mark.parametrize("spoil", [lambda _: None, cut, make_former])
def test_an_older_version_is_refused_also_after_a_restart(
    site: Site, spoil: Callable[[Path], None]
) -> None:
    site.issue(OLD)
    site.issue(NEW)
    with site.car() as unit:
        unit.look()
        require_in_use(unit, NEW, 2)
        path = unit.folder.in_use(LIST)
        assert path is not None
    with site.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM hotlist_parts WHERE version = 2")
        connection.exec_driver_sql("DELETE FROM hotlist_versions WHERE version = 2")
    spoil(path)
    with site.car() as unit:
        unit.look()
        assert "version 1 is older than version 2" in (unit.trouble or "")
        assert unit.folder.in_use(LIST) == path
        assert unit.web.fetched_from == []


@pytest.mark.parametrize("spoil", [cut, make_former])
def test_a_damaged_list_is_mended_by_the_same_version(
    site: Site, spoil: Callable[[Path], None]
) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
        path = unit.folder.in_use(LIST)
        assert path is not None
    spoil(path)
    with site.car() as unit:
        unit.look()
        require_in_use(unit, OLD, 1)


def test_a_list_that_shrinks_or_grows_too_much_is_refused_before_it_is_fetched(site: Site) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
        for some, said in ((OLD[:20], "has 20 entries"), (entries(200), "has 200 entries")):
            site.issue(some)
            unit.look()
            require_in_use(unit, OLD, 1)
            assert said in (unit.trouble or "")
        assert unit.web.fetched_from == [0]
        site.issue(NEW)
        unit.look()
        require_in_use(unit, NEW, 4)
        assert unit.trouble is None


def test_a_list_dated_ahead_of_the_units_clock_is_refused(site: Site) -> None:
    issue(site.engine, OLD, NOON + timedelta(minutes=10), AGENCY)
    with site.car() as unit:
        unit.look()
        assert unit.folder.current(LIST) is None
        assert "ahead of this unit's clock" in (unit.trouble or "")


def test_a_unit_that_is_revoked_or_has_another_clock_keeps_its_list_and_says_so(site: Site) -> None:
    site.issue(OLD)
    with site.car() as unit:
        unit.look()
    site.issue(NEW)
    with site.car(now=lambda: NOON + timedelta(minutes=6)) as unit:
        unit.look()
        require_in_use(unit, OLD, 1)
        assert "set its clock" in (unit.trouble or "")
    with site.engine.begin() as connection:
        enrolment.revoke_unit(connection, agency=AGENCY, name="car-12", now=NOON)
    with site.car() as unit:
        unit.look()
        require_in_use(unit, OLD, 1)
        assert "enrol the unit" in (unit.trouble or "")


@pytest.mark.policy("M-C7")
def test_another_agencys_list_is_not_had(site: Site) -> None:
    Sender(agency="salem-pd").enrol(site.engine, NOON)
    site.issue(OLD, agency="salem-pd")
    with site.car() as unit:
        unit.look()
        assert unit.folder.current(LIST) is None
        assert "no such list for this unit's agency" in (unit.trouble or "")


@pytest.mark.policy("M-C7")
def test_a_server_that_the_units_authority_did_not_vouch_for_is_not_asked(
    site: Site, tmp_path: Path
) -> None:
    site.issue(OLD)
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other-ca.pem"))
    site.ca_file = tmp_path / "other-ca.pem"
    with site.car() as unit:
        unit.look()
        assert unit.folder.current(LIST) is None
        assert "shows a certificate that hotlist_updates.ca did not sign" in (unit.trouble or "")
