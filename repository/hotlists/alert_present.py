"""Alerts and entries by hand as plain values and as lines, for people and for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from edge.contract.records import FixedSite, GpsFix, HotlistMatch, Verification
from repository.hotlists.alert_state import Alert
from repository.hotlists.alerts import ShownAlerts
from repository.search.result import LEAD_ONLY


def as_mapping(shown: ShownAlerts) -> Mapping[str, Any]:
    """Alerts with the notice that each is a lead."""
    return {
        "notice": LEAD_ONLY,
        "ledger_entry": shown.ledger_index,
        "count": len(shown.alerts),
        "more": shown.more,
        "alerts": [_alert(each) for each in shown.alerts],
    }


def lines(alert: Alert) -> list[str]:
    """The alert on the screen: what rang, for which entry of which version, what became of it."""
    hit, match = alert.hit, alert.hit.match
    stale = ", STALE" if match.list_stale else ""
    said = [
        f"{hit.captured_at:%Y-%m-%d %H:%M:%S} UTC  {hit.plate} {hit.state.code or '--'}  "
        f"unit {hit.unit}, camera {hit.camera}  {'rang' if hit.rang else 'did not ring'}  {hit.id}",
        f"    list {match.list_name} version {_line(match.list_version)}{stale}, entry "
        f"{_line(match.entry)}: {match.kind}, {match.plate} {match.state or '--'}, {match.how}",
    ]
    said.append(f"    {_final(alert)}")
    said += [f"    {_verification(each)}" for each in alert.verifications]
    if not alert.verifications:
        said.append("    UNVERIFIED")
    for each in alert.dispositions:
        case = f", case {_line(each.case_number)}" if each.case_number else ""
        said.append(f"    {each.outcome} said by {_line(each.officer)}{case}")
    if alert.acted_on_unverified:
        said.append("    ACTED ON WITHOUT VERIFICATION")
    said += [
        f"    preserved under hold {each.number} for case {_line(each.case_number)}"
        for each in alert.holds
    ]
    return said


def _final(alert: Alert) -> str:
    """What the whole pass read in the end, which may differ from what rang."""
    read, match = alert.read, alert.final_match
    if read is None:
        return "final read: not here yet"
    seen = f"final read: {read.plate} {read.state.code or '--'}"
    return f"{seen}, NO LONGER A MATCH" if match is None else f"{seen}, {_agreement(match)}"


def _agreement(match: HotlistMatch) -> str:
    swaps = [
        f"character {s.index + 1} read {s.read}, listed {s.listed}" for s in match.substitutions
    ]
    return f"NOT EXACT: {', '.join(swaps)}" if swaps else match.how


def _verification(said: Verification) -> str:
    eye = "by eye" if said.characters_match and said.state_matches else "NOT what was read"
    status = (
        f"{said.status_source} says {said.status_answer}"
        if said.status_answer is not None
        else "status not checked"
    )
    return f"verified by {_line(said.officer)}: {eye}; {status}"


def _alert(alert: Alert) -> Mapping[str, Any]:
    hit = alert.hit
    return {
        "id": str(hit.id),
        "read": str(hit.read),
        "unit": hit.unit,
        "camera": hit.camera,
        "captured_at": hit.captured_at.isoformat(),
        "received_at": alert.received_at.isoformat(),
        "plate": hit.plate,
        "state_of_issuance": hit.state.code,
        "place": _place(hit.position),
        "rang": hit.rang,
        "match": msgspec.to_builtins(hit.match),
        "final_read": None
        if alert.read is None
        else {
            "plate": alert.read.plate,
            "state_of_issuance": alert.read.state.code,
            "match": None if alert.final_match is None else msgspec.to_builtins(alert.final_match),
        },
        "state": alert.checked,
        "verifications": [_record(each) for each in alert.verifications],
        "dispositions": [_record(each) for each in alert.dispositions],
        "acted_on": alert.acted_on,
        "acted_on_unverified": alert.acted_on_unverified,
        "holds": [
            {"hold": each.number, "case": each.case_number, "kind": each.kind}
            for each in alert.holds
        ],
    }


def _record(record: msgspec.Struct) -> Mapping[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(record)
    return {name: value for name, value in fields.items() if name not in ("salt", "hit", "v")}


def _place(position: object) -> Mapping[str, Any] | None:
    if not isinstance(position, GpsFix | FixedSite):
        return None
    return {
        "latitude_deg": position.latitude_deg,
        "longitude_deg": position.longitude_deg,
        "site": position.site if isinstance(position, FixedSite) else None,
    }


def _line(text: str) -> str:
    """A unit's words on one line: they come from outside."""
    return "".join(char if char.isprintable() else " " for char in text)
