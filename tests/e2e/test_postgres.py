"""The whole line on PostgreSQL, from pictures to a purge, by the clock that the programs go by."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo_site import site as sites
from demo_site.processes import BIN, end, json_command, start, wait_for_port
from edge.contract.configuration import config_file
from repository.retention.rules import load_rule
from tests.e2e.conftest import STARTS_WITHIN_S
from tests.e2e.wire import Client, database, stored
from tests.repository.sender import PICTURE, Sender
from tests.servers import Broker
from tests.street import write_pictures

# What is left of a read's year when it is sent: long enough to be taken in and held on a busy
# machine; what has expired is shown to nobody, and so can be held by nobody.
LASTS = timedelta(seconds=15)
OLD_PLATES = ("OLD111", "OLD222", "OLD333")


def purge(site: sites.Site, how: str) -> tuple[int, int, int]:
    """Reads and pictures that the command purged or would purge, and reads that are held."""
    done = json_command(site.repository("purge", how, "--json"))
    return done["reads_purged"], done["pictures_purged"], done["reads_held"]


def search(site: sites.Site, session: Path, plate: str, days_ago: int = 0) -> Any:
    """What a search over two days before and after that many days ago says."""
    command = sites.search_command(site, plate, session)
    for option, days in (("--from", days_ago + 2), ("--to", days_ago - 2)):
        moment = datetime.now(UTC) - timedelta(days=days)
        command[command.index(option) + 1] = f"{moment:%Y-%m-%dT%H:%M:%S}"
    return json_command([*command, "--json"])


def picture_files(site: sites.Site) -> Sequence[Path]:
    return [path for path in (site.folder / "repository" / "pictures").rglob("*") if path.is_file()]


@pytest.mark.policy("C-7b")
@pytest.mark.policy("C-7b-ii")
@pytest.mark.policy("C-6a")
def test_from_pictures_to_a_purge_that_spares_what_is_held(
    tmp_path: Path, postgres_dsn: str, lax_broker: Broker
) -> None:
    plates = write_pictures(tmp_path / "pictures", 2)
    listed = tmp_path / "hotlist.csv"
    listed.write_text(f"plate,state,kind\n{plates[1]},,stolen_vehicle\n")
    site = sites.lay_out(
        tmp_path / "site",
        str(tmp_path / "pictures"),
        listed,
        None,
        lax_broker.port,
        database=postgres_dsn,
    )
    pole = Sender(agency="amherst-pd", unit="pole-3")
    with database(site) as engine:
        pole.enrol(engine, datetime.now(UTC))
    log = site.logs / "repository.log"
    repository = start(site.repository("run"), log)
    try:
        wait_for_port(site.web_port, repository, log, STARTS_WITHIN_S)
        session = sites.first_user(site)

        rule = load_rule(config_file("retention/massachusetts.toml"))
        captured_at = rule.expired_before(datetime.now(UTC), hit=False) + LASTS
        held, *others = (
            pole.read(captured_at, plate, [PICTURE + plate.encode()]) for plate in OLD_PLATES
        )
        message = pole.message(held, *others)
        with closing(Client(site, "pole-3")) as client:
            assert client.subscribe(pole.topic("receipt"))
            receipt = client.deliver(pole.topic(), message)
            assert (receipt.committed_through, receipt.refused) == (3, ())
            for plate in OLD_PLATES:
                picture = PICTURE + plate.encode()
                digest = hashlib.sha256(picture).hexdigest()
                sent = client.deliver(pole.topic("picture", digest), picture)
                assert sent.held_pictures == (digest,)

        json_command(
            site.repository(
                *("hold", "add", "--user", sites.USER, "--session-file", str(session)),
                *("--case", "26-1187", "--kind", "arrest", "--read", str(held.id), "--json"),
                *("--reason", "Driver arrested on Essex Street after this read", "--affirm"),
            )
        )

        ran = subprocess.run(
            [
                *(str(BIN / "alpr-edge"), "run", "--settings", str(site.edge_settings)),
                *("--once", "--console", "none"),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.returncode == 0, ran.stderr
        summary = json.loads(ran.stdout)
        assert summary["spooled"] == summary["receipted"] == 3
        before = {
            "records": 6,
            "reads": 5,
            "hits": 1,
            "other_records": 0,
            "pictures_held": 7,
            "pictures_missing": 0,
            "quarantined": 0,
        }
        assert json_command(site.repository("db", "counts", "--json")) == before

        (found,) = search(site, session, plates[1])["reads"]
        assert (found["plate"], found["on_hotlist"]) == (plates[1], True)
        assert found["source"]["agency"] == sites.AGENCY

        while rule.expired_before(datetime.now(UTC), hit=False) <= captured_at:
            time.sleep(0.2)
        assert purge(site, "--dry-run") == (2, 2, 1)
        assert stored(site) == before
        assert len(picture_files(site)) == before["pictures_held"]
        assert purge(site, "--now") == (2, 2, 1)
        after = before | {"records": 4, "reads": 3, "pictures_held": 5}
        assert stored(site) == after
        assert len(picture_files(site)) == after["pictures_held"]

        # The unit's batch once more, as from an old spool: answered, and nothing comes back.
        with closing(Client(site, "pole-3")) as client:
            assert client.subscribe(pole.topic("receipt"))
            assert client.deliver(pole.topic(), message).committed_through == 3
        assert stored(site) == after
        (found,) = search(site, session, OLD_PLATES[0], 365)["reads"]
        assert (found["id"], found["source"]["agency"]) == (str(held.id), pole.agency)
        assert search(site, session, OLD_PLATES[1], 365)["reads"] == []
        verdict = json_command(site.repository("ledger", "verify", "--json"))
        assert verdict["ok"]
    finally:
        end(repository)
    assert repository.returncode == 0
    logged = log.read_text(encoding="utf-8") + ran.stderr
    assert "Traceback" not in logged
    secrets = (site.password.read_text().strip(), session.read_text().strip())
    for secret in (*plates, *OLD_PLATES, *secrets):
        assert secret not in logged
