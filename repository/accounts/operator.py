"""The person at the repository's own command line, by the name the operating system gives them."""

from __future__ import annotations

import os
import pwd

from repository.ledger.entry import Actor

COMMAND_LINE = "command line"


def operator() -> Actor:
    """Who runs this process; who became root by sudo is named by their own account."""
    sudo = os.environ.get("SUDO_UID", "")
    user_id = int(sudo) if os.getuid() == 0 and sudo.isdecimal() else os.getuid()
    try:
        found = pwd.getpwuid(user_id)
    except KeyError:
        return Actor(f"os:{user_id}", f"os:{user_id}", f"user {user_id} of this machine", "")
    name = found.pw_gecos.partition(",")[0] or found.pw_name
    return Actor(f"os:{user_id}", f"os:{found.pw_name}", name, "")
