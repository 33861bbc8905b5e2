"""The unit's certificate: in its time, in the unit's name, and with the key beside it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from edge.doctor.findings import Finding, fail, ok, warning
from edge.settings import Settings
from edge.uplink.settings import TlsSettings

SOON = timedelta(days=30)


def check_certificates(settings: Settings, now: datetime) -> Iterator[Finding]:
    """The unit's certificate and the authorities', as they lie on the disk."""
    tls, updates = settings.uplink.tls, settings.hotlist_updates
    if tls is None:
        yield ok("certificate", "none is used: the broker is on this machine")
    else:
        yield from _check_link(tls, f"{settings.unit.agency}.{settings.unit.name}", now)
    if updates is not None and updates.ca is not None and (tls is None or updates.ca != tls.ca):
        yield _check_authority("authority of the lists' web", updates.ca, now)


def _check_link(tls: TlsSettings, name: str, now: datetime) -> Iterator[Finding]:
    certificate = _load(tls.certificate)
    if isinstance(certificate, str):
        yield fail(
            "certificate",
            certificate,
            "have it signed (deploy/README.md, Certificates) and copy it there, owned by the "
            "daemon's user",
        )
    else:
        yield judge_dates("certificate", certificate, now)
        yield judge_name(certificate, name)
        yield _check_key(certificate, tls.key)
    yield _check_authority("authority", tls.ca, now)


def _check_authority(what: str, path: Path, now: datetime) -> Finding:
    authority = _load(path)
    if isinstance(authority, str):
        return fail(
            what, authority, "copy the authority's ca.pem there, owned by the daemon's user"
        )
    return judge_dates(what, authority, now)


def judge_dates(what: str, certificate: x509.Certificate, now: datetime) -> Finding:
    """Whether a certificate is valid now and for a while."""
    ends, begins = certificate.not_valid_after_utc, certificate.not_valid_before_utc
    if now < begins:
        return fail(
            what,
            f"it is valid only from {begins:%Y-%m-%d %H:%M} UTC",
            "look at the clock first: it may be behind; else have a new one signed",
        )
    if now >= ends:
        return fail(
            what,
            f"it expired on {ends:%Y-%m-%d}: no connection that needs it is made any more",
            "have a new one signed (deploy/README.md, Certificates) and restart the daemon",
        )
    if ends - now < SOON:
        return warning(
            what,
            f"it expires on {ends:%Y-%m-%d}, in {(ends - now).days} days",
            "have a new one signed in time (deploy/README.md, Certificates)",
        )
    return ok(what, f"valid until {ends:%Y-%m-%d}")


def judge_name(certificate: x509.Certificate, wanted: str) -> Finding:
    """Whether it is this unit's: the broker knows a unit by its certificate's common name."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    name = str(names[0].value) if names else ""
    if name != wanted:
        return fail(
            "certificate's name",
            f"it is made out to '{name}', this unit is '{wanted}'",
            "have one signed in this unit's name, or correct unit.agency and unit.name",
        )
    return ok("certificate's name", f"it is made out to {wanted}")


def _check_key(certificate: x509.Certificate, key: Path) -> Finding:
    try:
        private = load_pem_private_key(key.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or "it is no private key in PEM"
        return fail(
            "certificate and key",
            f"the key {key} cannot be used ({reason})",
            "put the key that the certificate was asked for with there, owned by the daemon's user "
            "with mode 600; if it is lost, make another and have a certificate signed for it "
            "(deploy/README.md, Certificates)",
        )
    if _public(private.public_key()) != _public(certificate.public_key()):
        return fail(
            "certificate and key",
            "the certificate was signed for another key",
            "have a certificate signed from this key's own request",
        )
    return ok("certificate and key", "they belong together")


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _load(path: Path) -> x509.Certificate | str:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})"
    except ValueError:
        return f"{path} is no certificate in PEM"
