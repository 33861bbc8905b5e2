"""Taking in what a stick carries, or a department's file, by hand: each list by itself.

What touches lists is loaded when one is taken: the command line does without.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge.hotfile.facts import Implausible, ListFacts
    from edge.hotfile.folder import HotlistFolder
    from edge.hotfile.installation import Installation
    from edge.hotfile.settings import HotlistSource
    from edge.hotfile.stick import CarriedList
    from edge.settings import Settings

_FORCIBLE: tuple[Implausible, ...] = ("shrunk", "grown")


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of one list; ``rejections`` are the first lines that made no entry, in words."""

    facts: ListFacts
    news: bool
    rejections: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """For a program."""
        return shown_facts(self.facts) | {"news": self.news, "rejections": self.rejections}

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


def of_folder(
    settings: Settings, path: Path, reason: str | None, progress: Callable[[int], None]
) -> list[Callable[[], Taken]]:
    """What takes in each list of the folder that is one of this unit's, when it is called.

    Raises:
        HotfileError: if there is none; those that are given raise it if their list is refused.
    """
    from edge.hotfile.errors import HotfileError
    from edge.hotfile.stick import carried_lists

    sources = {source.name: source for source in settings.hotlists if source.origin is not None}
    carried = [one for one in carried_lists(path) if one.name in sources]
    if not carried:
        raise HotfileError(
            f"{path}: holds none of this unit's lists from the repository: "
            f"{', '.join(sources) or 'its settings name none'}"
        )
    installation = _installation(settings)
    return [
        partial(_take, installation, sources[one.name], one, reason, progress) for one in carried
    ]


def _take(
    installation: Installation,
    source: HotlistSource,
    carried: CarriedList,
    reason: str | None,
    progress: Callable[[int], None],
) -> Taken:
    from edge.contract.errors import ContractError
    from edge.hotfile.facts import ImplausibleListError
    from edge.hotfile.update import RefusedListError, checked_file, facts_of

    manifest = installation.verify(carried.manifest, carried.name)
    if not installation.is_news(manifest):
        return Taken(facts_of(manifest, "usb"), news=False)

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
            return Taken(put_in_use(()), news=True)
        except ImplausibleListError:
            if reason is None:
                raise
            installation.note_forced(facts_of(manifest, "usb"), reason.strip())
            return Taken(put_in_use(_FORCIBLE), news=True)
    except ContractError as error:
        raise RefusedListError(
            f"hot list {carried.name}: {carried.file} is not the list of the manifest: {error}; "
            "export it again"
        ) from error


def of_file(
    settings: Settings, path: Path, reason: str | None, progress: Callable[[int], None]
) -> list[Callable[[], Taken]]:
    """What builds the one list of the file, when it is called; see :func:`of_folder`."""
    from edge.hotfile.errors import HotfileError

    wanted = path.resolve()
    source = next(
        (one for one in settings.hotlists if one.path and one.path.resolve() == wanted), None
    )
    if source is None:
        raise HotfileError(
            f"{path}: is the path of no list in the settings; put the file where the settings say"
        )
    return [partial(_build, settings, source, reason, progress)]


def _build(
    settings: Settings,
    source: HotlistSource,
    reason: str | None,
    progress: Callable[[int], None],
) -> Taken:
    from edge.hotfile.build import build_in_turn, shown_rejections
    from edge.hotfile.department_file import remove_once_built
    from edge.hotfile.facts import ImplausibleListError

    installation = _installation(settings)
    folder = installation.folder
    with folder.turn(source.name):
        in_use = folder.last(source.name)
        try:
            build = build_in_turn(source, folder, in_use, (), progress)
        except ImplausibleListError as error:
            if reason is None or error.why not in _FORCIBLE:
                raise
            build = build_in_turn(source, folder, in_use, _FORCIBLE, progress)
            installation.note_forced(build.facts, reason.strip())
        folder.install(source.name, build.file)
    remove_once_built(source, build.facts.recipe)
    return Taken(build.facts, True, tuple(shown_rejections(build.rejections)))


def _installation(settings: Settings) -> Installation:
    from edge.bootstrap.hotlists import build_installation

    return build_installation(settings, folder_of(settings), lambda: datetime.now(UTC))


def folder_of(settings: Settings) -> HotlistFolder:
    """The unit's built lists."""
    from edge.bootstrap.hotlists import build_folder
    from edge.contract.plates import load_confusables
    from edge.enrolment import load_keys

    return build_folder(settings, load_keys(settings.unit.keys), load_confusables())


def shown_facts(facts: ListFacts) -> dict[str, Any]:
    """What is known of a list, for a program."""
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
