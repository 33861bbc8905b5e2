"""Builds what keeps hot lists from settings: for the daemon's bootstrap, and for the commands.

Apart from the bootstrap, since the commands are to do without what looks at pictures.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from edge.contract.plates import Confusables
from edge.enrolment import EnrolledKeys, load_public_key
from edge.hotfile.folder import HotlistFolder
from edge.hotfile.installation import Installation
from edge.hotfile.keys import hotfile_key
from edge.settings import Settings

if TYPE_CHECKING:
    from edge.hotfile.download import RepositoryWeb


def build_folder(settings: Settings, keys: EnrolledKeys, confusables: Confusables) -> HotlistFolder:
    """The folder of the unit's built lists."""
    return HotlistFolder(settings.unit.data / "hotlists", hotfile_key(keys.spool_key), confusables)


def build_installation(
    settings: Settings, folder: HotlistFolder, now: Callable[[], datetime]
) -> Installation:
    """What puts the repository's lists in use.

    Raises:
        EnrolmentError: if the repository's public key cannot be read.
    """
    return Installation(
        root=settings.unit.data / "hotlist-updates",
        folder=folder,
        confusables=folder.confusables,
        key=folder.key,
        agency=settings.unit.agency,
        repository_key=load_public_key(settings.uplink.repository_public_key),
        now=now,
    )


def build_web(
    settings: Settings,
    keys: EnrolledKeys,
    now: Callable[[], datetime],
    stop: threading.Event,
    beat: Callable[[], None] = lambda: None,
    *,
    answer_within_s: float = math.inf,
) -> RepositoryWeb | None:
    """The repository's web as the settings name it; None if lists come by stick alone.

    It has as long to answer as the settings say, and no longer than ``answer_within_s``.

    Raises:
        HotfileError: if its authority's certificate cannot be used.
    """
    from edge.hotfile.download import RepositoryWeb, Unit

    updates = settings.hotlist_updates
    if updates is None:
        return None
    return RepositoryWeb(
        updates.url,
        updates.ca,
        Unit(settings.unit.agency, settings.unit.name, keys.signing_key),
        timeout_s=min(updates.timeout_s, answer_within_s),
        now=now,
        stop=stop,
        beat=beat,
    )
