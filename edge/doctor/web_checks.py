"""The way to the lists that the repository issues: whether its web has each for this unit."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime

from edge.bootstrap.hotlists import build_folder, build_installation, build_web
from edge.contract.plates import load_confusables
from edge.doctor.findings import Finding, fail, ok, split, warning
from edge.enrolment import EnrolmentError, load_keys
from edge.hotfile.download import UnreachableError
from edge.hotfile.errors import HotfileError
from edge.settings import Settings

LIMIT_S = 30.0
_ANSWER_WITHIN_S = 5.0
_ALL = "hot list updates"
_REACH = (
    "check hotlist_updates.url and hotlist_updates.ca, the unit's network and clock, and whether "
    "'alpr-repository run' and the proxy before it run there; meanwhile bring lists on a stick: "
    "alpr-edge hotfile import"
)


def check_web(settings: Settings, now: datetime, *, runs: bool) -> Iterator[Finding]:
    """Ask the repository's web for the newest manifest of each list that is fetched from there.

    Nothing is put in use. A daemon that ``runs`` may have its keys from its service alone, and says
    by itself what it cannot fetch. Where the web does not answer, it is asked for no other list.
    """
    wanted = [source.name for source in settings.hotlists if source.origin is not None]
    if not wanted:
        return
    try:
        keys = load_keys(settings.unit.keys)
    except EnrolmentError:
        yield _unasked(runs)
        return
    try:
        installation = build_installation(
            settings, build_folder(settings, keys, load_confusables()), lambda: now
        )
        web = build_web(
            settings, keys, lambda: now, threading.Event(), answer_within_s=_ANSWER_WITHIN_S
        )
    except (EnrolmentError, HotfileError) as error:
        yield fail(_ALL, *split(str(error)))
        return
    if web is None:
        return  # they come by stick
    for name in wanted:
        check = f"updates of hot list {name}"
        try:
            offered = web.manifest(name, None)
            issued = installation.verify(offered[0] if offered else b"", name).list
        except HotfileError as error:
            yield fail(check, *split(str(error).removeprefix(f"hot list {name}: "), _REACH))
            if isinstance(error, UnreachableError) and error.__cause__ is not None:
                break
        else:
            yield ok(check, f"version {issued.version} of {issued.issued_at:%Y-%m-%d %H:%M} UTC")
    web.close()


def _unasked(runs: bool) -> Finding:
    if runs:
        return ok(_ALL, "the running daemon, which alone has the unit's key, says if one fails")
    return warning(
        _ALL,
        "not asked for: requests are signed with the unit's key, which cannot be used here",
        "see what is said of the keys; where the service alone has them, ask while it runs",
    )
