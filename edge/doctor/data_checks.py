"""Models, hot lists and the clock."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from edge.bootstrap.hotlists import build_folder
from edge.contract.plates import load_confusables
from edge.doctor.disk_checks import spool_is_another_keys
from edge.doctor.findings import Finding, fail, ok, own, split, warning
from edge.enrolment import EnrolmentError, load_keys
from edge.health.status import Status
from edge.hotfile.department_file import recipe_now
from edge.hotfile.errors import HotfileError
from edge.hotfile.facts import FUTURE_TOLERANCE_S
from edge.hotfile.settings import HotlistSource
from edge.position.clock import believable
from edge.settings import Settings
from edge.vision.errors import ModelError
from edge.vision.manifest import find_model, known_models
from edge.vision.own_models import check_model
from edge.vision.providers import usable_providers

_BAD_CLOCK_MS = 2000.0
_MODEL = "install the product anew; if it is a model of your own, add it anew: alpr-edge models add"
_NO_MODEL = (
    "correct [engine] in the settings: 'alpr-edge models list', with --manifest where you have one "
    "of your own, shows every name"
)
LIST_PARTS = ("hot list ", "hot list file ", "age of hot list ")
"""How the names of a list's parts begin whose troubles are looked into here."""


def check_models(settings: Settings) -> Iterator[Finding]:
    """Load every model that the settings use, compare its digest, and try it on a picture."""
    engine = settings.engine
    try:
        entries = known_models(engine.models)
    except ModelError as error:
        yield fail("models", *split(str(error), _MODEL))
        return
    names = [engine.detector, engine.reader]
    if engine.verifier:
        names.append(engine.verifier)
    if engine.kind == "ppocr":
        names = [name for name, entry in entries.items() if entry.package]
    for name in names:
        try:
            entry = find_model(entries, name)
        except ModelError as error:
            yield fail(f"model {name}", *split(str(error), _NO_MODEL))
            continue
        result = check_model(entry)
        if result.usable:
            # A reader repeats the text of the plate that was drawn for it: nothing to show.
            said = "it loads and reads a plate" if entry.role == "reader" else result.said
            yield ok(f"model {name}", said)
        else:
            yield fail(f"model {name}", *split(result.said, _MODEL))
    for lacking in usable_providers(engine.providers)[1]:
        yield warning("engine providers", *split(lacking))


def check_hotlists(settings: Settings, status: Status | None, now: datetime) -> Iterator[Finding]:
    """Every list of the settings: in use, and not too old."""
    if not settings.hotlists:
        yield warning(
            "hot lists",
            "the settings name none: nothing will ever ring",
            "name the department's lists under [[hotlists]], unless that is meant",
        )
        return
    if status is not None:
        yield from judge_hotlists(settings, status)
        return
    try:
        keys = load_keys(settings.unit.keys)
    except EnrolmentError:
        yield warning(
            "hot lists",
            "not looked at: they open with the unit's keys, which cannot be used here",
            "see what is said of the keys; where the service alone has them, ask while it runs",
        )
        return
    folder = build_folder(settings, keys, load_confusables())
    for source in settings.hotlists:
        try:
            facts = folder.current(source.name)
        except HotfileError as error:
            yield _unusable(settings, source, error)
            continue
        if facts is None:
            yield _not_in_use(source, _build(settings, source))
        else:
            said = f"version {facts.version}, {facts.entries:,} entries"
            limit = timedelta(seconds=source.max_age_s)
            remedy = _update(settings, source)
            yield judge_age(source.name, said, now - facts.issued_at, limit, remedy)


def judge_hotlists(settings: Settings, status: Status) -> Iterator[Finding]:
    """What the running daemon says of its lists."""
    in_use = {one.name: one for one in status.hotlists}
    for source in settings.hotlists:
        check = f"hot list {source.name}"
        for part in (check, f"hot list file {source.name}"):
            if part in status.troubles:
                sentence = status.troubles[part].sentence.removeprefix(f"{check}: ")
                yield _refused(settings, check, sentence, _update(settings, source))
        if (fact := in_use.get(source.name)) is not None:
            said = f"version {fact.version}, {fact.entries:,} entries"
            age, limit = timedelta(seconds=fact.age_s), timedelta(seconds=source.max_age_s)
            yield judge_age(source.name, said, age, limit, _update(settings, source))
        elif check not in status.troubles:
            yield _not_in_use(source, _update(settings, source))


