"""What waits in the spool, as messages ready to go."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.contract.batch import encode_message, seal_hit
from edge.contract.records import decode_record
from edge.spool.store import Counts, Spool
from edge.uplink.messages import Outgoing, OutgoingBatch, OutgoingHit, OutgoingPicture, Room


class Supply:
    """Takes messages from one spool, signed by the unit's key."""

    def __init__(self, spool: Spool, private_key: Ed25519PrivateKey) -> None:
        self._spool = spool
        self._private_key = private_key
        self._oldest: tuple[int, datetime] | None = None

    def fetch(self, room: Room) -> Iterator[Outgoing]:
        """As much as there is room for: hits, batches in order, pictures.

        Raises:
            SpoolError: if the spool cannot be read or written.
        """
        spool = self._spool
        if room.hits:
            for hit in spool.waiting_hits(room.hits, skip=room.skip_hits):
                notice = seal_hit(
                    agency=spool.agency,
                    unit=spool.unit,
                    record=hit.record,
                    private_key=self._private_key,
                )
                yield OutgoingHit(hit.seq, encode_message(notice))
        if room.batches:
            batches = list(spool.unreceipted_batches(room.batches, after=room.batches_after))
            while len(batches) < room.batches and (sealed := spool.seal(self._private_key)):
                batches.append(sealed)
            for batch in batches:
                yield OutgoingBatch(batch.first_seq, batch.last_seq, encode_message(batch))
        if room.pictures:
            for picture in spool.waiting_pictures(
                room.pictures, skip=room.skip_pictures, least=room.least_pictures
            ):
                yield OutgoingPicture(picture.sha256, picture.content)

    def oldest_waiting_at(self, counts: Counts) -> datetime | None:
        """When the record that waits longest was captured; None if none waits.

        Raises:
            SpoolError: if the spool cannot be read.
        """
        if counts.waiting == 0:
            return None
        if self._oldest is None or self._oldest[0] != counts.receipted:
            record = self._spool.oldest_waiting()
            if record is None:
                return None
            self._oldest = counts.receipted, decode_record(record).captured_at
        return self._oldest[1]
