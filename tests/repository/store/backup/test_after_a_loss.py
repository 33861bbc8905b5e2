"""The server is gone: what the commands say, what damaged backups give, what is to be redone."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from repository.ledger import log
from repository.ledger.checkpoints import Checkpoint, key_id, sign
from repository.settings import load_settings
from repository.store.backup import check, database, words
from repository.store.backup.manifest import BackupError, open_manifest
from repository.store.backup.redo import DO_AGAIN
from repository.store.engine import reading
from repository.store.tables.base import metadata
from repository.units import findings
from tests.repository.store.backup.conftest import (
    House,
    Places,
    command,
    copied,
    fill,
    flip,
    some_picture,
)

MANUAL = Path(__file__).parents[4] / "deploy" / "README.md"
TODAY = datetime.now(UTC).date().isoformat()

TABLES = {
    "holds": {"holds", "hold_reads", "hold_reviews", "hold_objections"},
    "cases": {"cases", "case_searches", "case_search_reads", "case_events"},
    "reads": {"read_corrections", "withdrawn_reads", "error_reports"},
    "units": {
        "units", "former_unit_keys", "deployments", "unit_log", "upkeep_plans", "repair_sources",
    },
    "users": {"users", "login_requests", "user_reviews", "user_review_lines"},
    "audits": {"audits", "audit_counts", "audit_samples", "audit_findings", "audit_papers"},
    "tokens": {"api_tokens"},
    "agencies": {"agencies", "representatives", "agency_search_rules"},
    "findings": {"findings"},
    "policies": {"policies", "policy_reviews"},
    "training": {"trainings"},
    "approvals": {
        "search_approvals", "search_requests", "search_reviews", "read_confirmations",
    },
    "bulletins": {"bulletins", "bulletin_readings"},
    "hot lists": {
        "hotlists", "hotlist_versions", "hotlist_parts", "hotlist_sources", "hotlist_source_parts",
        "hotlist_entries", "hotlist_withdrawals",
    },
    "passwords": {"old_passwords", "totp_secrets", "recovery_codes", "passkeys"},
    "agreements": {"agreements", "agreement_dues", "papers"},
    "forwarding": {"forward_filters"},
    "signatures": {"acknowledgements", "acknowledgement_words"},
    "face requests": {"face_requests", "face_request_bans"},
    "misuse reports": {"misuse_reports"},
    "private plates": {"private_plates"},
    "disseminations": {"case_events"},
    "evidence packages": {"case_events"},
}  # fmt: skip
NOT_BY_PEOPLE = {
    # what units sent, and its way here
    "batches", "reads", "hits", "unit_records", "pictures", "plates", "chains", "unit_status",
    "quarantine", "quarantine_budgets", "hotlist_fetches", "lost_records", "monthly_counts",
    "forwarded_units", "forwarded_pictures", "ingest_consumers", "clock_watch",
    # what the repository keeps for itself
    "picture_keys", "held_picture_keys", "doomed_pictures", "doomed_plates", "watermarks",
    "purges", "purge_state", "restores", "search_runs", "ledger_entries", "ledger_state",
    "ledger_checkpoints", "ledger_tiles", "ledger_witnesses",
    # what signing in leaves: everybody signs in anew
    "sessions", "shared_uses", "sign_in_failures", "oidc_sign_ins", "passkey_challenges",
    "oidc_subjects",
}  # fmt: skip


def lost(folder: Path) -> House:
    """Settings of a place that has nothing yet, not even its folder."""
    folder.mkdir()
    settings = folder / "repository.toml"
    settings.write_text("data = 'data'\n")
    return House(settings, None)  # type: ignore[arg-type]


def refused(house: House, *typed: str) -> str:
    done = command(house, *typed)
    assert done.exit_code == 1, done.output
    return done.stderr


def test_a_backup_is_checked_where_no_repository_is(
    good: tuple[House, Path], tmp_path: Path
) -> None:
    first, backup = good
    here = lost(tmp_path / "here")
    verify = ("backup", "verify", str(backup))
    public = str(first.services.settings.keys_folder / "ledger.pub")
    assert "`alpr-repository restore`" in refused(here, "ledger", "verify")
    said = refused(here, *verify)
    assert "no key here" in said
    assert "--keys-from" in said
    for option in (("--keys-from", str(first.keys_file)), ("--public-key", public)):
        done = command(here, *verify, *option)
        assert done.exit_code == 0, done.output
        assert "is whole" in done.stdout
    assert not (tmp_path / "here" / "data").exists()
    both = command(here, *verify, "--keys-from", str(first.keys_file), "--public-key", public)
    assert both.exit_code == 2


def test_after_a_fresh_init_a_good_backup_is_not_called_changed(
    good: tuple[House, Path], tmp_path: Path
) -> None:
    first, backup = good
    here = lost(tmp_path / "here")
    assert command(here, "init").exit_code == 0
    said = refused(here, "backup", "verify", str(backup))
    ledger = first.services.ledger
    assert (
        f"by another key, {ledger.origin}+{key_id(ledger.origin, ledger.public_key).hex()}" in said
    )
    own = "+".join(command(here, "ledger", "key").stdout.split("+")[:2])
    assert f"checked by, {own}. " in said
    assert "Do not throw the backup away: `alpr-repository init` makes new keys" in said
    assert "--keys-from" in said
    restore = ("restore", str(backup), "--keys-from", str(first.keys_file), "--clock-is", TODAY)
    assert "what `alpr-repository init` made after the loss" in refused(here, *restore)


def test_a_manifest_from_before_it_named_its_key_may_be_either(good: tuple[House, Path]) -> None:
    first, backup = good
    whole = json.loads((backup / "manifest.json").read_bytes())
    del whole["key"]
    before = rfc8785.dumps(whole)
    assert (
        open_manifest(before, first.services.ledger.public_key).origin
        == whole["manifest"]["origin"]
    )
    other = Ed25519PrivateKey.generate().public_key()
    with pytest.raises(BackupError, match=r"was changed, or is signed by another key than .*init"):
        open_manifest(before, other)


@pytest.mark.parametrize("damage", [flip, Path.unlink])
def test_a_damaged_picture_stops_nothing_else_where_that_is_asked_for(
    good: tuple[House, Path], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    first, backup = good
    copy = copied(backup, tmp_path)
    picture = max(path for path in (copy / "pictures").rglob("*") if path.is_file())
    name = picture.relative_to(copy / "pictures").as_posix()
    damage(picture)
    here = lost(tmp_path / "here")
    restore = ("restore", str(copy), "--keys-from", str(first.keys_file), "--clock-is", TODAY)
    verify = ("backup", "verify", str(copy), "--keys-from", str(first.keys_file))
    for said in (refused(here, *restore), refused(here, *verify)):
        assert f"pictures/{name}: is " in said
        assert "Of 3 pictures 1 cannot be brought back" in said
        assert "--without-damaged-pictures" in said
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["repository.toml"]

    done = command(here, *restore, "--without-damaged-pictures", "--json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert (answer["pictures"], answer["pictures_damaged"]) == (2, [name])
    assert answer["do_again"] == dict(DO_AGAIN)
    listed = json.loads(command(here, "findings", "list", "--json").stdout)
    (missing,) = [each for each in listed if each["kind"] == "restored_without_pictures"]
    assert name in missing["detail"]


def test_what_did_not_come_back_is_in_the_entry_and_in_words(
    sqlite_houses: Places, good: tuple[House, Path], tmp_path: Path
) -> None:
    first, backup = good
    copy = copied(backup, tmp_path)
    picture = some_picture(copy)
    flip(picture)
    name = picture.relative_to(copy / "pictures").as_posix()
    second = sqlite_houses("second")
    done = second.restore(copy, first.keys_file, without_damaged=True)
    assert (done.pictures, done.pictures_damaged) == (2, (name,))
    with reading(second.services.engine) as connection:
        said = json.loads(next(log.rows(connection, done.ledger_index)).body)["request"]
        found = {each.kind: each for each in findings.list_findings(connection)}
    assert (said["pictures_damaged"], said["damaged"]) == (1, [name])
    assert name in found["restored_without_pictures"].detail
    assert f"  {name}" in words.lines(done)
    checked = command(second, "pictures", "check", "--all", "--json")
    assert checked.exit_code == 1
    assert name in checked.stdout


def test_a_command_that_found_no_database_does_not_stand_in_the_way(
    good: tuple[House, Path], tmp_path: Path
) -> None:
    """The data folder may be there, made by the system, and each hint names the restore."""
    first, backup = good
    here = lost(tmp_path / "here")
    (tmp_path / "here" / "data").mkdir()
    for typed in (("units", "list"), ("ledger", "verify"), ("ledger", "checkpoint")):
        assert "`alpr-repository restore`" in refused(here, *typed)
    assert (tmp_path / "here" / "data" / "repository.sqlite").exists()
    restore = ("restore", str(backup), "--keys-from", str(first.keys_file), "--clock-is", TODAY)
    done = command(here, *restore)
    assert done.exit_code == 0, done.output
    assert command(here, "db", "check").exit_code == 0
    assert "not empty" in refused(here, *restore)


def test_a_file_that_is_no_database_is_left_alone(
    sqlite_houses: Places, good: tuple[House, Path]
) -> None:
    first, backup = good
    second = sqlite_houses("second")
    there = Path(str(second.services.engine.url.database))
    there.write_bytes(b"another's file" * 100)
    with pytest.raises(BackupError, match="not empty"):
        second.restore(backup, first.keys_file)
    assert there.read_bytes() == b"another's file" * 100


def test_what_else_is_damaged_cannot_be_passed_over(
    sqlite_houses: Places, good: tuple[House, Path], tmp_path: Path
) -> None:
    first, backup = good
    copy = copied(backup, tmp_path)
    flip(next(copy.glob("database.*")), 5000)
    with pytest.raises(BackupError, match="take another copy of this backup, or one"):
        sqlite_houses("second").restore(copy, first.keys_file, without_damaged=True)


def test_a_picture_that_the_disk_does_not_give_is_damaged(
    good: tuple[House, Path], tmp_path: Path
) -> None:
    first, backup = good
    copy = copied(backup, tmp_path)
    picture = some_picture(copy)
    picture.unlink()
    picture.symlink_to(picture.name)
    key = first.services.ledger.public_key
    checked = check.verify(copy, key, lambda _: None, damaged_pictures=True)
    assert checked.damaged == {picture.relative_to(copy / "pictures").as_posix()}
    with pytest.raises(BackupError, match="cannot be read"):
        check.verify(copy, key, lambda _: None)


def test_a_dump_that_does_not_go_in_leaves_no_file(
    sqlite_houses: Places, good: tuple[House, Path], tmp_path: Path
) -> None:
    _, backup = good
    copy = copied(backup, tmp_path)
    next(copy.glob("database.*")).write_bytes(b"no database" * 1000)
    second = sqlite_houses("second")
    with pytest.raises(BackupError, match="does not go into"):
        database.load(second.services.engine, copy)
    assert not Path(str(second.services.engine.url.database)).exists()


def test_all_that_people_do_is_named_as_to_be_done_again(
    sqlite_houses: Places, good: tuple[House, Path]
) -> None:
    first, backup = good
    of_people = set().union(*TABLES.values())
    assert list(TABLES) == list(DO_AGAIN) == sorted(DO_AGAIN, key=len)
    assert of_people | NOT_BY_PEOPLE == set(metadata.tables)
    assert not of_people & NOT_BY_PEOPLE
    manual = MANUAL.read_text()
    for what, how in DO_AGAIN.items():
        assert f"| {what} | {how} |" in manual
    second = sqlite_houses("second")
    second.restore(backup, first.keys_file)
    with reading(second.services.engine) as connection:
        (finding,) = findings.list_findings(connection)
    assert ", ".join(DO_AGAIN) in finding.detail
    assert finding.detail.endswith("`alpr-repository units resume`")
    assert len(finding.detail) < 490  # a ledger of millions has longer numbers


@pytest.mark.policy("C-4c")
def test_a_checkpoint_from_before_the_loss_is_told_of_the_restore_and_the_ledger_not_called_whole(
    sqlite_houses: Places, tmp_path: Path
) -> None:
    first = fill(sqlite_houses("first", migrated=True)).house
    made = first.back_up(tmp_path / "backup")
    size = made.manifest.ledger_size
    held = {}
    for name in ("early", "late"):
        for _ in range(6):
            first.record()
        held[name] = tmp_path / name
        held[name].write_text(first.services.signer.sign_checkpoint())
    here = lost(tmp_path / "here")
    done = command(
        here, "restore", str(tmp_path / "backup"), "--keys-from", str(first.keys_file),
        "--clock-is", TODAY, "--checkpoint", str(held["late"]),
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert command(here, "ledger", "verify").exit_code == 0

    def against(path: Path) -> str:
        done = command(here, "ledger", "verify", "--against", str(path))
        assert done.exit_code == 1
        first_line, _, rest = done.stdout.partition("\n")
        assert first_line.startswith("THE LEDGER IS NOT WHOLE: entry ")
        return rest

    restored = f"  entry {size} is a restore, at "
    assert against(held["late"]).startswith(restored)
    assert "names this checkpoint as one from before" in against(held["late"])
    assert f"of the backup {made.digest[:16]} of 2026-03-01 12:00 UTC" in against(held["late"])
    assert "Compare when this checkpoint was signed" in against(held["early"])
    for _ in range(6):  # the ledger grows past where the early checkpoint was signed
        assert command(here, "backup", "keys", str(tmp_path / "keys.json")).exit_code == 0
    assert against(held["early"]).startswith(restored)
    said = command(here, "ledger", "verify", "--against", str(held["early"]), "--json").stdout
    verdict = json.loads(said)
    assert (verdict["ok"], [each["index"] for each in verdict["restores"]]) == (False, [size])

    before = tmp_path / "before"
    origin = load_settings(here.settings).ledger.origin
    before.write_text(sign(Checkpoint(origin, size, bytes(32)), first.services.signer.private_key))
    assert against(before) == ""  # nothing was lost before the backup's end
