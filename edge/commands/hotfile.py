"""The commands ``alpr-edge hotfile``: take lists in by hand, and show what is in use."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edge.commands.options import private_files, settings_option
from edge.commands.say import say, say_json

if TYPE_CHECKING:
    from edge.hotfile.facts import Implausible, ListFacts
    from edge.hotfile.installation import Installation
    from edge.hotfile.settings import HotlistSource
    from edge.hotfile.stick import CarriedList
    from edge.settings import Settings

MAX_REASON = 200

_FORCIBLE: tuple[Implausible, ...] = ("shrunk", "grown")


@dataclass(frozen=True, slots=True)
class _Taken:
    """What came of one list; ``rejections`` are the first lines that made no entry, in words."""

    facts: ListFacts
    news: bool
    rejections: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """For a program."""
        return _shown(self.facts) | {"news": self.news, "rejections": self.rejections}

    def lines(self) -> list[str]:
        """For a person."""
        facts, said = self.facts, "now in use" if self.news else "was in use already"
        lines = [f"{facts.name}: version {facts.version}, {facts.entries} entries, {said}"]
        if facts.rejected:
            some = (
                f", the first {len(self.rejections)}"
                if facts.rejected > len(self.rejections)
                else ""
            )
            lines.append(f"  {facts.rejected} lines make no entry and were left out{some}:")
            lines += [f"  {rejection}" for rejection in self.rejections]
        return lines


@click.group()
def hotfile() -> None:
    """Take hot lists in by hand, and show which are in use.

    Example: alpr-edge hotfile import /media/usb --settings /etc/plateward/edge.toml
    """
    private_files()


@hotfile.command("import")
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@settings_option
@click.option(
    "--force",
    is_flag=True,
    help="Take a list although it shrinks or grows by more than the settings allow.",
)
@click.option("--reason", help="With --force: why that is right; no plates, no names.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array, an object for each.")
def import_lists(
    path: Path, settings: Path, force: bool, reason: str | None, as_json: bool
) -> None:
    """Put in use what lies in PATH; a daemon that runs sees it at once.

    PATH is the folder that 'alpr-repository hotlists export' wrote, on a USB stick for instance,
    or the CSV file of a list in the settings, to be built now, and then removed where
    remove_once_built is set. A list with a wrong signature, cut off, or older than the one in use
    is refused, with --force too. Lines of a CSV file that make no entry are left out: how many, and
    the first of them by number and reason, is said.

    Example: alpr-edge hotfile import /media/usb --settings /etc/plateward/edge.toml
    """
    if force != bool(reason and reason.strip()):
        raise click.UsageError("--force and --reason go together: say why it is right")
    if reason is not None and len(reason) > MAX_REASON:
        raise click.UsageError(f"--reason: {MAX_REASON} characters at most")
    from edge.settings import load_settings

    take = _take_file if path.is_file() else _take_folder
    taken = take(load_settings(settings), path, reason, _progress(as_json))
    if as_json:
        say_json([one.shown() for one in taken])
        return
    for one in taken:
        for line in one.lines():
            say(line)


@hotfile.command()
@settings_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array, an object for each.")
def status(settings: Path, as_json: bool) -> None:
    """Show each list: version, where it came from, when it was issued, how old it is.

    The exit status is 1 if a list is missing, damaged, older than its limit, or dated ahead of the
    clock.

    Example: alpr-edge hotfile status --settings /etc/plateward/edge.toml --json
    """
    from edge.bootstrap.hotlists import build_folder
    from edge.contract.plates import load_confusables
    from edge.enrolment import load_keys
    from edge.hotfile.errors import HotfileError
    from edge.hotfile.remedy import remedy
    from edge.settings import load_settings

    chosen, now = load_settings(settings), datetime.now(UTC)
    folder = build_folder(chosen, load_keys(chosen.unit.keys), load_confusables())
    shown: list[dict[str, Any]] = []
    for source in chosen.hotlists:
        one: dict[str, Any] = {"name": source.name, "error": None}
        try:
            facts = folder.current(source.name)
        except HotfileError as error:
            shown.append(one | {"error": f"{error}; {remedy(source)}"})
            continue
        if facts is None:
            shown.append(one | {"error": "no list of that name was ever put in use"})
            continue
        age_s = round(facts.age(now).total_seconds())
        stale = facts.stale(now, source.max_age_s)
        shown.append(one | _shown(facts) | {"age_s": age_s, "stale": stale})
    if as_json:
        say_json(shown)
    else:
        for one in shown:
            say(_line(one))
    if any(one["error"] or one["stale"] for one in shown):
        raise SystemExit(1)


def _take_folder(
    settings: Settings, path: Path, reason: str | None, progress: Callable[[int], None]
) -> list[_Taken]:
    from edge.bootstrap.hotlists import build_folder, build_installation
    from edge.contract.plates import load_confusables
    from edge.enrolment import load_keys
    from edge.hotfile.errors import HotfileError
    from edge.hotfile.stick import carried_lists

    sources = {source.name: source for source in settings.hotlists if source.origin is not None}
    carried = [one for one in carried_lists(path) if one.name in sources]
    if not carried:
        raise HotfileError(
            f"{path}: holds none of this unit's lists from the repository: "
            f"{', '.join(sources) or 'its settings name none'}"
        )
    folder = build_folder(settings, load_keys(settings.unit.keys), load_confusables())
    installation = build_installation(settings, folder, lambda: datetime.now(UTC))
    return [_take(installation, sources[one.name], one, reason, progress) for one in carried]


def _take(
    installation: Installation,
    source: HotlistSource,
    carried: CarriedList,
    reason: str | None,
    progress: Callable[[int], None],
) -> _Taken:
    from edge.contract.errors import ContractError
    from edge.hotfile.facts import ImplausibleListError
    from edge.hotfile.update import RefusedListError, checked_file, facts_of

    manifest = installation.verify(carried.manifest, carried.name)
    if not installation.is_news(manifest):
        return _Taken(facts_of(manifest, "usb"), news=False)

    def put_in_use(allow: Collection[Implausible]) -> ListFacts:
        return installation.put_in_use(
            manifest,
            checked_file(carried.pieces(manifest), manifest),
            source="usb",
            rule=source.change,
            allow=allow,
            progress=progress,
        )

    try:
        try:
            return _Taken(put_in_use(()), news=True)
        except ImplausibleListError:
            if reason is None:
                raise
            installation.note_forced(facts_of(manifest, "usb"), reason.strip())
            return _Taken(put_in_use(_FORCIBLE), news=True)
    except ContractError as error:
        raise RefusedListError(
            f"hot list {carried.name}: {carried.file} is not the list of the manifest: {error}; "
            "export it again"
        ) from error


def _take_file(
    settings: Settings, path: Path, reason: str | None, progress: Callable[[int], None]
) -> list[_Taken]:
    from edge.bootstrap.hotlists import build_folder, build_installation
    from edge.contract.plates import load_confusables
    from edge.enrolment import load_keys
    from edge.hotfile.build import build_in_turn, shown_rejections
    from edge.hotfile.department_file import remove_once_built
    from edge.hotfile.errors import HotfileError
    from edge.hotfile.facts import ImplausibleListError

    wanted = path.resolve()
    source = next(
        (one for one in settings.hotlists if one.path and one.path.resolve() == wanted), None
    )
    if source is None:
        raise HotfileError(
            f"{path}: is the path of no list in the settings; put the file where the settings say"
        )
    folder = build_folder(settings, load_keys(settings.unit.keys), load_confusables())
    installation = build_installation(settings, folder, lambda: datetime.now(UTC))
    with folder.turn(source.name):
        in_use = folder.last(source.name)
        try:
            build = build_in_turn(source, folder, in_use, ())
        except ImplausibleListError as error:
            if reason is None or error.why not in _FORCIBLE:
                raise
            build = build_in_turn(source, folder, in_use, _FORCIBLE)
            installation.note_forced(build.facts, reason.strip())
        folder.install(source.name, build.file)
    remove_once_built(source, build.facts.recipe)
    progress(build.facts.entries)
    return [_Taken(build.facts, True, tuple(shown_rejections(build.rejections)))]


def _progress(as_json: bool) -> Callable[[int], None]:
    def tell(entries: int) -> None:
        if not as_json and entries % 1_000_000 == 0:
            say(f"{entries} entries", err=True)

    return tell


def _shown(facts: ListFacts) -> dict[str, Any]:
    return {
        "name": facts.name,
        "version": facts.version,
        "number": facts.number,
        "sha256": facts.sha256,
        "source": facts.source,
        "issued_at": facts.issued_at.isoformat(),
        "entries": facts.entries,
        "rejected": facts.rejected,
    }


def _line(one: dict[str, Any]) -> str:
    if one["error"]:
        return f"{one['name']}: MISSING OR DAMAGED: {one['error']}"
    hours = one["age_s"] / 3600
    age = f"{max(hours, 0.0):.1f} h old" + (", STALE" if one["stale"] else "")
    if one["stale"] and hours < 0:
        age = (
            f"dated {-hours:.1f} h AHEAD of this machine's clock, so its age is not known: check "
            "the clock, then the list's date"
        )
    entries = f"{one['entries']} entries"
    if one["rejected"]:
        entries += f" ({one['rejected']} lines of its file make none)"
    return (
        f"{one['name']}: version {one['version']} ({one['source']}), issued {one['issued_at']}, "
        f"{entries}, {age}"
    )
