"""A witness behind real HTTPS that keeps to C2SP tlog-witness: it checks before it takes."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.contract import merkle
from edge.contract.errors import ContractError
from repository.ledger.checkpoints import Checkpoint, open_note
from repository.ledger.errors import LedgerError

SIGNATURE = "\u2014 witness.test AAAAAAAA\n"


@dataclass
class HttpsWitness:
    """What it has, and what it was told; ``down`` makes it answer nothing but 503."""

    origin: str
    public_key: Ed25519PublicKey
    token: str
    url: str = ""
    kept: Checkpoint | None = None
    notes: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    down: bool = False

    def take(self, path: str, token: str | None, body: str) -> tuple[int, str]:
        if self.down:
            return 503, ""
        if path != "/ledger/add-checkpoint" or token != f"Bearer {self.token}":
            return 403, ""
        head, _, note = body.partition("\n\n")
        first, *hashes = head.split("\n")
        old_size = int(first.removeprefix("old "))
        try:
            given = open_note(note, self.origin, self.public_key)
        except LedgerError:
            return 403, ""
        stands = self.kept.size if self.kept else 0
        if old_size != stands:
            return 409, f"{stands}\n"
        if given.size == stands and self.kept and given.root != self.kept.root:
            return 409, f"{stands}\n"
        proof = [base64.b64decode(each) for each in hashes]
        if self.kept is not None:
            try:
                merkle.verify_consistency(stands, given.size, self.kept.root, given.root, proof)
            except ContractError:
                return 422, ""
        self.kept = given
        self.notes.append(note)
        return 200, SIGNATURE


@contextmanager
def serve(witness: HttpsWitness, folder: Path) -> Iterator[Path]:
    """Run it on a free loopback port; the file of its authority."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ca = folder / "witness-ca.pem"
    authority.cert_pem.write_to_path(str(ca))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, answer = witness.take(self.path, self.headers["Authorization"], body)
            witness.statuses.append(status)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer.encode())))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    witness.url = f"https://127.0.0.1:{server.server_address[1]}/ledger"
    thread = threading.Thread(target=server.serve_forever, name="witness")
    thread.start()
    try:
        yield ca
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
