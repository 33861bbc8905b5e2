"""The way to the repository: the name, the port, TLS, and whether the broker takes this unit.

The MQTT greeting goes out under a client id of its own: with the daemon's, the broker would throw
the running daemon out. Nothing is subscribed to and nothing published.
"""

from __future__ import annotations

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


def check_broker(settings: Settings, now: datetime) -> Iterator[Finding]:
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
                connection = _context(uplink).wrap_socket(plain, server_hostname=uplink.host)
            except OSError as error:
                yield judge_handshake(where, error)
                return
            yield ok("broker's TLS", "its certificate is from our authority and in its name")
            presented = connection.getpeercert(binary_form=True)
            if presented:
                certificate = x509.load_der_x509_certificate(presented)
                yield judge_dates("broker's certificate", certificate, now)
        with connection:
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
            "look into the broker's log: it may not know this unit's certificate; check "
            "uplink.port too",
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
            "compare uplink.tls.ca with the authority that signed it, uplink.host with its name, "
            "and the unit's clock with the time",
        )
    reason = getattr(error, "reason", None) or error.strerror or type(error).__name__
    return fail(
        "broker's TLS",
        f"no TLS with {where} ({reason})",
        "check that uplink.port is the broker's port for TLS, and the unit's certificate and key",
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
        connection.sendall(greeting(client_id, uplink.username, password))
        answer = connection.recv(4)
        connection.sendall(_DISCONNECT)
    except OSError:
        answer = b""
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
