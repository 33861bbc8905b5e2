"""Who of the command position authorized an entry by hand: an account, or only a name (M-E1).

Whoever proposes an entry names who authorized it. Where that is a person of the agency with an
account, the account says which position they hold, and what was typed does not count. A name
without an account is only told: then the second person must be of the command position.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from repository.accounts import users
from repository.accounts.user import User
from repository.hotlists.entry_request import EntryRequest
from repository.hotlists.errors import EntryRefusedError


def of_command(user: User, command_ranks: Sequence[str]) -> bool:
    """Whether the person's account says that they are of the command position."""
    return _plain(user.position) in {rank.casefold() for rank in command_ranks}


def settled(
    connection: Connection, agency_id: int, request: EntryRequest, command_ranks: Sequence[str]
) -> EntryRequest:
    """The request with the account of who authorized it, if they are of the agency and have one.

    Raises:
        EntryRefusedError: if the account is of no command position, or of another than was typed,
            or if several may be meant.
    """
    typed = _plain(request.authorized_by_name)
    named = [
        each.user
        for each in users.everyone(connection, agency_id)
        if each.disabled_at is None and typed in (each.user.login, _plain(each.user.name))
    ]
    if not named:
        return request
    commanding = [each for each in named if of_command(each, command_ranks)]
    if not commanding:
        held = named[0].position.strip() or "no position"
        raise EntryRefusedError(
            f"authorized by: {named[0].name} ({named[0].login}) has by their account: {held}; a "
            "plate is entered only when a person of the command position authorizes it "
            f"({', '.join(command_ranks)}); a rank that has changed is set with their roles: "
            "`users roles --position`"
        )
    if len(commanding) > 1:
        logins = ", ".join(each.login for each in commanding)
        raise EntryRefusedError(f"authorized by: several are of that name; give a login: {logins}")
    (authority,) = commanding
    if _plain(authority.position) != request.authorized_by_rank.casefold():
        raise EntryRefusedError(
            f"rank: {authority.name} ({authority.login}) is {authority.position} by their account"
        )
    return replace(request, authorized_by=authority.id, authorized_by_name=authority.name)


def _plain(typed: str) -> str:
    return " ".join(typed.split()).casefold()
