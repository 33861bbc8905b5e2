"""The tree's hashes in tiles, so that a proof reads a few rows whatever the ledger's size.

Layout, that of C2SP ``tlog-tiles``: tile ``index`` of ``level`` holds, one after another, the
hashes of the nodes ``256 * index`` and following at height ``8 * level`` of the RFC 9162 tree, 256
in a full tile. Invariants:

- A tile of level 0 is written when its 256th entry is, in the same transaction; the leaves after
  the last full one are read from the entries themselves.
- With a full tile its root joins the growing tile above, again in the same transaction.
- Tiles follow from the entries. They are never evidence: a proof made of them is checked against a
  signed checkpoint before anybody sees it, `verify` compares them all, and they can be made anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, func, insert, select, tuple_

from edge.contract import merkle
from repository.ledger.errors import LedgerError
from repository.store.rows import put
from repository.store.tables.ledger import ledger_entries, ledger_tiles

WIDTH = 256
"""Hashes in a full tile."""
_HEIGHT = 8
_HASH_BYTES = 32
_TILES_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile as it stands, or should stand, in the database."""

    level: int
    index: int
    hashes: bytes

    @property
    def name(self) -> str:
        """The tile in words, with the entries that it covers."""
        span = WIDTH ** (self.level + 1)
        return f"tile {self.level}/{self.index} (of the entries from {self.index * span})"


@dataclass(slots=True)
class Builder:
    """The tiles of a tree, from its leaf hashes in order."""

    _growing: list[list[bytes]] = field(default_factory=lambda: [[]])
    _full: list[int] = field(default_factory=lambda: [0])

    def add(self, hashed: bytes) -> list[Tile]:
        """The tiles that the next leaf hash makes full, lowest first."""
        done: list[Tile] = []
        level = 0
        while True:
            hashes = self._growing[level]
            hashes.append(hashed)
            if len(hashes) < WIDTH:
                return done
            done.append(Tile(level, self._full[level], b"".join(hashes)))
            hashed = merkle.root(hashes)
            self._growing[level] = []
            self._full[level] += 1
            level += 1
            if level == len(self._growing):
                self._growing.append([])
                self._full.append(0)

    def growing(self) -> list[Tile]:
        """The tiles above level 0 that are not full yet."""
        return [
            Tile(level, self._full[level], b"".join(hashes))
            for level, hashes in enumerate(self._growing)
            if level and hashes
        ]

    def count(self, level: int) -> int:
        """The tiles that stand at that level, the growing one included."""
        if level >= len(self._full):
            return 0
        return self._full[level] + bool(level and self._growing[level])


def grow(connection: Connection, size: int) -> None:
    """Write what the entry that made the tree this large makes full.

    What somebody did to the tiles stops no append: one that does not fit is left for `verify`.
    """
    if size % WIDTH:
        return
    index = size // WIDTH - 1
    hashes = list(_leaf_hashes(connection, index * WIDTH, size))
    level = 0
    while True:
        _put(connection, Tile(level, index, b"".join(hashes)))
        if len(hashes) < WIDTH:
            return
        level += 1
        index, offset = divmod(index, WIDTH)
        standing = _stored(connection, level, index) if offset else b""
        if standing is None or len(standing) != offset * _HASH_BYTES:
            return
        hashes = [*_parted(standing), merkle.root(hashes)]


def rebuild(connection: Connection) -> int:
    """Make every tile anew from the entries; how many there are. Nothing is appended meanwhile."""
    connection.execute(delete(ledger_tiles))
    last = connection.scalar(select(func.max(ledger_entries.c.entry_index)))
    size = 0 if last is None else last + 1
    builder, waiting, made = Builder(), list[Tile](), 0
    for first in range(0, size, _TILES_AT_ONCE * WIDTH):
        for hashed in _leaf_hashes(connection, first, first + _TILES_AT_ONCE * WIDTH):
            waiting += builder.add(hashed)
        made += store(connection, waiting)
        waiting = []
    return made + store(connection, builder.growing())


def store(connection: Connection, some: Iterable[Tile]) -> int:
    """Insert tiles that are not there yet; how many."""
    rows = [{"level": one.level, "tile_index": one.index, "hashes": one.hashes} for one in some]
    if rows:
        connection.execute(insert(ledger_tiles), rows)
    return len(rows)


