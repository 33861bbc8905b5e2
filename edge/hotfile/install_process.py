"""Putting a fetched list in use, a long one by a process of its own.

Ten million entries keep a processor busy for minutes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.contract.errors import ContractError
from edge.contract.hotlist import HotlistEntry, HotlistManifest, decode_delta
from edge.contract.plates import Confusables
from edge.hotfile.errors import BusyListError, DamagedListError, HotfileError
from edge.hotfile.facts import Implausible, ImplausibleListError, ListFacts
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.installation import Installation, InUseError
from edge.hotfile.partial import PartialFile
from edge.hotfile.process_apart import ProcessApart, answer
from edge.hotfile.settings import ChangeRule
from edge.hotfile.update import DeltaChain, RefusedListError, checked_entries, checked_file

APART_FROM_ENTRIES = 20_000
"""A shorter list is put in use in half a second, where it is wanted."""

_Kind = Literal["refused", "implausible", "in_use", "busy", "damaged", "contract", "other"]
_KINDS: tuple[tuple[type[Exception], _Kind], ...] = (
    (ImplausibleListError, "implausible"),
    (RefusedListError, "refused"),
    (InUseError, "in_use"),
    (BusyListError, "busy"),
    (DamagedListError, "damaged"),
    (ContractError, "contract"),
    (HotfileError, "other"),
)


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """What was fetched of a version: deltas, from the newest backwards, or its file at ``path``."""

    manifest: HotlistManifest
    deltas: tuple[bytes, ...] = ()
    path: str | None = None


class _Order(msgspec.Struct, frozen=True, kw_only=True):
    fetched: Fetched
    max_share: float
    from_entries: int
    root: str
    lists: str
    key: bytes
    spool_key: bytes
    groups: tuple[str, ...]
    agency: str
    repository_key: bytes
    now: datetime


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    facts: ListFacts | None = None
    kind: _Kind = "other"
    error: str = ""
    why: Implausible = "older"


def put_in_use(
    installation: Installation, spool_key: bytes, fetched: Fetched, rule: ChangeRule
) -> ListFacts:
    """Put what was fetched in use, in this process; see :meth:`Installation.put_in_use`."""
    manifest, name = fetched.manifest, fetched.manifest.list.name
    if fetched.path is None:
        chain = DeltaChain(manifest, installation.in_use(name))
        for data in fetched.deltas:
            chain.add(decode_delta(data), len(data))
        if not chain.complete:
            raise ContractError("deltas: do not lead from the list in use to the newest")
        entries = checked_entries(chain.merge(installation.folder.entries(name)), manifest)
    else:
        entries = _entries_of(Path(fetched.path), manifest, spool_key)
    return installation.put_in_use(manifest, entries, source="repository", rule=rule)


def _entries_of(path: Path, manifest: HotlistManifest, spool_key: bytes) -> Iterator[HotlistEntry]:
    with PartialFile(path, sha256=manifest.list.sha256, spool_key=spool_key) as partial:
        yield from checked_file(partial.pieces(), manifest)


class InstallProcess:
    """Puts fetched lists in use, long ones by a process apart."""

    def __init__(
        self,
        stop: threading.Event,
        beat: Callable[[], None] = lambda: None,
        apart_from_entries: int = APART_FROM_ENTRIES,
    ) -> None:
        """``stop`` ends an installation that runs; ``beat`` is called while one does."""
        self._process = ProcessApart("edge.hotfile.install_process", stop, beat)
        self._apart_from_entries = apart_from_entries

    def put_in_use(
        self, installation: Installation, spool_key: bytes, fetched: Fetched, rule: ChangeRule
    ) -> ListFacts:
        """Put what was fetched in use.

        Raises:
            ContractError: if it is not what the manifest names.
            StoppedError: if the unit stops meanwhile.
            HotfileError: as :meth:`Installation.put_in_use`; what was in use stays.
        """
        if fetched.manifest.list.entries < self._apart_from_entries:
            return put_in_use(installation, spool_key, fetched, rule)
        order = _Order(
            fetched=fetched,
            max_share=rule.max_share,
            from_entries=rule.from_entries,
            root=str(installation.root),
            lists=str(installation.folder.root),
            key=installation.key,
            spool_key=spool_key,
            groups=installation.confusables.groups,
            agency=installation.agency,
            repository_key=installation.repository_key.public_bytes_raw(),
            now=installation.now(),
        )
        name = fetched.manifest.list.name
        said = _answers.decode(self._process.ask(name, msgspec.json.encode(order)))
        if said.facts is not None:
            return said.facts
        if said.kind == "implausible":
            raise ImplausibleListError(said.why, said.error)
        kinds = {kind: error for error, kind in _KINDS}
        raise kinds[said.kind](said.error)


def _carry_out(data: bytes) -> bytes:
    return msgspec.json.encode(_installed(_orders.decode(data)))


def _installed(order: _Order) -> _Answer:
    folder = HotlistFolder(Path(order.lists), order.key, Confusables.of(order.groups))
    installation = Installation(
        root=Path(order.root),
        folder=folder,
        confusables=folder.confusables,
        key=order.key,
        agency=order.agency,
        repository_key=Ed25519PublicKey.from_public_bytes(order.repository_key),
        now=lambda: order.now,
    )
    rule = ChangeRule(max_share=order.max_share, from_entries=order.from_entries)
    try:
        return _Answer(facts=put_in_use(installation, order.spool_key, order.fetched, rule))
    except ImplausibleListError as error:
        return _Answer(kind="implausible", error=str(error), why=error.why)
    except (HotfileError, ContractError) as error:
        kind = next(kind for known, kind in _KINDS if isinstance(error, known))
        return _Answer(kind=kind, error=str(error))


_orders = msgspec.json.Decoder(_Order)
_answers = msgspec.json.Decoder(_Answer)

if __name__ == "__main__":
    answer(_carry_out)
