"""When a certificate ends, and that it soon will."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from edge.uplink.errors import UplinkError

AHEAD = timedelta(days=30)
LOOK_EVERY_S = 3600.0


def certificate_expires(path: Path) -> datetime:
    """The moment, in UTC, after which the first certificate of a PEM file is no longer valid.

    Raises:
        UplinkError: if there is no certificate in it.
    """
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise UplinkError(f"{path}: the certificate cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise UplinkError(f"{path}: this is no certificate: name the PEM file of one") from error
    return certificate.not_valid_after_utc


def certificate_problem(path: Path, now: datetime) -> str | None:
    """One sentence if the certificate ends within ``AHEAD``, ended, or cannot be read."""
    try:
        expires = certificate_expires(path)
    except UplinkError as error:
        return str(error)
    if expires - now > AHEAD:
        return None
    verb = "ended" if expires <= now else "ends"
    return (
        f"{path}: the unit's certificate {verb} on {expires:%Y-%m-%d} at {expires:%H:%M} UTC: have "
        "a new one issued; without it the broker refuses this unit"
    )


class CertificateWatch:
    """Looks at the unit's certificate now and then, long before the broker refuses it."""

    def __init__(
        self,
        path: Path | None,
        utc_now: Callable[[], datetime],
        on_problem: Callable[[str | None], None],
    ) -> None:
        """``on_problem`` is told at each look what is wrong, or None."""
        self._path = path
        self._utc_now = utc_now
        self._on_problem = on_problem
        self._looked_s: float | None = None

    def look(self, now_s: float) -> None:
        """Look, unless that was less than ``LOOK_EVERY_S`` ago by a monotonic clock."""
        if self._path is None:
            return
        if self._looked_s is None or now_s - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = now_s
            self._on_problem(certificate_problem(self._path, self._utc_now()))
