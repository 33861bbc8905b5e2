"""What every client of a broker does alike: prove who it is, and to whom it talks."""

from __future__ import annotations

import ssl

import paho.mqtt.client as mqtt

from repository.errors import RepositoryError
from repository.settings import BrokerLink


def secure(client: mqtt.Client, link: BrokerLink, section: str) -> None:
    """Give a client its user and its certificates; ``section`` names its settings in errors.

    Raises:
        RepositoryError: if a file cannot be read or used.
    """
    if link.username is not None:
        client.username_pw_set(link.username, _password(link, section))
    if link.tls is None:
        return
    try:
        context = ssl.create_default_context(cafile=link.tls.ca)
        context.load_cert_chain(link.tls.certificate, link.tls.key)
    except (OSError, ssl.SSLError) as error:
        raise RepositoryError(
            f"{section}.tls: its certificates cannot be used: {error.strerror or error}"
        ) from error
    client.tls_set_context(context)


def _password(link: BrokerLink, section: str) -> str | None:
    if link.password_file is None:
        return None
    try:
        return link.password_file.read_text("utf-8").rstrip("\n")
    except OSError as error:
        raise RepositoryError(
            f"{section}.password_file: {link.password_file}: {error.strerror}"
        ) from error
