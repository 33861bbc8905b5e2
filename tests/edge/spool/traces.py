"""What a thief finds who takes the disk and not the key: the bytes of a spool's files."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from edge.contract.records import Hit, Read


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file of a spool, by its path in the folder, but for those that hold nothing."""
    files = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {
        str(path.relative_to(folder)): held for path, held in files.items() if held.strip(b"\0")
    }


def traces(folder: Path, records: Iterable[Read | Hit], ages_s: Iterable[float] = ()) -> set[str]:
    """In which files something tells of these records, and what it is.

    An id is looked for in every form that it is written in, and by its first six bytes alone,
    which hold the time of capture; that time also as text and as numbers, to the minute; and ages
    as SQLite and the spool write them.
    """
    signs = {sign: what for record in records for what, sign in _signs(record)}
    signs |= {struct.pack(">d", age_s): "age" for age_s in ages_s}
    return {
        f"{what} in {name}"
        for name, content in files_of(folder).items()
        for sign, what in signs.items()
        if sign in content
    }


def _signs(record: Read | Hit) -> Iterator[tuple[str, bytes]]:
    yield "plate", record.plate.encode()
    for one in {record.id, record.read if isinstance(record, Hit) else record.id}:
        text = str(one)
        yield from (("id", sign) for sign in (text.encode(), one.hex.encode(), one.bytes))
        yield from (("time in an id", sign) for sign in (text[:13].encode(), one.bytes[:6]))
        yield "time in an id", one.hex[:12].encode()
    for clock in (record.captured_at, record.captured_at.astimezone()):
        for form in ("%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%H:%M:%S"):
            yield "time", clock.strftime(form).encode()
    since_1970_s = record.captured_at.timestamp()
    yield "time", struct.pack(">d", since_1970_s)
    yield "time", str(int(since_1970_s)).encode()
    yield "time", struct.pack(">Q", int(since_1970_s * 1000))[2:]
