"""A delta that keeps breaking off is given up for the whole list, which is gone on with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.contract.hotlist import HotlistEntry, HotlistVersion, encode_manifest, sign_manifest
from edge.hotfile.download import BrokenDeltaError, UnreachableError
from edge.hotfile.partial import PartialFile
from edge.hotfile.updater import DELTA_TRIES
from tests.edge.hotfile.update_site import AGENCY, NOON, Car, car
from tests.repository.listing import LIST, SIGNER, entries
from tests.whole_lists import encode_list

PIECE = 1500


@dataclass
class BadLink:
    """A web behind a link that carries no delta whole, and of a list a piece in each try."""

    some: list[HotlistEntry]
    number: int = 1
    breaks: bool = False
    reached: bool = True
    asked: list[str] = field(default_factory=list)

    def manifest(self, name: str, known: str | None) -> tuple[bytes, str] | None:
        content = encode_list(self.some)
        issued = HotlistVersion(
            name=name,
            version=self.number,
            issued_at=NOON,
            entries=len(self.some),
            sha256=hashlib.sha256(content).hexdigest(),
            size_bytes=len(content),
        )
        before = self.number - 1 or None
        manifest = sign_manifest(
            agency=AGENCY,
            version=issued,
            previous_version=before,
            delta_base=before,
            private_key=SIGNER,
        )
        return encode_manifest(manifest), ""

    def delta(self, name: str, version: int, limit_bytes: int) -> bytes | None:
        self.asked.append("delta")
        if not self.reached:
            raise UnreachableError("cannot be reached")
        raise BrokenDeltaError("broke off")

    def fetch(self, version: HotlistVersion, partial: PartialFile) -> None:
        self.asked.append(f"list from {partial.size_bytes}")
        rest = encode_list(self.some)[partial.size_bytes :]
        partial.append(rest[:PIECE] if self.breaks else rest)
        partial.flush()
        if self.breaks and len(rest) > PIECE:
            raise UnreachableError("broke off")

    def close(self) -> None:
        pass


def behind(data: Path, link: BadLink) -> Car:
    """A unit behind that link, newly started."""
    with car(data, 1, None, Ed25519PrivateKey.generate()) as unit:
        unit.web.web = link  # type: ignore[assignment]
        return unit


def test_a_delta_that_keeps_breaking_off_is_given_up_for_the_list_which_comes_in_the_end(
    tmp_path: Path,
) -> None:
    link = BadLink(entries(40))
    behind(tmp_path, link).look()
    link.some, link.number, link.breaks = entries(40, first=3), 2, True
    link.asked.clear()
    unit = behind(tmp_path, link)
    for _ in range(DELTA_TRIES):
        assert "list" not in "".join(link.asked)
        unit.look()
        assert "broke off" in (unit.trouble or "")
    assert link.asked == ["delta"] * DELTA_TRIES + ["list from 0"]
    behind(tmp_path, link).look()
    assert link.asked[-1] == f"list from {PIECE}", "also after a restart, without the delta"
    unit = behind(tmp_path, link)
    for _ in range(10):
        unit.look()
    assert list(unit.folder.entries(LIST)) == link.some
    assert unit.trouble is None
    assert unit.partials() == []
    assert link.asked.count("delta") == DELTA_TRIES


def test_a_web_out_of_reach_is_no_reason_to_give_up_the_delta(tmp_path: Path) -> None:
    link = BadLink(entries(40))
    behind(tmp_path, link).look()
    link.some, link.number, link.reached = entries(40, first=3), 2, False
    link.asked.clear()
    unit = behind(tmp_path, link)
    for _ in range(DELTA_TRIES + 2):
        unit.look()
    assert link.asked == ["delta"] * (DELTA_TRIES + 2)


def test_each_version_has_its_own_tries(tmp_path: Path) -> None:
    link = BadLink(entries(40))
    unit = behind(tmp_path, link)
    unit.look()
    link.asked.clear()
    for number in range(2, 5):
        link.some, link.number = entries(40, first=number), number
        unit.look()
    assert link.asked == ["delta"] * 3
