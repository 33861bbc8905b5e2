"""An import comes in turns: others write in between, and see the whole list or the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from repository.hotlists import announce, files, holdings, sources, versions
from repository.hotlists.bringing import Bringing
from repository.hotlists.importing import Imports
from repository.ledger import log
from repository.ledger.entry import SYSTEM, Entry
from repository.store.engine import reading
from repository.store.tables.hotlists import (
    hotlist_parts,
    hotlist_source_parts,
    hotlist_sources,
    hotlist_versions,
)
from tests.repository.hotlists.test_importing import LIST, listed, many, source
from tests.repository.people import OPERATOR, Clock
from tests.whole_lists import decode_list

Between = Callable[[], None]


@pytest.fixture
def take(imports: Imports, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Imports these lines, doing something before each part is written; the version's number."""
    monkeypatch.setattr(files, "PART_BYTES", 4096)
    in_parts = files._in_parts
    doing: list[Between | None] = []

    def watched(pieces: Iterable[bytes]) -> Iterator[bytes]:
        between = doing[-1]
        for part in in_parts(pieces):
            if between is not None:
                between()
            yield part

    monkeypatch.setattr(files, "_in_parts", watched)

    def run(content: str, name: str = LIST, between: Between | None = None) -> int:
        path = tmp_path / f"{name}.csv"
        path.write_text(f"entry,plate\n{content}")
        where = source(name, change_from_entries=1_000_000)
        doing.append(between)
        try:
            done = imports.take(path, where, actor=OPERATOR, origin="test")
        finally:
            doing.pop()
        return done.manifest.list.version

    return run


def others_write(engine: Engine, clock: Clock) -> None:
    with engine.begin() as connection:
        log.append(connection, Entry("test.write", SYSTEM, clock(), "test"))


def left(engine: Engine) -> dict[str, int]:
    """How many rows there are of sources, their parts, versions and their parts."""
    tables = (hotlist_sources, hotlist_source_parts, hotlist_versions, hotlist_parts)
    with reading(engine) as connection:
        return {
            each.name: connection.scalar(select(func.count()).select_from(each)) or 0
            for each in tables
        }


def seen(engine: Engine) -> tuple[Any, ...]:
    """All that others see of lists."""
    with reading(engine) as connection:
        newest = versions.newest(connection, "salem-pd", LIST)
        content = decode_list(b"".join(newest.file(connection)))
        return (
            newest.version,
            len(content),
            [(each.name, each.entries) for each in sources.everywhere(connection)],
            [each.version for each in announce.find_news(connection, {})],
            dict(holdings._lists(connection, None)),
        )


@pytest.mark.policy("M-B1")
def test_others_write_while_an_import_comes_and_see_none_of_it(
    engine: Engine, take: Callable[..., int], clock: Clock
) -> None:
    take(many(3))
    before, looks = seen(engine), []

    def between() -> None:
        others_write(engine, clock)
        looks.append(seen(engine))

    assert take(many(900), between=between) == 2
    assert len(looks) > 20
    assert all(each == before for each in looks)
    assert len(listed(engine)) == 900
    counts = left(engine)
    assert (counts["hotlist_sources"], counts["hotlist_versions"]) == (1, 2)
    with reading(engine) as connection:
        (stored,) = sources.everywhere(connection)
        assert len(list(stored.lines(connection))) == 900
    assert counts["hotlist_source_parts"] == -(-stored.size_bytes // 4096)


@pytest.mark.parametrize("times", [1, 3])
def test_a_list_that_changed_meanwhile_is_made_anew(
    engine: Engine, take: Callable[..., int], times: int
) -> None:
    """Three times over, it is made within the last transaction: somebody is always quicker."""
    drafts = []
    prepare = versions.prepare

    def overtaken(*given: Any) -> versions.Draft:
        draft = prepare(*given)
        if len(given) == 4:
            drafts.append(draft.number)
        return draft

    def between() -> None:
        if len(drafts) in range(1, times + 1) and drafts[-1] > 0:
            drafts[-1] = -drafts[-1]
            take(f"B{len(drafts)},{len(drafts)}BBB11\n", name="rmv")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(versions, "prepare", overtaken)
        made = take(many(500), between=between)
    entries = listed(engine)
    assert f"rmv:B{times}" in {each[:6] for each in entries}
    assert len(entries) == 501
    with reading(engine) as connection:
        newest = versions.newest(connection, "salem-pd", LIST)
    assert newest.version == made
    counts = left(engine)
    assert counts["hotlist_sources"] == 2
    assert counts["hotlist_versions"] == times + 1


class CutError(Exception):
    """Somebody pulled the plug."""


@pytest.mark.parametrize("after", [8, 30])
def test_an_import_that_is_cut_off_leaves_the_list_and_is_cleared_away(
    engine: Engine,
    take: Callable[..., int],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
) -> None:
    take(many(3))
    before, counts, parts = seen(engine), left(engine), []

    def between() -> None:
        parts.append(1)
        if len(parts) > after:
            raise CutError

    with pytest.raises(CutError):
        take(many(900), between=between)
    assert (seen(engine), left(engine)) == (before, counts)
    parts.clear()
    with monkeypatch.context() as killed:
        killed.setattr(Bringing, "_clear", lambda _self, _list: None)
        with pytest.raises(CutError):
            take(many(900), between=between)
    assert seen(engine) == before
    assert left(engine) != counts
    take(many(4))
    assert left(engine)["hotlist_sources"] == 2  # it could still be on its way
    clock.pass_(days=2)
    take(many(5))
    with reading(engine) as connection:
        numbers = connection.scalars(select(hotlist_versions.c.manifest)).all()
    assert all(numbers)
    assert left(engine)["hotlist_sources"] == left(engine)["hotlist_source_parts"] == 1
    assert len(listed(engine)) == 5