def judge_age(name: str, said: str, age: timedelta, limit: timedelta, update: str) -> Finding:
    """Whether a list of that age may be relied on; ``update`` is how a newer one is had."""
    check = f"hot list {name}"
    hours = age / timedelta(hours=1)
    if age < -timedelta(seconds=FUTURE_TOLERANCE_S):
        return fail(
            check,
            f"{said}: it is dated {_span(-age)} ahead of the unit's clock, so its age cannot "
            "be told",
            f"check the unit's clock, which says {utc_now():%Y-%m-%d %H:%M} UTC; if that is right, "
            "have the list's publisher correct its date and issue it again",
        )
    if age > limit:
        return fail(check, f"{said}: it is {hours:,.1f} hours old and counts as STALE", update)
    if age > 0.8 * limit:
        return warning(check, f"{said}: {hours:,.1f} hours old, soon stale", update)
    return ok(check, f"{said}, {max(hours, 0.0):,.1f} hours old")


def check_clock(
    status: Status | None, kept_error_ms: Callable[[], float | None], now: datetime
) -> Iterator[Finding]:
    """Whether the time is plausible, and what keeps it."""
    if not believable(now):
        yield fail(
            "clock",
            f"it says {now:%Y-%m-%d}: it was never set",
            "let the unit hear GPS or reach a time server; check timedatectl and the battery of "
            "the machine's clock",
        )
        return
    if status is not None:
        yield judge_clock(status.clock.source, status.clock.error_ms)
    else:
        error_ms = kept_error_ms()
        yield judge_clock("system" if error_ms is None else "ntp", error_ms)


def judge_clock(source: str, error_ms: float | None) -> Finding:
    """What a clock is worth that is kept by that source within that error."""
    if source == "unset":
        return fail(
            "clock",
            "the unit has not had the time since it started; its reads are marked",
            "let it hear GPS or reach a time server",
        )
    if source == "system" or error_ms is None:
        return warning(
            "clock",
            "no time service keeps it, and no GPS tells the time: nobody knows how far it is off",
            "run a time service (systemctl enable --now systemd-timesyncd, or chrony), or connect "
            "GPS",
        )
    if error_ms > _BAD_CLOCK_MS:
        return warning(
            "clock",
            f"kept by {source.upper()}, but off by up to {error_ms / 1000:.1f} s",
            "check the way to the time server; GPS time gets better with a fix",
        )
    return ok("clock", f"kept by {source.upper()}, off by {error_ms:.0f} ms at most")


def utc_now() -> datetime:
    """The machine's clock."""
    return datetime.now(UTC)


def _span(age: timedelta) -> str:
    return (
        f"{age.days:,} days"
        if age >= timedelta(days=3)
        else f"{age.total_seconds() / 3600:.1f} hours"
    )


def _unusable(settings: Settings, source: HotlistSource, error: HotfileError) -> Finding:
    """A list that does not open; with a spool that does not either, the key is to blame."""
    check = f"hot list {source.name}"
    if spool_is_another_keys(settings.unit.data, settings.unit.keys):
        return fail(
            check,
            "it does not open, and neither does the spool: most likely both were written with "
            "another key than the spool.key that is there now",
            "put back the spool.key that was made when the unit was enrolled; build nothing anew",
        )
    sentence = str(error).removeprefix(f"{check}: ")
    return _refused(settings, check, sentence, _build(settings, source))


def _refused(settings: Settings, check: str, sentence: str, otherwise: str) -> Finding:
    """What one of the unit's sentences says of a list; that a file is another user's is seen."""
    found, do = split(sentence, otherwise)
    if os.strerror(errno.EACCES) in found:
        do = own(settings.unit.data)
    return fail(check, found, do)


def _not_in_use(source: HotlistSource, do: str) -> Finding:
    return fail(f"hot list {source.name}", "it is not in use: no read is compared with it", do)


def _build(settings: Settings, source: HotlistSource) -> str:
    """How a list comes into use where no daemon runs that would build it."""
    if source.path is None:
        return _update(settings, source)
    if recipe_now(source) is None:
        return f"put the department's file at {source.path}, which the daemon's user may read"
    return (
        f"start the daemon, which builds it from {source.path}; 'alpr-edge hotfile import "
        f"{source.path}' builds it now, and says what is wrong with the file"
    )


def _update(settings: Settings, source: HotlistSource) -> str:
    """How a list is had, by where the settings say that it comes from."""
    if source.path is not None:
        return f"have a new list written to {source.path}, which the daemon's user may read"
    if settings.hotlist_updates is None:
        return "bring it on a stick: alpr-edge hotfile import; or set [hotlist_updates] to fetch it"
    return (
        f"check the way to {settings.hotlist_updates.url}, and that the list is published there; "
        "meanwhile bring it on a stick: alpr-edge hotfile import"
    )
