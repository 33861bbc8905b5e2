"""Witnesses of every kind, with a real folder, a real broker and a real HTTPS server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Engine, delete, update

from repository.ledger import checkpoints, log
from repository.ledger.checkpoints import Checkpoint
from repository.ledger.entry import SYSTEM, Entry
from repository.ledger.service import Ledger
from repository.ledger.signing import Signer
from repository.ledger.witness import Witness
from repository.ledger.witness_folder import FolderOfCheckpoints
from repository.ledger.witness_https import EndpointForCheckpoints
from repository.ledger.witness_mqtt import TopicOfCheckpoints
from repository.ledger.witnessing import Standing, Witnesses
from repository.settings import BrokerLink, SettingsError, load_settings
from repository.store.engine import reading
from repository.store.tables.ledger import (
    ledger_checkpoints,
    ledger_entries,
    ledger_state,
    ledger_witnesses,
)
from repository.units.findings import list_findings
from tests.repository.ledger.https_witness import SIGNATURE, HttpsWitness, serve
from tests.repository.people import Clock, CommandLine
from tests.servers import Broker

ORIGIN = "alpr.example/ledger"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
LATE = timedelta(minutes=60)


@dataclass
class Site:
    """A ledger whose past can be made another."""

    engine: Engine
    clock: Clock

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.engine, ORIGIN, KEY.public_key(), self.clock)

    @property
    def signer(self) -> Signer:
        return Signer(self.ledger, KEY)

    def grow(self, count: int = 1, word: str = "as it was") -> str:
        """That many entries and a checkpoint over all."""
        for _ in range(count):
            entry = Entry("search.run", SYSTEM, self.clock(), "test", {"word": word})
            with self.engine.begin() as connection:
                log.append(connection, entry)
        return self.signer.sign_checkpoint()

    def wipe(self) -> None:
        """Everything of the ledger gone, as one who owns the database can; not the witnesses."""
        with self.engine.begin() as connection:
            connection.execute(delete(ledger_entries))
            connection.execute(delete(ledger_checkpoints))
            connection.execute(update(ledger_state).values(size=0, frontier=b""))

    def with_(self, *witnesses: Witness) -> Witnesses:
        return Witnesses(self.engine, ORIGIN, KEY.public_key(), witnesses, LATE, self.clock)

    def findings(self) -> list[tuple[str, str]]:
        with reading(self.engine) as connection:
            return [(each.kind, each.subject) for each in list_findings(connection)]


@pytest.fixture
def site(engine: Engine) -> Site:
    return Site(engine, Clock())


@dataclass
class Place:
    """A witness, and what it really has."""

    witness: Witness
    notes: Callable[[], list[str]]
    stop: Callable[[], None]
    start: Callable[[], None]


@pytest.fixture(params=["folder", "mqtt", "https"])
def place(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    mosquitto_broker: Callable[..., Broker],
) -> Iterator[Place]:
    if request.param == "folder":
        folder = tmp_path / "mount"
        folder.mkdir()
        away = tmp_path / "away"

        def files() -> list[str]:
            assert all(each.name.endswith(".checkpoint") for each in folder.iterdir())
            return [each.read_text() for each in sorted(folder.iterdir())]

        yield Place(
            FolderOfCheckpoints("other", folder),
            files,
            lambda: folder.rename(away) and None,  # type: ignore[func-returns-value]
            lambda: away.rename(folder) and None,  # type: ignore[func-returns-value]
        )
    elif request.param == "mqtt":
        broker = mosquitto_broker("persistence true", "persistence_location {folder}/")
        link = BrokerLink(host="127.0.0.1", port=broker.port)
        topic = TopicOfCheckpoints("other", "witness/salem", link)
        yield Place(
            topic, lambda: [note] if (note := topic.newest()) else [], broker.stop, broker.start
        )
    else:
        token = tmp_path / "token"
        token.write_text("secret\n")
        far = HttpsWitness(ORIGIN, KEY.public_key(), "secret")
        with serve(far, tmp_path) as ca:
            yield Place(
                EndpointForCheckpoints("other", far.url, ca, token),
                lambda: far.notes,
                lambda: setattr(far, "down", True),
                lambda: setattr(far, "down", False),
            )


def only(standing: list[Standing]) -> Standing:
    (one,) = standing
    return one


@pytest.mark.policy("C-4c")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_a_witness_gets_every_checkpoint_and_catches_up_on_what_it_missed(
    site: Site, place: Place
) -> None:
    witnesses = site.with_(place.witness)
    assert only(witnesses.push()).problem is None  # nothing is signed yet
    given = [site.grow(), site.grow(2)]
    standing = only(witnesses.push())
    assert (standing.size, standing.behind, standing.problem) == (3, 0, None)
    assert place.notes()[-1:] == given[-1:]
    place.stop()
    given += [site.grow(3), site.grow(1)]
    standing = only(witnesses.push())
    assert (standing.size, standing.behind, standing.forked) == (3, 4, False)
    assert standing.problem is not None
    assert site.findings() == []
    site.clock.pass_(minutes=59)
    witnesses.push()
    assert site.findings() == []
    site.clock.pass_(minutes=1)
    witnesses.push()
    assert site.findings() == [("witness_behind", "other")]
    place.start()
    standing = only(witnesses.push())
    assert (standing.size, standing.behind, standing.problem) == (7, 0, None)
    assert (standing.failing_since, site.findings()) == (None, [])
    assert given[-len(place.notes()) :] == place.notes()
    assert len(place.notes()) in (1, 4)
    before = place.notes()
    witnesses.push()
    assert place.notes() == before


def roll_back(site: Site) -> None:
    """The entries, the state and the checkpoints of before, and an entry of another kind."""
    site.wipe()
    site.grow(2)


def rewrite(site: Site) -> None:
    """As many entries and more, all hashes and signatures anew, with the ledger's own key."""
    site.wipe()
    site.grow(9, "as somebody wishes it had been")


