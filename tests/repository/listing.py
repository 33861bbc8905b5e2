"""The repository's web over real HTTPS on loopback, and lists issued for tests."""

from __future__ import annotations

import hashlib
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine

from edge.contract.hotlist import (
    HotlistEntry,
    HotlistManifest,
    HotlistVersion,
    encode_manifest,
    sign_manifest,
)
from repository.hotlists import lines, versions
from repository.hotlists.service import UnitHotlists
from repository.ledger.entry import SYSTEM
from repository.units.requests import UnitRequests
from repository.web.app import create_app
from repository.web.server import make_server

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LIST = "stolen"


@dataclass(frozen=True)
class Rooms:
    """The rooms that the web calls for units."""

    hotlists: UnitHotlists

    @classmethod
    def over(cls, engine: Engine, now: Callable[[], datetime]) -> Rooms:
        return cls(UnitHotlists(engine, UnitRequests(engine, now), now))


@contextmanager
def serving(rooms: Rooms, folder: Path) -> Iterator[tuple[int, Path]]:
    """A port on loopback that answers in TLS, and the file of its authority's certificate."""
    authority = trustme.CA()
    ca_file, pem = folder / "web-ca.pem", folder / "web.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    server = make_server(create_app(rooms))
    server.config.ssl_certfile = server.config.ssl_keyfile = str(pem)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="web")
        thread.start()
        try:
            yield listener.getsockname()[1], ca_file
        finally:
            server.should_exit = True
            thread.join()


def entries(count: int, first: int = 0, note: str = "") -> list[HotlistEntry]:
    """Entries with rising ids, each with a plate of its own."""
    return [
        HotlistEntry(
            entry=f"E{number:07}",
            plate=f"{number:06}X",
            state="MA",
            kind="stolen_vehicle",
            priority=2,
            entered=None,
            expires=None,
            note=note,
        )
        for number in range(first, first + count)
    ]


def issue(
    engine: Engine,
    some: Sequence[HotlistEntry],
    now: datetime,
    agency: str,
    name: str = LIST,
    key: Ed25519PrivateKey = SIGNER,
) -> HotlistManifest:
    """Issue the list's next version."""
    with engine.begin() as connection:
        return versions.issue(
            connection,
            versions.lock_list(connection, agency, name, make_at=now),
            lines.of_entries(some),
            as_of=now,
            private_key=key,
            actor=SYSTEM,
            origin="test",
            now=now,
        )


def manifest(agency: str, name: str, version: int, body: bytes, now: datetime) -> bytes:
    """The signed manifest of a list's file, made elsewhere."""
    described = HotlistVersion(
        name=name,
        version=version,
        issued_at=now,
        entries=body.count(b"\n"),
        sha256=hashlib.sha256(body).hexdigest(),
        size_bytes=len(body),
    )
    return encode_manifest(
        sign_manifest(
            agency=agency,
            version=described,
            previous_version=None,
            delta_base=None,
            private_key=SIGNER,
        )
    )
