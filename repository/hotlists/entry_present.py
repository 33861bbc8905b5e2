"""Entries by hand as plain values and as lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from repository.hotlists.entries import ManualEntry


def entry_as_mapping(entry: ManualEntry, now: datetime) -> Mapping[str, Any]:
    """The entry with where it stands and everybody who had a part in it, for JSON."""
    return {
        "number": entry.id,
        "entry": entry.label,
        "list": entry.list,
        "state": entry.state(now),
        "plate": entry.plate,
        "state_of_issuance": entry.state_code,
        "kind": entry.kind,
        "priority": entry.priority,
        "note": entry.note,
        "reason": entry.reason,
        "authorized_by": {
            "name": entry.authorized_by_name,
            "rank": entry.authorized_by_rank,
            "login": entry.authorized_by_login,
            "known": known_by(entry),
        },
        "expires": entry.expires.isoformat(),
        "review_due": entry.review_due.isoformat(),
        "replaces": entry.replaces,
        "proposed": {"by": entry.proposed_by_name, "at": entry.proposed_at.isoformat()},
        "confirmed": _by(entry.confirmed_by_name, entry.confirmed_at),
        "ended": _by(entry.ended_by_name, entry.ended_at),
        "end_reason": entry.end_reason,
    }


def known_by(entry: ManualEntry) -> str:
    """How it is known who authorized the entry, in words."""
    if entry.authorized_by_login is None:
        return "told, not signed: no account of the agency"
    return f"by the account {entry.authorized_by_login}"


def entry_lines(entry: ManualEntry, now: datetime) -> list[str]:
    """The entry on the screen."""
    said = [
        f"{entry.label}  {entry.list}  {entry.state(now).upper()}  {entry.plate} "
        f"{entry.state_code or '--'}  {entry.kind}, priority {entry.priority}, ends "
        f"{entry.expires:%Y-%m-%d %H:%M} UTC, review by {entry.review_due:%Y-%m-%d %H:%M} UTC",
        f"    {' '.join(entry.reason.split())}",
        f"    authorized by {entry.authorized_by_rank} {entry.authorized_by_name} "
        f"({known_by(entry)}), proposed by "
        f"{entry.proposed_by_name} {entry.proposed_at:%Y-%m-%d %H:%M} UTC",
    ]
    if entry.confirmed_at is not None:
        said.append(
            f"    checked by {entry.confirmed_by_name} {entry.confirmed_at:%Y-%m-%d %H:%M} UTC"
        )
    if entry.ended_at is not None:
        said.append(
            f"    ended by {entry.ended_by_name} {entry.ended_at:%Y-%m-%d %H:%M} UTC: "
            f"{' '.join((entry.end_reason or '').split())}"
        )
    return said


def _by(name: str | None, at: datetime | None) -> Mapping[str, str | None] | None:
    return None if at is None else {"by": name, "at": at.isoformat()}
