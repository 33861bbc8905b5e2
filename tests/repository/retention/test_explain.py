"""Why a read is kept and until when, in words; and what is told of one that is gone."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, update

from edge.contract.records import mint_id
from repository.ledger import log
from repository.ledger.entry import SYSTEM, Actor, Entry
from repository.ledger.restores import ACTION as RESTORE
from repository.retention import local_rules, purge
from repository.retention.duties import Duties
from repository.retention.explain import Gone, Kept, explain
from repository.retention.explain_json import gone_as_mapping, kept_as_mapping
from repository.retention.explain_people import who
from repository.retention.explain_purges import Purged, takers
from repository.retention.explain_words import words_of_gone, words_of_kept
from repository.retention.holds_request import PlateTarget
from repository.retention.rules import shipped_rule
from repository.store.engine import reading
from repository.store.pictures import PictureStore
from repository.store.tables.agency_data import withdrawn_reads
from repository.store.tables.fleet import agencies
from repository.store.tables.reads import reads
from tests.repository.retention.desk import DAY, HOUR, JANE, NOW, RITA, Desk
from tests.repository.sightings import RULE, sight


def asked(engine: Engine, read_id: uuid.UUID, now: datetime = NOW) -> tuple[Kept, ...] | Gone:
    with reading(engine) as connection:
        duties = Duties.load(connection, RULE, shipped_rule)
        return explain(connection, read_id, duties, now)


def kept(engine: Engine, read_id: uuid.UUID, now: datetime = NOW) -> Kept:
    found = asked(engine, read_id, now)
    assert isinstance(found, tuple)
    (one,) = found
    return one


def gone(engine: Engine, read_id: uuid.UUID, now: datetime) -> tuple[Gone, str]:
    found = asked(engine, read_id, now)
    assert isinstance(found, Gone)
    return found, "\n".join(words_of_gone(found))


def purged(
    engine: Engine, store: PictureStore, now: datetime, count: int, actor: Actor = SYSTEM
) -> int:
    """Purge that many reads of one day; the index of the certificate."""
    done = purge.run(
        engine,
        store,
        lambda connection: Duties.load(connection, RULE, shipped_rule),
        now=now,
        actor=actor,
        confirmed=purge.Confirmation(now.date(), count),
    )
    assert done.reads_purged == count
    (certificate,) = done.certificates
    return certificate.ledger_index


def put_under(engine: Engine, rule: str | None, now: datetime) -> None:
    with engine.begin() as connection:
        local_rules.change(
            connection, "salem-pd", rule, default=RULE, shipped=shipped_rule,
            reason="An ordinance.", confirmed=True, named_person=True, actor=JANE,
            origin="test", now=now,
        )  # fmt: skip


def words(read: Kept, now: datetime = NOW) -> str:
    return "\n".join(words_of_kept(read, None, now))


@pytest.mark.policy("C-7b")
def test_a_read_without_a_hold_goes_by_the_repositorys_rule(desk: Desk) -> None:
    read = kept(desk.engine, sight(desk.engine, "1ABC20", NOW))
    expires = datetime(2027, 3, 1, 12, tzinfo=UTC)
    assert (read.expires_at, read.goes_at, read.hit) == (expires, expires, False)
    assert (read.agency, read.unit, read.camera) == ("salem-pd", "car-7", "front")
    said = words(read)
    assert "captured on 2026-03-01 12:00:00 UTC by camera front of unit car-7 of salem-pd" in said
    assert "the repository's rule, Massachusetts (MA DCJIS" in said
    assert RULE.sha256 in said
    assert "a read is kept for 1 year: until 2027-03-01 12:00:00 UTC" in said
    assert "No hold keeps it longer." in said
    assert "goes with the first purge after 2027-03-01 12:00:00 UTC" in said
    assert "1ABC20" not in said
    assert "goes with the next purge" in words(read, expires)
    assert kept_as_mapping(read, None)["decided_by"] == "rule"


@pytest.mark.policy("F-local")
def test_an_agencys_own_rule_and_the_class_are_said(desk: Desk) -> None:
    read_id = sight(desk.engine, "1ABC20", NOW)
    with desk.engine.begin() as connection:
        connection.execute(
            update(agencies).where(agencies.c.id == 1).values(retention_rule="new-hampshire")
        )
        connection.execute(update(reads).values(has_hits=True))
    read = kept(desk.engine, read_id)
    assert read.goes_at == NOW + DAY
    said = words(read)
    assert "It matched an entry of a hot list." in said
    assert "By salem-pd's own rule, New Hampshire (N.H. Rev. Stat. Ann. 261:75-b" in said
    assert "such a read is kept for 1 day" in said
    assert kept_as_mapping(read, None)["rule"]["of"] == "agency"


@pytest.mark.policy("C-7b")
def test_the_longest_duty_decides_and_every_other_is_said_too(desk: Desk) -> None:
    read_id = sight(desk.engine, "1ABC20", NOW)
    ending = desk.place((read_id,), "administrator_direction", ends_on=date(2028, 6, 30))
    short = desk.place((read_id,), "administrator_direction", ends_on=date(2026, 6, 30))
    read = kept(desk.engine, read_id)
    assert [duty.hold.id if duty.hold else 0 for duty in read.duties] == [ending, 0, short]
    assert read.goes_at == datetime(2028, 7, 1, tzinfo=UTC)
    assert f"decides: hold {ending}. The read" in words(read)
    assert (
        "The direction: Keep it. The hold keeps the read until 2028-07-01 00:00:00 UTC."
        in words(read)
    )

    released = desk.place((read_id,), "arrest")
    desk.release(released)
    evidence = desk.place(PlateTarget("1ABC20", None, NOW, NOW + DAY), "evidence")
    arrest = desk.place((read_id,), "arrest")
    read = kept(desk.engine, read_id)
    assert read.goes_at is None
    said = words(read)
    assert (
        f"Hold {evidence} of salem-pd keeps it for case 24-1187, because it is expected to become "
        "evidence in a criminal or civil action. It was placed on 2026-03-01 12:00:00 UTC by Jane "
        "Doe: why (ledger entry 4). It is on every read of a plate from 2026-03-01 12:00 UTC until "
        "2026-03-02 12:00 UTC. The hold is reviewed by 2026-09-01. The hold keeps the read until "
        "one person of salem-pd proposes its release and another confirms it."
    ) in said
    assert "The record of the case itself is kept: permanent." in said
    assert "It is on single reads, chosen one by one when it was placed." in said
    assert f"Hold {arrest} of salem-pd keeps it" in said
    assert (
        f"Hold {released} of salem-pd kept it for case 24-1187, because of an arrest. It was "
        "placed on 2026-03-01 12:00:00 UTC by Jane Doe: why (ledger entry 2). It was released on "
        "2026-03-01 12:00:00 UTC by Jane Doe (login jdoe) of salem-pd: closed (ledger entry 3)."
    ) in said
    assert (
        f"What lasts longest decides: holds {evidence} and {arrest}. The read stays until those "
        "holds have ended. After that it goes with the first purge after 2028-07-01 00:00:00 UTC"
    ) in said
    late = kept(desk.engine, read_id, NOW + 900 * DAY)
    assert "After that it goes with the next purge, since" in words(late, NOW + 900 * DAY)
    assert "until 2027-03-01 12:00:00 UTC. That time is over." in words(late, NOW + 900 * DAY)
    mapping = kept_as_mapping(read, None)
    assert (mapping["goes_at"], mapping["decided_by"]) == (None, f"hold {evidence}")
    assert [each["plate"] for each in mapping["holds"]] == [None] * 4


@pytest.mark.policy("C-7b-i")
def test_a_case_without_disposition_keeps_until_then_and_with_one_for_the_year(desk: Desk) -> None:
    read_id = sight(desk.engine, "1ABC20", NOW)
    desk.place((read_id,), "enforcement_action")
    read = kept(desk.engine, read_id)
    assert read.goes_at is None
    assert "keeps the read until the case's final disposition is recorded, or a" in words(read)
    desk.dispose(NOW.date())
    read = kept(desk.engine, read_id)
    assert read.goes_at == datetime(2027, 3, 1, 12, tzinfo=UTC)
    assert (
        "final disposition was reached on 2026-03-01, as Jane Doe recorded: guilty plea. The hold "
        "keeps the read until 2027-03-01"
    ) in words(read)
    late = kept(desk.engine, read_id, NOW + 500 * DAY)
    assert late.goes_at == NOW + 500 * DAY


def test_reads_of_two_units_that_have_one_id_are_both_explained(desk: Desk) -> None:
    first, second = (sight(desk.engine, "1ABC20", NOW, unit) for unit in (1, 2))
    with desk.engine.begin() as connection:
        connection.execute(update(reads).where(reads.c.read_id == second).values(read_id=first))
    found = asked(desk.engine, first)
    assert isinstance(found, tuple)
    assert [each.agency for each in found] == ["salem-pd", "boston-pd"]


@pytest.mark.policy("C-6a")
def test_that_its_owner_withdrew_it_is_said(desk: Desk) -> None:
    read_id = sight(desk.engine, "1ABC20", NOW)
    with desk.engine.begin() as connection:
        connection.execute(
            insert(withdrawn_reads).values(
                unit_id=1,
                captured_at=NOW,
                read_id=read_id,
                agency_id=1,
                withdrawn_by="u-1",
                withdrawn_by_name="Jane Doe",
                withdrawn_at=NOW,
            )
        )
    assert "salem-pd has withdrawn it" in words(kept(desk.engine, read_id))


@pytest.mark.policy("C-7b")
def test_of_a_purged_read_the_certificate_of_its_day_is_named(
    desk: Desk, pictures: PictureStore
) -> None:
    gone_id = sight(desk.engine, "1ABC20", NOW)
    traced = sight(desk.engine, "2XYZ99", NOW + HOUR)
    desk.release(desk.place((traced,)))
    now = NOW + 366 * DAY
    certificate = purged(desk.engine, pictures, now, 2)

    unknown, said = gone(desk.engine, gone_id, now)
    assert unknown.captured_at == NOW
    (only,) = unknown.purges
    assert (only.ledger_index, only.reads_purged) == (certificate, 2)
    assert only.agencies == ("boston-pd", "salem-pd")
    assert f"No read {gone_id} is here." in said
    assert (
        f"If it was here, it was purged on {now:%Y-%m-%d %H:%M:%S} UTC by the repository's own "
        "schedule, under Massachusetts (MA DCJIS"
    ) in said
    assert f"The certificate of that is ledger entry {certificate}: 2 reads of 2026-03-01" in said
    assert gone_as_mapping(unknown)["was_here"] is None

    named, said = gone(desk.engine, traced, now)
    assert "It was here: a read of salem-pd." in said
    assert "It was purged on" in said
    assert gone_as_mapping(named)["was_here"] is True


@pytest.mark.policy("C-7b")
def test_a_read_that_was_held_went_with_the_purge_after_its_release(
    desk: Desk, pictures: PictureStore
) -> None:
    for plate in ("1ABC20", "1ABC21"):  # of one alone the certificate would say which it was
        sight(desk.engine, plate, NOW)
    held = sight(desk.engine, "2XYZ99", NOW + HOUR)
    hold = desk.place((held,), "evidence")
    spared = purged(desk.engine, pictures, NOW + 366 * DAY, 2)
    desk.release(hold, now=NOW + 367 * DAY)
    desk.confirm(hold, RITA)
    sight(desk.engine, "3LMN55", NOW + HOUR)
    taken = purged(desk.engine, pictures, NOW + 368 * DAY, 2, Actor("os:0", "os:root", "root", ""))
    for plate in ("4PQR66", "4PQR67"):
        sight(desk.engine, plate, NOW + HOUR)
    purged(desk.engine, pictures, NOW + 369 * DAY, 2)

    found, said = gone(desk.engine, held, NOW + 370 * DAY)
    assert ([each.ledger_index for each in found.purges], found.spared) == ([taken], (spared,))
    assert said.count("purged on") == 1
    assert f"(certificates in ledger entry {spared}), but it was left" in said
    assert (
        "It was purged on 2027-03-04 12:00:00 UTC by the operator of the server (system account "
        "root), under"
    ) in said
    assert (
        "Jane Doe proposed its release on 2027-03-03 12:00:00 UTC: closed. It was released on "
        "2026-03-01 12:00:00 UTC by Rita Roe (login rroe) of salem-pd, who confirmed that (ledger "
        "entry 3)."
    ) in said


@pytest.mark.policy("C-7b")
def test_where_no_purge_can_have_taken_a_read_none_is_named(
    desk: Desk, pictures: PictureStore
) -> None:
    for plate in ("1ABC20", "1ABC21"):
        sight(desk.engine, plate, NOW)
    held = sight(desk.engine, "2XYZ99", NOW)
    desk.place((held,))
    purged(desk.engine, pictures, NOW + 366 * DAY, 2)
    with desk.engine.begin() as connection:
        connection.execute(reads.delete())
    found, said = gone(desk.engine, held, NOW + 366 * DAY)
    assert found.purges == ()
    assert "No purge on this ledger can have taken it, since hold 1 still names it." in said


@pytest.mark.policy("F-local")
def test_of_purges_that_part_only_by_its_class_it_was_one(
    desk: Desk, pictures: PictureStore
) -> None:
    put_under(desk.engine, "new-hampshire", NOW)
    unknown, other, matched, also = (sight(desk.engine, "1ABC20", NOW) for _ in range(4))
    with desk.engine.begin() as connection:
        hit = reads.c.read_id.in_([matched, also])
        connection.execute(update(reads).where(hit).values(has_hits=True))
    first = purged(desk.engine, pictures, NOW + HOUR, 2)
    second = purged(desk.engine, pictures, NOW + 2 * DAY, 2)
    for read_id in (unknown, other, matched):
        found, said = gone(desk.engine, read_id, NOW + 3 * DAY)
        assert [each.ledger_index for each in found.purges] == [first, second]
        assert "If it was here, it went with one of these 2 purges; which of them is not on" in said


@pytest.mark.parametrize(
    ("shown_at", "left"),
    [
        (None, (1, 2)),
        (NOW + HOUR / 2, (1, 2)),  # the search may have looked before the purge
        (NOW + 2 * HOUR, (2,)),
        (NOW + 2 * DAY, (1, 2)),  # what was shown after either tells nothing
    ],
)
def test_a_purge_long_before_a_read_was_shown_did_not_take_it(
    shown_at: datetime | None, left: tuple[int, ...]
) -> None:
    plain, of_hits = (
        Purged(
            NOW + index * DAY, SYSTEM, NOW.date(), index + 1, 2, (),
            {("salem-pd", bool(index)): NOW}, None,
        )
        for index in (0, 1)
    )  # fmt: skip
    found = takers(
        [plain, of_hits], ["salem-pd"], NOW - HOUR, may_take=lambda _: True, shown_at=shown_at
    )
    assert tuple(each.ledger_index for each in found) == left


def test_a_certificate_of_one_read_shows_which_it_was(desk: Desk, pictures: PictureStore) -> None:
    read_id = sight(desk.engine, "1ABC20", NOW)
    purged(desk.engine, pictures, NOW + 366 * DAY, 1)
    found, said = gone(desk.engine, read_id, NOW + 366 * DAY)
    assert (found.was_here, found.purges[0].only_this) == (True, True)
    assert "Its digest shows that this read was the one." in said
    another = mint_id(NOW, lambda count: uuid.uuid4().bytes[:count])
    assert "it was never here." in gone(desk.engine, another, NOW + 366 * DAY)[1]


@pytest.mark.policy("C-7b")
def test_a_restore_before_the_purge_is_named(desk: Desk, pictures: PictureStore) -> None:
    read_id = sight(desk.engine, "1ABC20", NOW)
    sight(desk.engine, "2XYZ99", NOW)
    stays = sight(desk.engine, "3LMN55", NOW + 300 * DAY)
    made_at, now = NOW + 364 * DAY, NOW + 366 * DAY
    root = Actor("os:0", "os:root", "root", "")
    with desk.engine.begin() as connection:
        rules = {"salem-pd": {"retention_rule": "new-hampshire", "access": None}}
        said_of_it = {"made_at": made_at.isoformat(), "agencies": rules}
        restore = log.append(connection, Entry(RESTORE, root, now, "test", said_of_it))
    purged(desk.engine, pictures, now, 2, root)
    restored = (
        f"On {now:%Y-%m-%d %H:%M:%S} UTC the repository was restored by the operator of the server "
        f"(system account root) from a backup of {made_at:%Y-%m-%d %H:%M:%S} UTC (ledger entry "
        f"{restore.index}): what came in, was held, was released or was purged between these two"
    )
    found, said = gone(desk.engine, read_id, now)
    assert restored in said
    assert "salem-pd is under the rule new-hampshire since then." in said
    assert f"That purge belongs to the restore of ledger entry {restore.index}: it took" in said
    assert [each["ledger_index"] for each in gone_as_mapping(found)["restores"]] == [restore.index]
    assert restored in words(kept(desk.engine, stays, now), now)
    never = mint_id(NOW - 40 * DAY, lambda count: uuid.uuid4().bytes[:count])
    found, said = gone(desk.engine, never, now)
    assert "never here, unless it was lost with what came between backup and restore." in said
    assert gone_as_mapping(found)["was_here"] is None


@pytest.mark.policy("F-local")
def test_a_change_of_rule_that_moved_its_end_is_told(desk: Desk, pictures: PictureStore) -> None:
    put_under(desk.engine, "new-jersey", NOW - DAY)
    read_id = sight(desk.engine, "1ABC20", NOW)
    put_under(desk.engine, None, NOW + HOUR)
    put_under(desk.engine, "new-hampshire", NOW + 2 * HOUR)
    changed = (
        "On 2026-03-01 14:00:00 UTC Jane Doe (login jdoe) of salem-pd put the reads of salem-pd, "
        "those stored already too, under a rule of its own, New Hampshire, instead of "
        "Massachusetts: An ordinance (ledger entry 2)."
    )
    said = words(kept(desk.engine, read_id, NOW + 2 * HOUR), NOW + 2 * HOUR)
    plain = "its time ends earlier: on 2026-03-01 12:03:00 UTC, not on 2027-03-01 12:00:00 UTC"
    assert f"{changed} By that {plain}." in said
    assert "under the repository's own rule, Massachusetts, instead of New Jersey" in said
    assert "(ledger entry 0)" not in said
    purged(desk.engine, pictures, NOW + 3 * HOUR, 1)
    put_under(desk.engine, None, NOW + 4 * HOUR)
    said = gone(desk.engine, read_id, NOW + 5 * HOUR)[1]
    assert f"{changed} By that, if it did not match a hot list, {plain}; if it matched" in said
    assert "2026-03-01 16:00:00" not in said


@pytest.mark.parametrize(
    ("actor", "said"),
    [
        (SYSTEM, "the repository's own schedule"),
        (Actor("os:0", "os:root", "root", ""), "the operator of the server (system account root)"),
        (
            Actor("os:7", "os:ann", "Ann Lee", ""),
            "the operator of the server, Ann Lee (system account ann)",
        ),
        (JANE, "Jane Doe (login jdoe) of salem-pd"),
    ],
)
def test_everybody_is_named_as_a_judge_would_have_them(actor: Actor, said: str) -> None:
    assert who(actor) == said


def test_an_id_that_was_never_here_is_said_to_be_none(desk: Desk) -> None:
    never = mint_id(NOW, lambda count: uuid.uuid4().bytes[:count])
    found = asked(desk.engine, never)
    assert isinstance(found, Gone)
    assert "it was never here." in "\n".join(words_of_gone(found))
    assert gone_as_mapping(found)["was_here"] is False


def test_what_no_read_can_have_as_its_id_is_refused(desk: Desk) -> None:
    with pytest.raises(ValueError, match="no read can have that id"):
        asked(desk.engine, uuid.UUID(int=2**128 - 1))


def test_a_read_of_another_day_is_covered_by_no_certificate_of_this_one(
    desk: Desk, pictures: PictureStore
) -> None:
    sight(desk.engine, "1ABC20", NOW)
    now = NOW + 366 * DAY
    purged(desk.engine, pictures, now, 1)
    other = mint_id(NOW - timedelta(days=2), lambda count: uuid.uuid4().bytes[:count])
    assert gone(desk.engine, other, now)[0].purges == ()


@pytest.mark.policy("F-local")
def test_a_purge_of_one_agencys_reads_says_nothing_of_anothers(
    desk: Desk, pictures: PictureStore
) -> None:
    gone_id, _ = (sight(desk.engine, "1ABC20", NOW) for _ in range(2))
    disposed_of = sight(desk.engine, "2XYZ99", NOW, unit=2)
    desk.release(desk.place((disposed_of,)))
    with desk.engine.begin() as connection:
        rule = update(agencies).where(agencies.c.id == 1).values(retention_rule="new-hampshire")
        connection.execute(rule)
    now = NOW + HOUR
    purged(desk.engine, pictures, now, 2)
    found = gone(desk.engine, gone_id, now)[0]
    assert [each.agencies for each in found.purges] == [("salem-pd",)]
    assert found.purges[0].rules[0].name == "New Hampshire"
    with desk.engine.begin() as connection:
        connection.execute(reads.delete().where(reads.c.read_id == disposed_of))
    other, said = gone(desk.engine, disposed_of, now)
    assert (len(other.holds), other.purges) == (1, ())
    assert "No purge on this ledger can have taken it. Whether something" in said
