"""The way to the repository: the name, the port, TLS, and whether the broker takes this unit.

A daemon that is connected shows that the broker takes this unit, and is not asked for again: where
the broker names each session by its certificate, as ours does, a second one throws the first out.
Otherwise the MQTT greeting goes out, under a client id of its own for brokers that do not. Nothing
is subscribed to and nothing published.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
from collections.abc import Iterator
from datetime import datetime

from cryptography import x509

from edge.doctor.certificate_checks import judge_dates
from edge.doctor.findings import Finding, fail, ok
from edge.settings import Settings
from edge.uplink.settings import UplinkSettings

_TIMEOUT_S = 5.0
_DISCONNECT = b"\xe0\x00"
_CONNACK = 0x20
_CLEAN_SESSION, _HAS_PASSWORD, _HAS_USER = 0x02, 0x40, 0x80
_KEEPALIVE_S = 10
_REFUSALS = {
    1: "it does not speak MQTT 3.1.1",
    2: "it does not like the client's id",
    3: "it is not available now",
    4: "user or password are wrong",
    5: "it does not let this unit in",
}
"""Return codes of MQTT 3.1.1, section 3.2.2.3."""

_FOREIGN = (
    "copy the ca.pem of the authority that signed the broker's certificate to uplink.tls.ca; "
    "somebody else may answer in the broker's place"
)
_UNTRUSTED = {
    9: "check the unit's clock: it may be behind",
    10: "check the unit's clock; if it is right, have the broker's certificate signed anew "
    "(deploy/README.md, Certificates)",
    62: "set uplink.host to the name that the broker's certificate is made out to",
    64: "set uplink.host to the name that the broker's certificate is made out to",
}
"""What to do by OpenSSL's code: not yet valid, expired, another name, another address."""

_ANEW = "have a new one signed (deploy/README.md, Certificates), and restart the daemon"
_ALERTS = {
    "CERTIFICATE_EXPIRED": ("it refuses the unit's certificate, which expired", _ANEW),
    "CERTIFICATE_REVOKED": ("it refuses the unit's certificate, which was revoked", _ANEW),
    "CERTIFICATE_REQUIRED": (
        "it wants a certificate of the unit, and none that it can use was shown",
        "see what is said of the certificate; have one signed by the broker's authority if it is "
        "in order (deploy/README.md, Certificates)",
    ),
    "UNKNOWN_CA": (
        "it refuses the unit's certificate, since another authority than the broker's signed it",
        "have one signed by the broker's authority (deploy/README.md, Certificates), and restart "
        "the daemon",
    ),
    "BAD_CERTIFICATE": ("it refuses the unit's certificate as a wrong one", _ANEW),
    "UNSUPPORTED_CERTIFICATE": ("it refuses the unit's kind of certificate", _ANEW),
    "CERTIFICATE_UNKNOWN": ("it refuses the unit's certificate, and does not say why", _ANEW),
}
"""What is found and what to do, by how OpenSSL's name of the broker's alert ends."""


def check_broker(settings: Settings, now: datetime, *, daemon_connected: bool) -> Iterator[Finding]:
    """One connection to the broker, step by step; the first that fails ends it."""
    uplink = settings.uplink
    where = f"{uplink.host}:{uplink.port}"
    try:
        plain = socket.create_connection((uplink.host, uplink.port), _TIMEOUT_S)
    except OSError as error:
        yield _unreachable(where, error)
        return
    with plain:
        yield ok("broker", f"{where} answers")
        connection: socket.socket = plain
        if uplink.tls is not None:
            try:
                context = _context(uplink)
            except OSError as error:
                yield _unusable_files(error)
                return
            try:
                connection = context.wrap_socket(plain, server_hostname=uplink.host)
            except OSError as error:
                yield judge_handshake(where, error)
                return
            yield ok("broker's TLS", "its certificate is from our authority and in its name")
            presented = connection.getpeercert(binary_form=True)
            if presented:
                certificate = x509.load_der_x509_certificate(presented)
                yield judge_dates("broker's certificate", certificate, now)
        with connection:
            if daemon_connected:
                yield ok("broker's answer", "it has let this unit in: the daemon is connected")
            else:
                yield _greet(connection, settings)


