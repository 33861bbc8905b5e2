"""A file becomes what its source holds and a version of the list, or is refused whole."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from edge.contract.hotlist import HotlistEntry, decode_delta
from repository.accounts.user import User
from repository.hotlists import files, sources, upkeep, versions
from repository.hotlists.desk import ListDesk
from repository.hotlists.errors import EntryRefusedError, HotlistError
from repository.hotlists.importing import Accepted, Imported, Imports
from repository.hotlists.publish import Publisher
from repository.hotlists.settings import SourceSettings
from repository.store.engine import reading
from repository.store.tables.hotlists import hotlist_parts, hotlist_versions
from repository.units import findings
from tests.repository.hotlists.conftest import KEPT, SETTINGS
from tests.repository.people import OPERATOR, Clock, recorded
from tests.whole_lists import decode_list

LIST = "stolen"
Take = Callable[..., Imported]


def source(name: str = LIST, **more: Any) -> SourceSettings:
    fields = {"agency": "salem-pd", "list": LIST, "name": name} | more
    return SourceSettings.model_validate(fields)


@pytest.fixture
def take(imports: Imports, tmp_path: Path) -> Take:
    """Imports a file of these lines under 'entry,plate'."""

    def run(
        lines: str, where: SourceSettings | None = None, accepted: Accepted | None = None
    ) -> Imported:
        path = tmp_path / "list.csv"
        path.write_text(f"entry,plate\n{lines}")
        return imports.take(
            path, where or source(), actor=OPERATOR, origin="test", accepted=accepted
        )

    return run


def many(count: int) -> str:
    return "".join(f"E{number:06},{number:06}X\n" for number in range(count))


def listed(engine: Engine, name: str = LIST) -> dict[str, HotlistEntry]:
    """The newest version's entries by their ids."""
    with reading(engine) as connection:
        newest = versions.newest(connection, "salem-pd", name)
        return {each.entry: each for each in decode_list(b"".join(newest.file(connection)))}


@pytest.mark.policy("M-B1")
def test_an_import_is_a_version_and_says_who_and_what_was_left_out(
    engine: Engine, take: Take
) -> None:
    done = take("A1,1ABC23\nA2,no/plate\nA1,2ABC34\nA3,3ABC45\n")
    assert set(listed(engine)) == {"A1", "A3"}
    assert listed(engine)["A1"].plate == "1ABC23"
    assert (done.source_entries, done.rejected) == (2, 2)
    assert [(each.line, each.reason.partition(":")[0]) for each in done.rejections] == [
        (3, "plate"), (4, "entry"),
    ]  # fmt: skip
    issued, act = recorded(engine)[-2:]
    assert (act["action"], act["count"], act["request"]["rejected"]) == ("hotlist.import", 2, 2)
    assert (issued["action"], issued["count"]) == ("hotlist.issue", 2)


def test_several_sources_make_one_list_each_replacing_its_own_alone(
    engine: Engine, take: Take
) -> None:
    rmv = source("rmv", owner="Registry", columns={"default_kind": "expired_registration"})
    take(many(20) + "A1,1ABC23\n")
    take("A1,9XYZ88\n", rmv)
    assert {"A1", "rmv:A1"} < set(listed(engine))
    assert listed(engine)["rmv:A1"].kind == "expired_registration"
    done = take(many(20) + "A4,4ABC56\n")
    assert set(listed(engine)) == {f"E{number:06}" for number in range(20)} | {"A4", "rmv:A1"}
    with reading(engine) as connection:
        delta = decode_delta(versions.find_delta(connection, "salem-pd", LIST, 3))
        found = {each.name: each.owner for each in sources.everywhere(connection)}
    assert found == {"rmv": "Registry", LIST: "Salem Police"}
    assert done.manifest.delta_base == 2
    assert ([each.entry for each in delta.added], delta.removed) == (["A4"], ("A1",))


@pytest.mark.policy("M-D1")
def test_a_list_is_dated_by_its_oldest_source_so_that_it_never_looks_new(
    engine: Engine, take: Take, clock: Clock
) -> None:
    first = take("A1,1ABC23\n")
    clock.pass_(days=2)
    second = take("B1,2ABC34\n", source("rmv"))
    assert second.manifest.list.issued_at == first.manifest.list.issued_at
    assert take("A1,1ABC23\n").manifest.list.issued_at == clock()


@pytest.mark.parametrize("count", [49, 151])
def test_a_list_that_changes_too_much_is_refused_until_a_named_person_accepts_it(
    engine: Engine, take: Take, officer: User, stranger: User, count: int
) -> None:
    take(many(100))
    with pytest.raises(HotlistError, match=f"has {count} entries where the last import had 100"):
        take(many(count))
    assert len(listed(engine)) == 100
    refused = recorded(engine)[-1]
    assert (refused["action"], refused["outcome"]) == ("hotlist.import", "refused")
    for wrong in (Accepted(officer, " yes"), Accepted(stranger, "the state changed its list")):
        with pytest.raises(HotlistError, match=r"say in words|only a person of salem-pd"):
            take(many(count), accepted=wrong)
    take(many(count), accepted=Accepted(officer, "the state changed its list"))
    assert len(listed(engine)) == count
    act = recorded(engine)[-1]
    assert act["actor"]["login"] == "jdoe"
    assert act["request"]["change_accepted_because"] == "the state changed its list"


