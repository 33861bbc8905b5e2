"""Who did what, and when, in words that can be read aloud. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from repository.ledger.entry import SYSTEM, Actor, Recorded
from repository.retention.explain import Keeping
from repository.retention.holds_listing import Hold

_OPERATOR = "os:"

_BECAUSE = {
    "enforcement_action": "because of an enforcement action, investigation or prosecution",
    "arrest": "because of an arrest",
    "criminal_investigation": "because of a criminal investigation",
    "evidence": "because it is expected to become evidence in a criminal or civil action",
    "administrator_direction": "because the ALPR administrator directed it",
}


def who(actor: Actor) -> str:
    """Somebody as a judge would have them named, or the repository itself."""
    if actor.user_id == SYSTEM.user_id:
        return "the repository's own schedule"
    if actor.user_id.startswith(_OPERATOR):
        account = actor.login.removeprefix(_OPERATOR)
        name = "" if actor.name == account else f", {actor.name}"
        return f"the operator of the server{name} (system account {account})"
    return f"{actor.name} (login {actor.login})" + (f" of {actor.agency}" if actor.agency else "")


def at(moment: datetime) -> str:
    """A moment to the second, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def entry(recorded: Recorded | None) -> str:
    """Where the ledger has it, in brackets; nothing where it does not."""
    return "" if recorded is None else f" (ledger entry {recorded.index})"


def ended(text: str) -> str:
    """What somebody typed, to be followed by a full stop of ours."""
    return text.rstrip(" .")


def for_what(hold: Hold) -> str:
    """The case of a hold, and why it was placed in the policy's terms."""
    return f"for case {hold.case_number}, {_BECAUSE[hold.kind]}"


def placing(keeping: Keeping) -> str:
    """By whom a hold was placed, and their reason."""
    hold = keeping.hold
    by = hold.placed_by_name
    if keeping.named.placed_by == SYSTEM.user_id:
        by = "the repository itself, on what the officer reported"
    return f"placed on {at(hold.placed_at)} by {by}: {ended(hold.reason)}{entry(keeping.placed)}"


def ending(keeping: Keeping) -> str:
    """Who let go of the read, when and why; the hold has ended."""
    hold = keeping.hold
    when = at(keeping.named.ended_at or hold.placed_at)
    if keeping.named.lapsed_at is not None and hold.disposed_on is None:
        over = hold.others_until is not None and hold.others_until <= keeping.named.lapsed_at
        why = (
            "the time for which a hold keeps other agencies' reads was over"
            if over
            else f"{keeping.named.owner}, whose read it is, ended the hold on it"
        )
        return f"The hold let go of the read on {when}, since {why}{entry(keeping.ended)}."
    if keeping.named.lapsed_at is not None:
        return (
            f"The case's final disposition was reached on {hold.disposed_on}, as "
            f"{hold.disposed_by_name} recorded ({ended(hold.disposition or '')}); the hold let go "
            f"of the read on {when}, when the time of the repository's own rule was over"
            f"{entry(keeping.ended)}."
        )
    reason = ended(hold.release_reason or "no reason is on record")
    if keeping.named.released_by == SYSTEM.user_id:
        return f"It ended by itself on {when}: {reason}{entry(keeping.ended)}."
    by = hold.released_by_name if keeping.ended is None else who(keeping.ended.entry.actor)
    if hold.release_proposed_at is None:
        return f"It was released on {when} by {by}: {reason}{entry(keeping.ended)}."
    return (
        f"{hold.release_proposed_by_name} proposed its release on {at(hold.release_proposed_at)}: "
        f"{reason}. It was released on {when} by {by}, who confirmed that{entry(keeping.ended)}."
    )
