"""What people have to do again after a restore: all that they did since the backup was made.

The backup does not have it, and nobody but those who did it knows it. A table that people's work
goes into belongs to one of these; a test sees to that.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

DO_AGAIN: Mapping[str, str] = MappingProxyType(
    {
        "holds": "made, first of all: nobody can tell which reads should have been held; and "
        "reviewed or released, whose reads go with the next purge after that",
        "cases": "opened, noted in and disposed of; the searches in them are lost for good",
        "reads": "that their owners corrected, withdrew or disposed of, which are as before; "
        "errors reported and answered",
        "units": "enrolled, rekeyed or revoked; approvals to run them; their repairs and checks",
        "users": "added, closed or given roles; logins asked for; reviews of the lists of users",
        "audits": "opened, drawn, answered and signed off, with findings and papers",
        "tokens": "of services: all are revoked, give new ones",
        "agencies": "added, suspended, ended or put under another rule, where the keys file is "
        "older than that; who represents them",
        "findings": "closed with a reason",
        "policies": "adopted, reviewed or ended",
        "training": "recorded or struck",
        "approvals": "of broad searches; reviews of emergencies; searches asked for by others; "
        "reads confirmed with their owners",
        "bulletins": "published, withdrawn, and acknowledged by their readers",
        "hot lists": "imported or exported; entries made or withdrawn by hand",
        "passwords": "changed; second factors and passkeys added or removed",
        "agreements": "signed by an agency's head, with their copies",
        "forwarding": "what is kept from the other repository, and what no longer is",
        "signatures": "of the terms that people sign for themselves",
        "face requests": "noted, answered, permitted or forbidden",
        "misuse reports": "made, answered or closed",
        "private plates": "registered or forgotten",
        "disseminations": "noted: the log of who was given what, which the law asks for; enter "
        "each again from the paper or message that it went with",
        "evidence packages": "made: each still proves itself by the checkpoint in it, but this "
        "ledger no longer says that it was made; make it again for who relies on it",
    }
)
"""By what it is about, the shortest word first: what of it. The finding has room for the words."""