class Check:
    """Compares the stored tiles with those that follow from the leaf hashes, given in order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._builder = Builder()
        self._problem: str | None = None

    def add(self, hashed: bytes) -> None:
        """The next leaf hash."""
        for tile in self._builder.add(hashed):
            self._compare(tile)

    def finish(self) -> str | None:
        """The first tile that is wrong and how, after the last leaf hash."""
        for tile in self._builder.growing():
            self._compare(tile)
        if self._problem is None:
            columns = ledger_tiles.c
            query = select(
                columns.level, func.min(columns.tile_index), func.max(columns.tile_index)
            )
            for level, lowest, highest in self._connection.execute(query.group_by(columns.level)):
                if lowest < 0 or highest >= self._builder.count(level):
                    wrong = lowest if lowest < 0 else highest
                    self._problem = f"tile {level}/{wrong}: the ledger's tree has none such"
        return self._problem

    def _compare(self, tile: Tile) -> None:
        if self._problem is not None:
            return
        stored = _stored(self._connection, tile.level, tile.index)
        if stored is None:
            self._problem = f"{tile.name}: missing"
        elif stored != tile.hashes:
            self._problem = f"{tile.name}: its hashes are not those of the entries"


def node_hashes(connection: Connection, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    """Hashes of the nodes over these leaves, read from their tiles in one statement or two.

    Each range is that of a node of some tree; see `merkle.perfect_subtrees`.

    Raises:
        LedgerError: if a tile that is needed is missing or cut.
    """
    covers = [merkle.perfect_subtrees(low, high) for low, high in ranges]
    wanted = {_place(height, index)[:2] for cover in covers for height, index in cover}
    found = _read(connection, wanted)
    return [
        merkle.fold([_perfect(found, height, index) for height, index in cover]) for cover in covers
    ]


def _place(height: int, index: int) -> tuple[int, int, int, int]:
    """Level and index of the tile under a perfect subtree, and from where how many hashes."""
    level, rest = divmod(height, _HEIGHT)
    tile, offset = divmod(index << rest, WIDTH)
    return level, tile, offset, 1 << rest


def _perfect(found: Mapping[tuple[int, int], list[bytes]], height: int, index: int) -> bytes:
    level, tile, offset, count = _place(height, index)
    hashes = found[level, tile][offset : offset + count]
    if len(hashes) != count:
        raise LedgerError(
            f"tile {level}/{tile} is missing or cut; run 'alpr-repository ledger verify', and "
            "'alpr-repository ledger mend-tiles' where it says that the entries are whole"
        )
    return merkle.root(hashes)


def _read(
    connection: Connection, wanted: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], list[bytes]]:
    columns = ledger_tiles.c
    places = sorted(wanted)
    query = select(columns.level, columns.tile_index, columns.hashes).where(
        tuple_(columns.level, columns.tile_index).in_(places)
    )
    stored = {(level, index): hashes for level, index, hashes in connection.execute(query)}
    found = {}
    for level, index in places:
        if level == 0 and (level, index) not in stored:  # not full yet
            first = index * WIDTH
            found[level, index] = list(_leaf_hashes(connection, first, first + WIDTH))
        else:
            found[level, index] = _parted(stored.get((level, index), b""))
    return found


def _put(connection: Connection, tile: Tile) -> None:
    row = {"level": tile.level, "tile_index": tile.index, "hashes": tile.hashes}
    put(connection, ledger_tiles, row)


def _stored(connection: Connection, level: int, index: int) -> bytes | None:
    columns = ledger_tiles.c
    found: bytes | None = connection.scalar(
        select(columns.hashes).where(columns.level == level, columns.tile_index == index)
    )
    return found


def _leaf_hashes(connection: Connection, first: int, last: int) -> Iterator[bytes]:
    columns = ledger_entries.c
    query = (
        select(columns.leaf)
        .where(columns.entry_index >= first, columns.entry_index < last)
        .order_by(columns.entry_index)
    )
    return map(merkle.leaf_hash, connection.scalars(query))


def _parted(hashes: bytes) -> list[bytes]:
    return [hashes[at : at + _HASH_BYTES] for at in range(0, len(hashes), _HASH_BYTES)]
