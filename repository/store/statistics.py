"""How much is stored: numbers alone, with no plate, person or place."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Table, func, select

from repository.store.tables.reads import hits, pictures, quarantine, reads, unit_records


def count(connection: Connection) -> dict[str, int]:
    """Rows of each kind; ``records`` is the sum of reads, hits and other records."""

    def rows(table: Table, *where: ColumnElement[bool]) -> int:
        statement = select(func.count()).select_from(table).where(*where)
        return int(connection.execute(statement).scalar_one())

    numbers = {"reads": rows(reads), "hits": rows(hits), "other_records": rows(unit_records)}
    return {
        "records": sum(numbers.values()),
        **numbers,
        "pictures_held": rows(pictures, pictures.c.stored_at.is_not(None)),
        "pictures_missing": rows(pictures, pictures.c.stored_at.is_(None)),
        "quarantined": rows(quarantine),
    }
