"""A certificate that ends soon is a trouble a month before the broker refuses the unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from edge.uplink.certificate import (
    AHEAD,
    LOOK_EVERY_S,
    CertificateWatch,
    certificate_expires,
    certificate_problem,
)
from edge.uplink.errors import UplinkError

ENDS = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("certificate") / "unit.pem"
    issued = trustme.CA().issue_cert("car-7.boston-pd", not_after=ENDS)
    issued.cert_chain_pems[0].write_to_path(path)
    return path


def test_its_end_is_read_from_the_file(certificate: Path) -> None:
    assert certificate_expires(certificate) == ENDS


@pytest.mark.policy("M-C7")
def test_it_is_a_trouble_a_month_ahead_and_after(certificate: Path) -> None:
    assert certificate_problem(certificate, ENDS - AHEAD - timedelta(seconds=1)) is None
    soon = certificate_problem(certificate, ENDS - AHEAD)
    assert soon is not None
    assert "the unit's certificate ends on 2031-05-06 at 07:08 UTC: have a new one" in soon
    late = certificate_problem(certificate, ENDS)
    assert late is not None
    assert "certificate ended on 2031-05-06" in late


@pytest.mark.parametrize(
    ("content", "sentence"), [(None, "cannot be read"), (b"junk", "is no certificate")]
)
def test_a_file_that_is_none_is_said(tmp_path: Path, content: bytes | None, sentence: str) -> None:
    path = tmp_path / "unit.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UplinkError, match=sentence):
        certificate_expires(path)
    assert sentence in str(certificate_problem(path, ENDS))


def test_it_is_looked_at_every_hour_and_a_new_one_ends_the_trouble(certificate: Path) -> None:
    said: list[str | None] = []
    now = [ENDS]
    watch = CertificateWatch(certificate, lambda: now[0], said.append)
    watch.look(0)
    now[0] = ENDS - timedelta(days=365)
    watch.look(LOOK_EVERY_S - 1)
    assert len(said) == 1
    watch.look(LOOK_EVERY_S)
    assert said[1:] == [None]
    CertificateWatch(None, lambda: ENDS, said.append).look(0)
    assert len(said) == 2