def greeting(client_id: str, user: str | None, password: str | None) -> bytes:
    """An MQTT 3.1.1 CONNECT (section 3.1) of a clean session."""
    flags = _CLEAN_SESSION
    payload = _text(client_id)
    if user is not None:
        flags |= _HAS_USER
        payload += _text(user)
        if password is not None:
            flags |= _HAS_PASSWORD
            payload += _text(password)
    body = _text("MQTT") + struct.pack("!BBH", 4, flags, _KEEPALIVE_S) + payload
    return b"\x10" + _length(len(body)) + body


def judge_answer(answer: bytes) -> Finding:
    """What the broker's answer to the greeting says."""
    if len(answer) < 4 or answer[0] != _CONNACK:
        return fail(
            "broker's answer",
            "it closed the connection, or what it said is not MQTT",
            "check that uplink.port is the broker's; if it is, have the server's administrator "
            "look into the broker's log for this unit",
        )
    if answer[3] == 0:
        return ok("broker's answer", "it lets this unit in")
    return fail(
        "broker's answer",
        _REFUSALS.get(answer[3], f"it refuses for a reason of its own ({answer[3]})"),
        "check the unit's user, password or certificate, and on the server whether the unit is "
        "enrolled and its access rules were written anew",
    )


def judge_handshake(where: str, error: OSError) -> Finding:
    """Why TLS could not be agreed on."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return fail(
            "broker's TLS",
            f"the certificate of {where} is not trusted ({error.verify_message})",
            _UNTRUSTED.get(error.verify_code, _FOREIGN),
        )
    if (refused := judge_alert(error)) is not None:
        return refused
    reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
    return fail(
        "broker's TLS",
        f"no TLS with {where} ({reason})",
        "check that uplink.port is the broker's port for TLS, and the unit's certificate and key",
    )


def judge_alert(error: OSError) -> Finding | None:
    """What a broker says of the unit's certificate by a TLS alert (RFC 8446, section 6.2).

    None if it says nothing of it.
    """
    reason = (getattr(error, "reason", None) or "").upper()
    alert = next((name for name in _ALERTS if reason.endswith(name)), None)
    if alert is None:
        return None
    return fail("broker's answer", *_ALERTS[alert])


def _unusable_files(error: OSError) -> Finding:
    reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
    return fail(
        "broker's TLS",
        f"not tried: the files of uplink.tls cannot be used ({reason})",
        "see what is said of the certificate, its key and the authority",
    )


def _unreachable(where: str, error: OSError) -> Finding:
    if isinstance(error, socket.gaierror):
        return fail(
            "broker",
            f"the name in {where} cannot be resolved",
            "check uplink.host, and whether the unit has a network and a name server",
        )
    reason = "no answer" if isinstance(error, TimeoutError) else error.strerror
    return fail(
        "broker",
        f"{where} cannot be reached ({reason}); the unit keeps everything until it can",
        "check the unit's network, uplink.host and uplink.port, and whether the broker runs",
    )


def _greet(connection: socket.socket, settings: Settings) -> Finding:
    uplink = settings.uplink
    password = None
    if uplink.password_file is not None:
        try:
            password = uplink.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            return fail(
                "broker's answer",
                "not asked: the password cannot be read",
                "see what is said of the broker's password",
            )
    client_id = f"{settings.unit.agency}:{settings.unit.name}:doctor"
    try:
        # Under TLS 1.3 the broker looks at the unit's certificate only after the handshake: it may
        # have left by now, and what it said of that is still to be read.
        with contextlib.suppress(OSError):
            connection.sendall(greeting(client_id, uplink.username, password))
        answer = connection.recv(4)
        with contextlib.suppress(OSError):
            connection.sendall(_DISCONNECT)
    except OSError as error:
        return judge_alert(error) or judge_answer(b"")
    return judge_answer(answer)


def _context(uplink: UplinkSettings) -> ssl.SSLContext:
    tls = uplink.tls
    if tls is None:
        raise ValueError("the settings name no certificates")
    context = ssl.create_default_context(cafile=str(tls.ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(tls.certificate, tls.key)
    return context


def _text(text: str) -> bytes:
    encoded = text.encode("utf-8")
    return struct.pack("!H", len(encoded)) + encoded


def _length(number: int) -> bytes:
    """A length as MQTT writes it, seven bits a byte, the lowest first (section 2.2.3)."""
    encoded = bytearray()
    while True:
        number, low = divmod(number, 128)
        encoded.append(low | (0x80 if number else 0))
        if not number:
            return bytes(encoded)
