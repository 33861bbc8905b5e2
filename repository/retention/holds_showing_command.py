"""``alpr-repository hold show``: a hold, and to who says why, the reads that it keeps."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import click
from sqlalchemy import Connection

from repository.accounts.acting import as_person
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.cases import files
from repository.command import AS_JSON
from repository.ledger import log
from repository.ledger.entry import JSON, as_typed, digest_of_ids
from repository.retention import holds_listing, holds_objecting, holds_permits
from repository.retention.holds_acting import (
    NUMBER,
    SEEING,
    acting,
    entry_of,
    placing,
    why_of,
    why_options,
)
from repository.retention.holds_listing import HeldRead, Hold
from repository.retention.holds_permits import Why
from repository.retention.holds_present import as_mapping, held_mapping, hold_lines, without_reads
from repository.retention.holds_request import HoldError
from repository.store.tables.reads import reads


@click.command("show")
@NUMBER
@click.option("--facts", help="What makes it necessary to see its plate and reads, in words.")
@why_options("look")
@AS_JSON
@as_person
def show(
    services: Services,
    user: User,
    number: int,
    facts: str | None,
    as_json: bool,
    **why: Any,
) -> None:
    """Show a hold of your agency with its reviews; with --facts, its plate and reads too.

    To see these asks for what a search asks: training, an agreement, a purpose and --affirm. It is
    recorded in the hold's case.

    Example: alpr-repository hold show --user jdoe --hold 7 --facts "The court asks which reads of
    the blue sedan we kept" --affirm
    """
    asked: dict[str, JSON] = {"hold": number}
    if facts is not None:
        asked["facts"] = as_typed(facts)
    held = None
    with acting(services, user, "hold.show", asked, *SEEING) as connection:
        found, reviews, _ = holds_listing.show(connection, number)
        if found.agency != user.agency:
            raise HoldError(f"hold {number}: not one of agency {user.agency}")
        ends = holds_objecting.ends_of(connection, number)
        if facts is None:
            found = dataclasses.replace(found, plate=None, plate_state=None)
            log.append(connection, entry_of(services, user, "hold.show", asked))
        else:
            held = _look(services, connection, user, found, why_of(why), facts)
    if as_json:
        mapping = without_reads(found) if held is None else as_mapping(found)
        mapping["reviews"] = [as_mapping(each) for each in reviews]
        mapping["owners_ends"] = [as_mapping(each) for each in ends]
        if held is not None:
            mapping["held"] = [held_mapping(each) for each in held]
            mapping["reads"] = len({each.read_id for each in held})
        click.echo(json.dumps(mapping))
        return
    for line in hold_lines(found, reviews, held, services.clock()):
        click.echo(line)
    for each in ends:
        click.echo(
            f"  {each.owner} ends it for its own reads on {each.ends_at:%Y-%m-%d %H:%M} UTC: "
            f"{each.reason}"
        )


def _look(
    services: Services,
    connection: Connection,
    user: User,
    found: Hold,
    why: Why,
    facts: str,
) -> list[HeldRead]:
    """The reads of the hold that the user may see, on the ledger and in the case file."""
    now = services.clock()
    rules = placing(services, connection)
    look = holds_permits.look(
        connection,
        user,
        why.stated("look", found.case_number, facts),
        rules.law,
        rules.duties,
        now,
        but=found.id,
    )
    held = holds_listing.show(connection, found.id, look.sight.of(reads))[2]
    request = {"hold": found.id, **look.as_json(_criteria(found))}
    entry = entry_of(services, user, "hold.show", request)
    ids = digest_of_ids(str(each.read_id) for each in held)
    appended = log.append(
        connection, dataclasses.replace(entry, at=now, count=len(held), result_digest=ids)
    )
    there = [each for each in held if each.agency is not None]
    files.add_search(
        connection,
        files.open_case(connection, user, look.purpose.case_number, now),
        user,
        ledger_index=appended.index,
        at=now,
        request=request,
        shown=[
            files.row_of(files.Shown(each.unit_id, each.captured_at, each.read_id))
            for each in there
        ],
    )
    return held


def _criteria(hold: Hold) -> dict[str, JSON]:
    if hold.plate is None or hold.from_at is None or hold.until_at is None:
        return {"looked_at": f"the reads of hold {hold.id}"}
    return {
        "plate": hold.plate,
        "from": hold.from_at.isoformat(),
        "to": hold.until_at.isoformat(),
    }
