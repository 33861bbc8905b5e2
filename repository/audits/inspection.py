"""The state of the ALPR systems and of the repository, as papers of an audit (policy C-4d).

An audit of the repository itself is signed off with these beside it: units and their health, keys,
versions, what the checks of the database found, whether the ledger is whole, and what findings are
open. They are taken when the audit is conducted and never change after.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC
from importlib import metadata

from sqlalchemy import insert, select, text

from repository.accounts.roles import Power, require
from repository.accounts.user import User
from repository.audits.base import REFUSALS, Base
from repository.audits.errors import AuditError
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, digest_of_ids
from repository.ledger.service import Ledger
from repository.store import migrate
from repository.store.checks.check import check
from repository.store.engine import reading
from repository.store.tables.audits import audit_papers
from repository.store.tables.ledger import ledger_witnesses
from repository.units.enrolment import list_units
from repository.units.findings import list_findings

ACTION = "audits.inspect"


@dataclass(frozen=True, slots=True)
class Inspections(Base):
    """Inspecting; ``keys`` names the repository's public keys, ``fold`` is reads' folding."""

    ledger: Ledger
    keys: Callable[[], Mapping[str, JSON]]
    fold: Callable[[str], str]

    def inspect(self, user: User, number: int, origin: str) -> list[str]:
        """Take the state as it is now and put it beside the audit; gives the papers' titles.

        Raises:
            AuditError: if there is no such audit for the user, it is of no repository, or signed.
            NotAllowedError: if their roles do not let them.
        """
        request: dict[str, JSON] = {"audit": number}
        self._draw_if_due(user, number)
        with attempt(self.engine, self._entry(user, ACTION, request, origin), REFUSALS):
            require(user, Power.AUDIT_ALL)
            with reading(self.engine) as connection:
                audit = self._to_conduct(connection, user, number)
            if audit.kind != "system":
                raise AuditError(f"audit {number}: is not one of the repository itself")
            papers = self._papers()
            with self.engine.begin() as connection:
                self._conducting(connection, user, number)
                rows = [
                    {
                        "audit_id": number,
                        "title": title,
                        "content": content,
                        "sha256": hashlib.sha256(content.encode()).hexdigest(),
                        "attached_by": str(user.id),
                        "attached_by_name": user.name,
                        "attached_at": self.now(),
                    }
                    for title, content in papers.items()
                ]
                connection.execute(insert(audit_papers), rows)
                digest = digest_of_ids(str(row["sha256"]) for row in rows)
                self._append(connection, user, ACTION, request, origin, len(rows), digest)
        return list(papers)

    def _papers(self) -> dict[str, str]:
        now = self.now()
        verdict = self.ledger.verify()
        checked = check(
            self.engine, today=now.astimezone(UTC).date(), fold=self.fold, everything=False
        )
        with reading(self.engine) as connection:
            units = [asdict(each) for each in list_units(connection)]
            # What a finding says in words may be about a person: its kind and age are enough here.
            found = [
                {"kind": each.kind, "raised_at": each.raised_at, "times": each.times}
                for each in list_findings(connection)
            ]
            witnesses = [
                {
                    "name": row.name,
                    "size": row.size,
                    "failing_since": row.failing_since,
                    "forked": row.forked,
                }
                for row in connection.execute(select(ledger_witnesses))
            ]
            dialect = connection.dialect.name
            asked = "SELECT version()" if dialect == "postgresql" else "SELECT sqlite_version()"
            server = connection.scalar(text(asked))
        state = {
            "units": units,
            "keys": self.keys(),
            "versions": {
                "plateward": metadata.version("plateward"),
                "python": platform.python_version(),
                "database": f"{dialect}: {server}",
                "schema": migrate.current(self.engine),
                "schema_of_this_version": migrate.head(),
            },
            "database": [asdict(each) for each in checked],
            "ledger": asdict(verdict) | {"whole": verdict.ok, "witnesses": witnesses},
            "findings": found,
        }
        return {
            title: json.dumps(content, default=str, sort_keys=True)
            for title, content in state.items()
        }
