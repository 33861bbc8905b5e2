"""``alpr-repository retention explain``: why a read is kept, on the record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import click
from sqlalchemy import Connection

from repository.accounts.acting import as_person_if_named
from repository.accounts.entering import enter
from repository.accounts.operator import COMMAND_LINE, operator
from repository.accounts.roles import Power
from repository.accounts.user import User
from repository.bootstrap import Services
from repository.cases import files
from repository.command import AS_JSON
from repository.errors import RepositoryError
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry
from repository.retention import holds_permits
from repository.retention.duties import Duties
from repository.retention.explain import Gone, Kept, explain, plate_of
from repository.retention.explain_json import gone_as_mapping, kept_as_mapping
from repository.retention.explain_words import plate_words, words_of_gone, words_of_kept
from repository.retention.rules import shipped_rule
from repository.search.permits import Law
from repository.search.purpose import Purpose, PurposeKind, affirmation
from repository.search.run import Sight

_EVER = datetime.min.replace(tzinfo=UTC)
Plate = tuple[str, str | None, str | None, str | None]


@click.command("explain")
@click.argument("read_id", type=click.UUID)
@click.option("--purpose", help=f"One of: {', '.join(PurposeKind)}.")
@click.option("--facts", default="", help="What makes it necessary to see the plate, in words.")
@click.option("--case", "case_number", default="", help="Number of the case it belongs to.")
@click.option("--court-order", help="Court and number of the order, for that purpose.")
@click.option("--affirm", is_flag=True, help=f"Your word: {affirmation('look')}")
@AS_JSON
@as_person_if_named("Your login, to see the plate too; then say why.")
def explain_command(
    services: Services,
    user: User | None,
    read_id: UUID,
    purpose: str | None,
    facts: str,
    case_number: str,
    court_order: str | None,
    affirm: bool,
    as_json: bool,
) -> None:
    """Say why a read is kept and until when, or what became of it; the ledger keeps who asked.

    Example: alpr-repository retention explain 0195f3a2-7c1b-7def-8a01-23456789abcd
    """
    if user is None and purpose is not None:
        raise click.UsageError("--purpose belongs to --user: sign in to see the plate")
    actor = operator() if user is None else user.actor
    entry = Entry("retention.explain", actor, services.clock(), COMMAND_LINE)
    asked: dict[str, JSON] = {"read": str(read_id)}
    with attempt(services.engine, replace(entry, request=asked), RepositoryError):
        stated = None
        if user is not None:
            stated = Purpose.of(
                purpose or "",
                facts,
                case_number,
                affirmed=affirm,
                court_order=court_order,
                act="look",
            )
        entry = replace(entry, request=_request(asked, stated))
        with services.engine.begin() as connection:
            found, plates = _explain(connection, services, read_id, user, stated, entry)
    now = services.clock()
    if isinstance(found, Gone):
        lines = list(words_of_gone(found))
        mappings = [gone_as_mapping(found)]
    else:
        lines = [
            line
            for each in found
            for line in words_of_kept(each, _words(plates.get(each.unit_id)), now)
        ]
        mappings = [kept_as_mapping(each, _mapping(plates.get(each.unit_id))) for each in found]
    if as_json:
        click.echo(json.dumps(mappings))
        return
    for line in lines:
        click.echo(line)


def _explain(
    connection: Connection,
    services: Services,
    read_id: UUID,
    user: User | None,
    stated: Purpose | None,
    entry: Entry,
) -> tuple[tuple[Kept, ...] | Gone, Mapping[int, Plate]]:
    """The explanation, the plates that the user may see by their unit, and both on the record."""
    now = services.clock()
    duties = Duties.load(connection, services.retention_rule, shipped_rule)
    sight = None
    if user is not None and stated is not None:
        entered = enter(connection, user, Power.SEARCH)
        law = Law.load(connection, services.settings.search)
        sight = holds_permits.look(connection, entered, stated, law, duties, now).sight
    try:
        found = explain(connection, read_id, duties, now)
    except ValueError as error:
        raise RepositoryError(f"read {read_id}: {error}") from error
    shown: list[files.Shown] = []
    plates: dict[int, Plate] = {}
    if sight is not None and not isinstance(found, Gone):
        for each in found:
            if _may_see(each, sight):
                plates[each.unit_id] = plate_of(connection, each)
                shown.append(files.Shown(each.unit_id, each.captured_at, each.read_id))
    count = 0 if isinstance(found, Gone) else len(found)
    appended = log.append(connection, replace(entry, at=now, count=count))
    if user is not None and stated is not None:
        files.add_search(
            connection,
            files.open_case(connection, user, stated.case_number, now),
            user,
            ledger_index=appended.index,
            at=now,
            request=entry.request,
            shown=[files.row_of(each) for each in shown],
        )
    return found, plates


def _may_see(kept: Kept, sight: Sight) -> bool:
    """As a search decides: not what has expired, or its owner withdrew or closes to others."""
    goes_at = kept.goes_at
    here = goes_at is None or goes_at > sight.now
    own = kept.agency_id == sight.agency_id
    open_from = sight.closed.get(kept.agency_id, _EVER)
    open_to_it = open_from is not None and kept.captured_at >= open_from
    return here and open_to_it and (own or not kept.withdrawn)


def _request(asked: dict[str, JSON], stated: Purpose | None) -> dict[str, JSON]:
    if stated is None:
        return asked
    looked: dict[str, JSON] = {"looked_at": f"why read {asked['read']} is kept"}
    return {"explained": asked, "criteria": looked, "purpose": stated.as_json()}


def _words(plate: Plate | None) -> str | None:
    return None if plate is None else plate_words(*plate)


def _mapping(plate: Plate | None) -> dict[str, str | None] | None:
    if plate is None:
        return None
    names = ("read", "state", "corrected", "corrected_state")
    return dict(zip(names, plate, strict=True))