def test_within_the_share_or_below_the_size_nobody_is_asked(engine: Engine, take: Take) -> None:
    take(many(99))
    take(many(10))
    take(many(100), source("rmv"))
    take(many(50), source("rmv"))
    assert len(listed(engine)) == 60


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("A1,---\n", "line 2: plate: has no letter or digit; 1 of 1 lines make no entry"),
        ("A1,---\nA2,1ABC23\nA3,/\n", "line 2: .*; 2 of 3 lines"),
        ("", "has no line after its first"),
    ],
)
def test_a_file_that_is_mostly_rejected_imports_nothing(
    engine: Engine, take: Take, lines: str, said: str
) -> None:
    with pytest.raises(HotlistError, match=said):
        take(lines)
    assert [each["action"] for each in recorded(engine)[-1:]] == ["hotlist.import"]
    assert recorded(engine)[-1]["outcome"] == "refused"
    with reading(engine) as connection, pytest.raises(HotlistError):
        versions.newest(connection, "salem-pd", LIST)


@pytest.mark.policy("M-E3")
def test_an_imported_entry_that_was_withdrawn_stays_out_until_its_source_drops_it(
    engine: Engine, take: Take, desk: ListDesk, officer: User
) -> None:
    take("A1,1ABC23\nA2,2ABC34\n")
    take("A1,9XYZ88\n", source("rmv"))
    assert desk.cancel(officer, LIST, "A1", "car was recovered today", "test") == 3
    assert set(listed(engine)) == {"A2", "rmv:A1"}
    with pytest.raises(EntryRefusedError, match="is withdrawn already"):
        desk.cancel(officer, LIST, "A1", "car was recovered today", "test")
    with pytest.raises(EntryRefusedError, match="is not in version 3"):
        desk.cancel(officer, LIST, "A9", "car was recovered today", "test")
    take("B1,9XYZ88\n", source("rmv"))  # another source's import lifts nothing
    take("A1,1ABC23\nA2,2ABC34\n")
    assert set(listed(engine)) == {"A2", "rmv:B1"}
    take("A2,2ABC34\n")
    take("A1,1ABC23\nA2,2ABC34\n")
    assert set(listed(engine)) == {"A1", "A2", "rmv:B1"}


def test_a_source_that_is_not_imported_anew_leaves_the_list_and_is_said(
    engine: Engine, take: Take, publisher: Publisher, clock: Clock
) -> None:
    def tend() -> int:
        with engine.begin() as connection:
            return upkeep.tend(connection, lambda: publisher, SETTINGS, clock())

    def said() -> list[str]:
        with reading(engine) as connection:
            return [each.what for each in upkeep.due(connection, clock())]

    def found() -> list[str]:
        with reading(engine) as connection:
            return [each.detail for each in findings.list_findings(connection)]

    take("A1,1ABC23\n")
    take("B1,2ABC34\n", source("rmv", ends_after_h=48))
    issued_at = clock()
    assert (tend(), said(), found()) == (0, [], [])
    clock.pass_(hours=40)
    assert (tend(), said()) == (0, ["source_ends"])
    assert set(listed(engine)) == {"A1", "rmv:B1"}
    clock.pass_(hours=8)
    assert (tend(), said()) == (1, ["source_ended"])
    assert set(listed(engine)) == {"A1"}
    assert "source rmv ended at 2026-03-03 12:00 UTC" in found()[0]
    assert tend() == 0
    with reading(engine) as connection:
        assert versions.newest(connection, "salem-pd", LIST).issued_at == issued_at
    take("B1,2ABC34\n", source("rmv", ends_after_h=48))
    assert (tend(), said(), found()) == (0, [], [])
    assert set(listed(engine)) == {"A1", "rmv:B1"}


def test_the_memory_of_an_import_does_not_grow_with_the_list(
    imports: Imports, tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PART_BYTES", 32 * 1024)
    path = tmp_path / "list.csv"

    def peak_bytes(count: int) -> int:
        with path.open("w") as file:
            file.write("entry,plate,note\n")
            for number in range(count):
                file.write(f"E{number * 7919 % count:07},{number:06}X,{'n' * 480}\n")
        tracemalloc.start()
        imports.take(path, source(f"s{count}"), actor=OPERATOR, origin="test")
        peak: int = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    few, times_five = peak_bytes(600), peak_bytes(3000)
    with reading(engine) as connection:
        largest = max(each.size_bytes for each in sources.everywhere(connection))
    assert largest > 1_800_000
    assert times_five < few + largest / 3


def test_as_many_versions_are_kept_as_the_settings_say(engine: Engine, take: Take) -> None:
    for number in range(1, KEPT + 3):
        take(f"A{number},1ABC23\n")
    with reading(engine) as connection:
        kept = connection.scalars(
            select(hotlist_versions.c.version)
            .where(hotlist_versions.c.pruned_at.is_(None))
            .order_by(hotlist_versions.c.version)
        ).all()
        parts = connection.scalar(select(func.count()).select_from(hotlist_parts))
    assert kept == list(range(3, KEPT + 3))
    assert parts == KEPT
