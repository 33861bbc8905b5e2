"""An explanation in words for a judge. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from repository.ledger.entry import Recorded
from repository.retention.explain import Gone, Keeping, Kept
from repository.retention.explain_ledger import RuleChange
from repository.retention.explain_people import at, ended, ending, entry, for_what, placing, who
from repository.retention.explain_purges import Purged
from repository.retention.holds_listing import Hold
from repository.retention.holds_present import what
from repository.wording import counted


def words_of_kept(kept: Kept, plate: str | None, now: datetime) -> Iterator[str]:
    """Why a read is kept and when it goes, a line each; ``plate`` is said if it is given."""
    yield (
        f"Read {kept.read_id} was captured on {at(kept.captured_at)} by camera {kept.camera} of "
        f"unit {kept.unit} of {kept.agency}, and came to the repository on {at(kept.received_at)}."
    )
    if plate is not None:
        yield f"Its plate: {plate}."
    yield (
        "It matched an entry of a hot list." if kept.hit else "It matched no entry of a hot list."
    )
    whose = f"{kept.agency}'s own rule" if kept.agency_rule else "the repository's rule"
    over = " That time is over." if kept.expires_at <= now else ""
    yield (
        f"By {whose}, {kept.rule.name} ({kept.rule.source}; SHA-256 of the rule's file "
        f"{kept.rule.sha256}), {'such a' if kept.hit else 'a'} read is kept for "
        f"{kept.rule.term(hit=kept.hit)}: until {at(kept.expires_at)}.{over}"
    )
    for change in kept.changes:
        yield _change_words(change, kept.captured_at, (kept.hit,))
    for keeping in kept.ended:
        yield _ended_words(keeping)
    held = [duty for duty in kept.duties if duty.keeping is not None]
    if not held:
        yield "No hold keeps it longer."
    for duty in held:
        if duty.keeping is not None:
            yield _hold_words(duty.keeping, duty.ends_at, now)
    for restore in kept.restores:
        yield _restore_words(restore, (kept.agency,))
    if kept.withdrawn:
        yield f"{kept.agency} has withdrawn it: no other agency is shown it."
    yield _end_words(kept, now)


def words_of_gone(gone: Gone) -> Iterator[str]:
    """What can be told of a read that is not here, a line each."""
    yield (
        f"No read {gone.read_id} is here. By its id it would have been captured on "
        f"{at(gone.captured_at)}."
    )
    if gone.owners:
        yield f"It was here: a read of {' and of '.join(gone.owners)}."
    for keeping in gone.holds:
        yield _hold_words(keeping, None, None) if keeping.stands else _ended_words(keeping)
    if gone.spared:
        entries = f"{'entry' if len(gone.spared) == 1 else 'entries'} " + ", ".join(
            map(str, gone.spared)
        )
        yield (
            "Its time was over when other reads of its day were purged (certificates in ledger "
            f"{entries}), but it was left, since a hold kept it."
        )
    if gone.shown:
        shown = ", ".join(
            f"on {at(each.at)} (ledger entry {each.ledger_index})" for each in gone.shown
        )
        yield f"It was shown to a person, for a case, {shown}."
    for change in gone.changes:
        yield _change_words(change, gone.captured_at, (False, True))
    for restore in gone.restores:
        yield _restore_words(
            restore, gone.owners or sorted({name for each in gone.purges for name in each.agencies})
        )
    yield from _going_words(gone)


def plate_words(
    plate: str, state: str | None, corrected: str | None, corrected_state: str | None
) -> str:
    """The plate as the machine read it, and as its owner corrected it."""
    read = f"{plate} of {state}" if state else f"{plate}, state not told"
    if corrected is None:
        return read
    return f"{read}, which its owner corrected to {corrected} of {corrected_state or 'no state'}"


def _going_words(gone: Gone) -> Iterator[str]:
    if gone.disposed is not None:
        did = gone.disposed.entry
        yield (
            f"{did.actor.name} ({did.actor.login}) of its owner disposed of it on "
            f"{did.at.astimezone(UTC):%Y-%m-%d at %H:%M} UTC, ledger entry {gone.disposed.index}."
        )
    elif gone.purges:
        yield from _purges_words(gone)
    elif gone.was_here:
        standing = [each.hold for each in gone.holds if each.stands]
        why = f", since {_named(standing)} still {_names(standing)} it" if standing else ""
        yield (
            f"No purge on this ledger can have taken it{why}. Whether something that is held is "
            "missing is told by `alpr-repository retention verify`."
        )
    else:
        unless = (
            ", unless it was lost with what came between backup and restore"
            if gone.restores
            else ""
        )
        yield (
            "No purge on this ledger can have taken it, and no hold and no case file names it: it "
            f"was never here{unless}."
        )


def _purges_words(gone: Gone) -> Iterator[str]:
    if len(gone.purges) == 1:
        was = "It was purged" if gone.was_here else "If it was here, it was purged"
        yield f"{was} {_purge_words(gone.purges[0], gone)}"
    else:
        lead = "It went with one" if gone.was_here else "If it was here, it went with one"
        yield (
            f"{lead} of these {len(gone.purges)} purges; which of them is not on record, since "
            "certificates name no reads:"
        )
        for purge in gone.purges:
            yield f"Either it was purged {_purge_words(purge, gone)}"
    if not gone.was_here:
        yield (
            "Ids of purged reads are not kept, so whether it was one of them is shown only by the "
            "unit's own signed batches and the certificate's digest."
        )


def _purge_words(purge: Purged, gone: Gone) -> str:
    rules = "; ".join(
        f"{rule.name} ({rule.source}; SHA-256 of the rule's file {rule.sha256})"
        for rule in purge.rules
        if not gone.owners or set(gone.owners) & set(rule.agencies)
    )
    of_day = f" of {purge.day}" if purge.day else ""
    said = (
        f"on {at(purge.at)} by {who(purge.by)}, under {rules}. The certificate of that is ledger "
        f"entry {purge.ledger_index}: {counted(purge.reads_purged, 'read')}{of_day} whose time was "
        f"over went then, out of those of {', '.join(purge.agencies)}."
    )
    if purge.only_this:
        said += " Its digest shows that this read was the one."
    for restore in gone.restores:
        if restore.index < purge.ledger_index and restore.entry.at.astimezone(UTC) == _cut(
            purge.at
        ):
            said += (
                f" That purge belongs to the restore of ledger entry {restore.index}: it took what "
                "had come back with the backup and whose time was over. If a purge had taken the "
                "read before, after the backup was made, the certificate of that is not on this "
                "ledger."
            )
    return said


def _restore_words(restore: Recorded, owners: Iterable[str]) -> str:
    said = restore.entry.request
    made_at = datetime.fromisoformat(str(said["made_at"]))
    changed = said.get("agencies")
    rules = "".join(
        f" By the keys file, newer than the backup, {name} is under "
        f"{_rule_words(changed[name])} since then."
        for name in owners
        if isinstance(changed, dict) and name in changed
    )
    return (
        f"On {at(restore.entry.at)} the repository was restored by {who(restore.entry.actor)} from "
        f"a backup of {at(made_at)}{entry(restore)}: what came in, was held, was released or was "
        "purged between these two moments did not come back with it, nor did the ledger's entries "
        f"of that.{rules}"
    )


def _rule_words(of_agency: Any) -> str:
    name = of_agency["retention_rule"]
    return f"the rule {name}" if name else "the repository's own rule"


def _change_words(change: RuleChange, captured_at: datetime, classes: tuple[bool, ...]) -> str:
    did = change.recorded.entry
    chosen = "the repository's own rule" if did.request.get("rule") is None else "a rule of its own"
    name = change.after.name if change.after else str(did.request.get("rule"))
    before = (
        change.before.name
        if change.before
        else f"one whose file has SHA-256 {did.request.get('rule_digest_before')}"
    )
    said = (
        f"On {at(did.at)} {who(did.actor)} put the reads of {change.agency}, those stored already "
        f"too, under {chosen}, {name}, instead of {before}: "
        f"{ended(str(did.request.get('reason')))}{entry(change.recorded)}."
    )
    moved = {hit: change.moves(captured_at, hit=hit) for hit in classes}
    if len(set(moved.values())) == 1:
        move = moved[classes[0]]
        return said if move is None else f"{said} By that its time {_moved(move)}."
    parts = [
        f"if it {'matched' if hit else 'did not match'} a hot list, its time {_moved(move)}"
        for hit, move in moved.items()
        if move is not None
    ]
    return f"{said} By that, {'; '.join(parts)}."


def _moved(move: tuple[datetime, datetime]) -> str:
    before, after = move
    return f"ends {'earlier' if after < before else 'later'}: on {at(after)}, not on {at(before)}"


def _ended_words(keeping: Keeping) -> str:
    hold = keeping.hold
    return (
        f"Hold {hold.id} of {hold.agency} kept it {for_what(hold)}. It was {placing(keeping)}. "
        f"{ending(keeping)}"
    )


def _hold_words(keeping: Keeping, ends_at: datetime | None, now: datetime | None) -> str:
    """Of a hold that stands; without ``now``, of a read that is not here."""
    hold = keeping.hold
    keeps = "names it" if now is None else "keeps it"
    said = (
        f"Hold {hold.id} of {hold.agency} {keeps} {for_what(hold)}. It was {placing(keeping)}. "
        f"It is on {what(without_plate(hold))}."
    )
    if hold.direction is not None:
        said += f" The direction: {ended(hold.direction)}."
    if hold.disposed_on is not None:
        said += (
            f" The case's final disposition was reached on {hold.disposed_on}, as "
            f"{hold.disposed_by_name} recorded: {ended(hold.disposition or '')}."
        )
    if now is None:
        return said
    if ends_at is not None:
        over = "" if ends_at > now else " That time is over."
        return f"{said} The hold keeps the read until {at(ends_at)}.{over}"
    if hold.record_period:
        said += f" The record of the case itself is kept: {ended(hold.record_period)}."
    if hold.review_due:
        said += f" The hold is reviewed by {hold.review_due}."
    if hold.release_proposed_at:
        said += (
            f" {hold.release_proposed_by_name} proposed its release on "
            f"{at(hold.release_proposed_at)}: {ended(hold.release_reason or '')}; no second person "
            "has confirmed that yet."
        )
    return f"{said} The hold keeps the read until {_until(hold)}."


def _until(hold: Hold) -> str:
    if hold.kind == "evidence":
        return f"one person of {hold.agency} proposes its release and another confirms it"
    released = f"a person of {hold.agency} releases the hold"
    if hold.kind == "enforcement_action":
        return f"the case's final disposition is recorded, or {released}"
    return released


def _end_words(kept: Kept, now: datetime) -> str:
    endless = [duty.hold for duty in kept.duties if duty.ends_at is None and duty.hold is not None]
    if endless:
        rest = max(duty.ends_at for duty in kept.duties if duty.ends_at is not None)
        then = (
            "with the next purge, since by everything else that applies its time is over"
            if rest <= now
            else f"with the first purge after {at(rest)}, when everything else that applies is over"
        )
        ends = "have ended" if len(endless) > 1 else "has ended"
        return (
            f"What lasts longest decides: {_named(endless)}. The read stays until "
            f"{'those holds' if len(endless) > 1 else 'that hold'} {ends}. After that it goes "
            f"{then}."
        )
    first = kept.duties[0]
    why = "the rule" if first.hold is None else f"hold {first.hold.id}"
    ends_at = first.ends_at or kept.expires_at
    if ends_at <= now:
        return f"Its time is over ({why} decided): it goes with the next purge."
    return (
        f"What lasts longest decides: {why}. The read goes with the first purge after "
        f"{at(ends_at)}."
    )


def _named(holds: list[Hold]) -> str:
    numbers = [str(hold.id) for hold in holds]
    if len(numbers) == 1:
        return f"hold {numbers[0]}"
    return f"holds {', '.join(numbers[:-1])} and {numbers[-1]}"


def _names(holds: list[Hold]) -> str:
    return "names" if len(holds) == 1 else "name"


def without_plate(hold: Hold) -> Hold:
    """The hold without the plate that it is on, since an explanation says none."""
    return replace(hold, plate=None, plate_state=None)


def _cut(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 10_000 * 10_000)
