"""What a restore says when it is done: what came back, what did not, and what is left to do."""

from __future__ import annotations

from repository.store.backup.redo import DO_AGAIN
from repository.store.backup.restore import Restored
from repository.wording import counted

_SHOWN = 20


def as_mapping(done: Restored) -> dict[str, object]:
    """For scripts."""
    return {
        "backup": done.backup,
        "made_at": done.manifest.made_at.isoformat(),
        "pictures": done.pictures,
        "pictures_closed": done.pictures_closed,
        "pictures_damaged": done.pictures_damaged,
        "reads_purged": done.reads_purged,
        "units": done.units,
        "ledger_goes_on_from": {
            "size": done.manifest.ledger_size,
            "root": done.manifest.ledger_root,
        },
        "entries_lost": done.entries_lost,
        "ledger_entry": done.ledger_index,
        "agencies_as_of": done.agencies_as_of.isoformat(),
        "agencies_changed": done.agencies_changed,
        "do_again": dict(DO_AGAIN),
    }


def lines(done: Restored) -> list[str]:
    """For the administrator, the words on what is left to do last."""
    lost = {
        None: "what it recorded after that is not in the backup; nobody gave a later checkpoint",
        0: "the checkpoint that was given has no more than that",
    }.get(done.entries_lost, f"lost of what a checkpoint counts: {done.entries_lost}")
    changed = "; ".join(
        f"{name}: rule {each['retention_rule'] or 'of the repository'}, "
        f"access {each['access'] or 'open'}"
        for name, each in done.agencies_changed.items()
    )
    return [
        f"restored backup {done.backup[:16]} of {done.manifest.made_at:%Y-%m-%d %H:%M} UTC: "
        f"{counted(done.pictures, 'picture')}, and {done.pictures_closed} that no key "
        "opens any more left "
        f"behind; {counted(done.reads_purged, 'read')} had expired and were purged",
        f"the ledger goes on from {counted(done.manifest.ledger_size, 'entry', 'entries')}, root "
        f"{done.manifest.ledger_root}; {lost} (entry {done.ledger_index})",
        f"the agencies' rules, access and limits of what was purged are of "
        f"{done.agencies_as_of:%Y-%m-%d %H:%M} UTC; "
        + (f"otherwise in the backup: {changed}" if changed else "the backup had the same rules"),
        *_damaged(done.pictures_damaged),
        "a unit that is refused as out of chain goes on after `alpr-repository units resume`",
        "what was done after the backup is not in it, and nobody but those who did it knows it; "
        "do it again:",
        *(f"  {what}: {how}" for what, how in DO_AGAIN.items()),
    ]


def _damaged(names: tuple[str, ...]) -> list[str]:
    if not names:
        return []
    more = [f"  and {len(names) - _SHOWN} more, which --json names"]
    return [
        f"NOT BROUGHT BACK, being damaged in the backup: {counted(len(names), 'picture')}; their "
        "reads came back",
        *(f"  {each}" for each in names[:_SHOWN]),
        *(more if len(names) > _SHOWN else []),
    ]