@pytest.mark.policy("C-4c")
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("change", [roll_back, rewrite, Site.wipe])
@pytest.mark.parametrize("remembered", [True, False])
def test_a_fork_is_found_and_never_given(
    site: Site, place: Place, change: Callable[[Site], None], remembered: bool
) -> None:
    witnesses = site.with_(place.witness)
    site.grow(4)
    witnesses.push()
    before = list(place.notes())
    change(site)
    if not remembered:
        with site.engine.begin() as connection:
            connection.execute(delete(ledger_witnesses))
    standing = only(witnesses.push())
    silent = not remembered and not place.witness.shows and change is Site.wipe
    if silent:  # nothing to compare: it shows nothing, and there is nothing to give
        assert standing.problem is None
    else:
        assert standing.forked, standing.problem
        assert site.findings() == [("ledger_fork", "other")]
    assert place.notes() == before
    site.grow(10)
    assert only(witnesses.push()).forked
    assert place.notes() == before


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_what_others_put_there_is_neither_believed_nor_overwritten(
    site: Site, tmp_path: Path, mosquitto_broker: Callable[..., Broker]
) -> None:
    forger = Ed25519PrivateKey.generate()
    foreign = checkpoints.sign(Checkpoint(ORIGIN, 9_000, bytes(32)), forger)
    folder = tmp_path / "mount"
    folder.mkdir()
    path = folder / "00000000000000009000.checkpoint"
    path.write_text(foreign)
    broker = mosquitto_broker()
    topic = TopicOfCheckpoints("topic", "w/x", BrokerLink(host="127.0.0.1", port=broker.port))
    with topic._connected([]) as (client, _):
        topic._publish(client, "w/x", foreign.encode(), retain=True)
    site.grow()
    for standing in site.with_(FolderOfCheckpoints("folder", folder), topic).push():
        assert standing.problem is not None
        assert "what it holds is not ours" in standing.problem
        assert (standing.size, standing.forked) == (0, False)
    assert [each.name for each in folder.iterdir()] == [path.name]
    assert (path.read_text(), topic.newest()) == (foreign, foreign)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_an_empty_mount_point_is_no_new_witness(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "mount"
    folder.mkdir()
    witnesses = site.with_(FolderOfCheckpoints("usb", folder))
    site.grow()
    witnesses.push()
    for each in folder.iterdir():
        each.unlink()
    site.grow()
    assert "holds nothing, though it had 1" in str(only(witnesses.push()).problem)
    assert list(folder.iterdir()) == []
    witnesses.forget("usb", SYSTEM, "test")
    assert only(witnesses.push()).problem is None
    assert len(list(folder.iterdir())) == 2
    with reading(site.engine) as connection:
        *_, last = log.rows(connection)
    assert last.action == "ledger.forget"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_what_a_crash_left_half_written_is_written_anew(site: Site, tmp_path: Path) -> None:
    note = site.grow()
    (tmp_path / ".00000000000000000001.checkpoint.begun").write_text(note[:10])
    assert only(site.with_(FolderOfCheckpoints("usb", tmp_path)).push()).size == 1
    assert (tmp_path / "00000000000000000001.checkpoint").read_text() == note


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_an_endpoint_is_met_where_it_stands(site: Site, tmp_path: Path) -> None:
    """It moved on without our knowing (an answer was lost), or was restored from its backup."""
    far = HttpsWitness(ORIGIN, KEY.public_key(), "secret")
    token = tmp_path / "token"
    token.write_text("secret")
    with serve(far, tmp_path) as ca:
        witnesses = site.with_(EndpointForCheckpoints("far", far.url, ca, token))
        first = site.grow(3)
        witnesses.push()
        with site.engine.begin() as connection:
            kept = connection.scalar(
                ledger_witnesses.select().with_only_columns(ledger_witnesses.c.answer)
            )
            connection.execute(delete(ledger_witnesses))
        assert kept == SIGNATURE
        second = site.grow(300)
        assert only(witnesses.push()).size == 303
        assert far.notes == [first, first, second]
        far.kept = Checkpoint(
            ORIGIN, 3, checkpoints.open_note(first, ORIGIN, KEY.public_key()).root
        )
        site.grow(1)
        assert only(witnesses.push()).size == 304
        assert far.statuses == [200, 409, 200, 200, 409, 200]
        with site.engine.begin() as connection:
            connection.execute(delete(ledger_witnesses))
        assert only(witnesses.push()).problem is None
        assert far.statuses[6:] == [409, 409, 409, 200]
        token.write_text("wrong")
        site.grow(1)
        assert "answered 403" in str(only(witnesses.push()).problem)
    other = tmp_path / "other"
    other.mkdir()
    with serve(far, other):  # signed by another authority than the one we were told
        endpoint = EndpointForCheckpoints("far", far.url, ca, token)
        assert "CERTIFICATE_VERIFY_FAILED" in str(only(site.with_(endpoint).push()).problem)


def test_it_is_signed_after_entries_or_after_time(site: Site) -> None:
    hour = timedelta(hours=1)
    assert site.signer.sign_if_due(3, hour) is None
    site.grow()
    entry = Entry("search.run", SYSTEM, site.clock(), "test")

    def append() -> None:
        with site.engine.begin() as connection:
            log.append(connection, entry)

    append()
    append()
    assert site.signer.sign_if_due(3, hour) is None
    append()
    assert site.signer.sign_if_due(3, hour) is not None
    site.clock.pass_(hours=2)
    assert site.signer.sign_if_due(3, hour) is None
    append()
    assert site.signer.sign_if_due(3, hour) is not None


SETTINGS = """
data = "data"
[[ledger.witnesses]]
kind = "folder"
name = "usb"
folder = "mount"
"""


def test_the_command_line_shows_and_pushes(command_line: CommandLine) -> None:
    command_line.settings.write_text(SETTINGS)
    note = command_line.ok("ledger", "checkpoint")
    failing = command_line.run("ledger", "witnesses", "--push")
    assert failing.exit_code == 1
    assert "usb  failing  0 entries" in failing.stdout
    mount = command_line.folder / "mount"
    mount.mkdir()
    assert "usb  well  " in command_line.ok("ledger", "witnesses", "--push")
    (shown,) = json.loads(command_line.ok("ledger", "witnesses", "--json"))
    assert (shown["behind"], shown["where"]) == (0, str(mount))
    assert [each.read_text() for each in mount.iterdir()] == [note]
    assert "nothing is remembered" in command_line.refused("ledger", "witnesses", "--forget", "x")
    command_line.ok("ledger", "witnesses", "--forget", "usb")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('kind = "folder"\nname = "a"', "ledger.witnesses.0.folder.folder: Field required"),
        ('kind = "https"\nname = "a"\nurl = "http://x.gov"', "url: expected https://HOST/PATH"),
        ('kind = "mqtt"\nname = "a"\ntopic = "t"\nhost = "x.gov"', "needs ca, certificate and key"),
        ('kind = "mqtt"\nname = "a"\ntopic = "t/#"', "topic"),
        ('kind = "carrier pigeon"', "ledger.witnesses.0"),
    ],
)
def test_wrong_settings_are_named(tmp_path: Path, lines: str, said: str) -> None:
    path = tmp_path / "repository.toml"
    path.write_text(f"[[ledger.witnesses]]\n{lines}\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert said in str(caught.value)
