"""Opens the spool by the settings, and goes on with a rotation of its key that was begun."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from edge.contract.plates import load_confusables
from edge.contract.records import AnyRecord
from edge.enrolment import EnrolledKeys, EnrolmentError
from edge.health.health import Health
from edge.hotfile.keys import hotfile_key
from edge.hotfile.rekey import rekey
from edge.key_rotation import finish_rotation
from edge.position.clock import UnitClock
from edge.settings import Settings
from edge.spool.records import Owner
from edge.spool.stand_in import lost_record
from edge.spool.store import Spool


def open_spool(settings: Settings, keys: EnrolledKeys, clock: UnitClock | None = None) -> Spool:
    """The unit's spool and its hot lists sealed under the spool key, no longer under a former.

    Without the unit's clock, what has to be said of damage is said by the system's time.

    Raises:
        SpoolError: if the spool cannot be used.
        HotfileError: if the hot lists cannot be sealed under a new key.
    """
    chosen = settings.spool
    spool = Spool.open(
        settings.unit.data / "spool",
        keys.spool_key,
        agency=settings.unit.agency,
        unit=settings.unit.name,
        former_key=keys.former_spool_key,
        max_bytes=chosen.limit_bytes(settings.unit.data),
        reserve_bytes=chosen.reserve_bytes,
        keep_damaged=chosen.keep_damaged,
        stand_in=None if clock is None else _stand_in(settings, clock),
    )
    if keys.former_spool_key is None:
        return spool
    try:
        rekey(
            settings.unit.data / "hotlists",
            hotfile_key(keys.former_spool_key),
            hotfile_key(keys.spool_key),
            load_confusables(),
        )
    except BaseException:
        spool.close()
        raise
    return spool


def destroy_former_key(settings: Settings, keys: EnrolledKeys, health: Health) -> None:
    """Destroy a former spool key, now that nothing is sealed under it; say so where that fails.

    A service may only read its keys: then destroying it is the administrator's part.
    """
    if keys.former_spool_key is None:
        return
    try:
        finish_rotation(settings.unit.keys)
    except EnrolmentError as error:
        health.trouble("former key", f"nothing needs the spool's former key any more: {error}")


def _stand_in(settings: Settings, clock: UnitClock) -> Callable[[int, str], AnyRecord]:
    owner = Owner(settings.unit.agency, settings.unit.name)
    return partial(lost_record, owner, random_bytes=os.urandom, now=clock.now, clock=clock.state)
