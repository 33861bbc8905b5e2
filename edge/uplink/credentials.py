"""How broker and unit prove to each other who they are, and what is said where they do not."""

from __future__ import annotations

import socket
import ssl
import stat
from pathlib import Path

from edge.uplink.errors import UplinkError


class _TlsSocket(ssl.SSLSocket):
    """A socket that does not outlive a failed handshake, where paho would forget it open."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def connect_failure(error: OSError | ValueError) -> str:
    """What keeps a connection from being made, and what to do."""
    match error:
        case ssl.SSLCertVerificationError(verify_message=reason):
            return f"its certificate is not trusted ({reason}): check ca_file and the host's name"
        case ssl.SSLError(reason=reason):
            return f"TLS cannot be agreed on ({reason}): check the port and the certificates"
        case socket.gaierror():
            return "its name cannot be resolved: check the host's name and the network"
        case TimeoutError():
            return "it does not answer; the unit keeps everything and tries again"
        case OSError(strerror=reason):
            return f"it cannot be reached ({reason}); the unit keeps everything and tries again"
        case _:
            return f"it cannot be connected to ({error}): check the uplink's settings"


def read_password(path: Path | None) -> str | None:
    """The password that is a file's only line; None without a file.

    Raises:
        UplinkError: if it cannot be read, or others can.
    """
    if path is None:
        return None
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise UplinkError(
                f"{path}: others can use this password (mode {mode:04o}): run 'chmod 600 {path}'"
            )
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UplinkError(f"{path}: the broker's password cannot be read ({error})") from error


def tls_context(
    ca_file: Path | None, certificate_file: Path | None, key_file: Path | None
) -> ssl.SSLContext | None:
    """TLS 1.2 or newer to a broker of that authority; None without one.

    Raises:
        UplinkError: if a file cannot be used.
    """
    if ca_file is None:
        if certificate_file is not None:
            raise UplinkError(
                f"{certificate_file}: a certificate is of use with TLS alone: name the "
                "broker's authority in ca_file"
            )
        return None
    try:
        context = ssl.create_default_context(cafile=str(ca_file))
    except OSError as error:
        raise UplinkError(f"{ca_file}: the broker's authority cannot be read ({error})") from error
    context.sslsocket_class = _TlsSocket
    if certificate_file is not None:
        try:
            context.load_cert_chain(certificate_file, key_file)
        except OSError as error:
            raise UplinkError(
                f"{certificate_file}: the unit's certificate or its key cannot be read ({error})"
            ) from error
    return context
