"""Adds a read with a picture and a malfunction, over and over, and prints the last sequence."""

from __future__ import annotations

import argparse
import resource
import signal
import sys
from pathlib import Path

from edge.spool.errors import SpoolError
from edge.spool.store import Spool
from tests.edge.spool.samples import (
    AGENCY,
    SPOOL_KEY,
    UNIT,
    by_digest,
    malfunction,
    picture_bytes,
    read_with,
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--file-limit", type=int, help="bytes that one file may have")
    arguments = parser.parse_args()
    if arguments.file_limit:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (arguments.file_limit, arguments.file_limit))
    spool = Spool.open(arguments.folder, SPOOL_KEY, agency=AGENCY, unit=UNIT, reserve_bytes=0)
    while True:
        content = picture_bytes(spool.counts().spooled)
        try:
            added = spool.add([read_with(content), malfunction], by_digest(content))
        except SpoolError as error:
            sys.stdout.write(f"SpoolError: {error}\n")
            return
        sys.stdout.write(f"{added[-1].seq}\n")
        sys.stdout.flush()


main()
