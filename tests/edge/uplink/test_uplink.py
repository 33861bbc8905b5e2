"""The uplink over a real mosquitto, against a repository that holds it to the contract."""

from __future__ import annotations

import hashlib
import socket
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from msgspec import UNSET

from edge.contract.records import Clock, Read, encode_record
from edge.health.health import Health
from edge.health.unit_health import unit_health
from edge.uplink.errors import UplinkError
from tests.edge.spool.samples import (
    AGENCY,
    MOMENT,
    UNIT,
    by_digest,
    malfunction,
    picture_bytes,
    read_and_hit,
    read_with,
    sha256,
)
from tests.edge.uplink.conftest import Unit
from tests.edge.uplink.responder import Responder
from tests.servers import Broker, free_port
from tests.waiting import until

MakeUnit = Callable[..., Unit]


def fill(unit: Unit, number: int) -> list[str]:
    """So many reads with a picture each; gives the pictures' digests."""
    digests = []
    for index in range(number):
        content = picture_bytes(index)
        unit.add([read_with(content)], by_digest(content))
        digests.append(sha256(content))
    return digests


@pytest.mark.policy("M-V-C1")
def test_everything_is_receipted_once_and_then_purged(unit: Unit, responder: Responder) -> None:
    unit.uplink.start()
    digests = fill(unit, 25)
    unit.add(read_and_hit(), {})
    until(unit.empty)
    assert [record.seq for record in responder.records] == list(range(1, 28))
    assert sum(isinstance(record, Read) for record in responder.records) == 26
    assert responder.held == set(digests)
    counts = unit.spool.counts()
    assert (counts.spooled, counts.receipted, counts.refused) == (27, 27, 0)
    assert unit.problems == []
    assert unit.uplink.counts().connected
    assert unit.uplink.is_alive()


def test_hits_arrive_before_the_backlog_and_once_more_with_it(
    unit: Unit, responder: Responder
) -> None:
    fill(unit, 10)
    unit.add(read_and_hit(), {})
    unit.add(read_and_hit(), {})
    unit.uplink.start()
    until(unit.empty)
    assert responder.order[:3] == [("hit", 12), ("hit", 14), ("batch", 1)]
    assert [encode_record(notice) for notice in responder.notices] == [
        encode_record(responder.records[11]),
        encode_record(responder.records[13]),
    ]


def test_every_message_delivered_twice_changes_nothing(unit: Unit, responder: Responder) -> None:
    responder.twice = True
    unit.uplink.start()
    fill(unit, 20)
    unit.add(read_and_hit(), {})
    until(unit.empty)
    assert [record.seq for record in responder.records] == list(range(1, 23))
    assert unit.spool.counts().receipted == 22
    assert unit.refusals == []


def test_a_silent_repository_gets_everything_when_it_speaks_again(
    unit: Unit, responder: Responder
) -> None:
    responder.silent = True
    unit.uplink.start()
    digests = fill(unit, 8)
    until(lambda: unit.uplink.counts().session.sent_again >= 2)
    assert unit.spool.counts().waiting == 8  # the broker took it all, which proves nothing
    responder.silent = False
    until(unit.empty)
    assert [record.seq for record in responder.records] == list(range(1, 9))
    assert responder.held == set(digests)


def test_a_broker_killed_midway_loses_nothing(
    unit: Unit, responder: Responder, broker: Broker
) -> None:
    unit.uplink.start()
    fill(unit, 30)
    until(lambda: unit.spool.counts().receipted > 0)
    broker.kill()
    until(lambda: not unit.uplink.counts().connected)
    unit.add([malfunction] * 20, {})
    until(lambda: any("cannot be reached" in str(sentence) for _, sentence in unit.problems))
    broker.start()
    until(unit.empty)
    assert [record.seq for record in responder.records] == list(range(1, 51))
    assert len(responder.held) == 30
    assert unit.problems[-1] == ("link", None)
    assert len(unit.problems) <= 3  # lost, not reachable, over


def test_a_missing_broker_is_one_sentence_and_then_silence(make_unit: MakeUnit) -> None:
    attempts: list[int] = []

    def counting() -> float:
        attempts.append(1)
        return 0.0

    port = free_port()
    unit = make_unit(port, counting, first_wait_s=0.01, longest_wait_s=0.02)
    unit.uplink.start()
    until(lambda: len(attempts) > 10)
    unit.uplink.stop()
    assert unit.problems == [
        (
            "link",
            f"broker 127.0.0.1:{port}: it cannot be reached (Connection refused); the unit keeps "
            "everything and tries again",
        )
    ]


def test_a_whole_refusal_is_reported_and_the_batch_tried_again(
    unit: Unit, responder: Responder
) -> None:
    responder.refusing = True
    unit.uplink.start()
    unit.add([malfunction], {})
    until(lambda: bool(unit.refusals))
    refused = unit.refusals[0]
    assert (refused.channel, refused.reason, refused.first_seq) == ("records", "unknown_unit", 1)
    assert unit.spool.counts().waiting == 1
    responder.refusing = False
    until(unit.empty)


def test_a_new_daemon_goes_on_where_the_last_one_stopped(
    make_unit: MakeUnit, broker: Broker, responder: Responder
) -> None:
    responder.silent = True
    first = make_unit(broker.port)
    first.uplink.start()
    fill(first, 5)
    until(lambda: first.uplink.counts().session.batches_sent > 0)
    first.uplink.stop()
    responder.silent = False
    second = make_unit(broker.port)
    second.uplink.start()
    until(second.empty)
    assert [record.seq for record in responder.records] == [1, 2, 3, 4, 5]


def states(responder: Responder) -> list[str]:
    return [said.state for said in responder.statuses]


def test_status_is_online_while_it_runs_and_offline_when_it_stops_or_dies(
    unit: Unit, make_unit: MakeUnit, broker: Broker, responder: Responder
) -> None:
    unit.uplink.start()
    until(lambda: states(responder) == ["online"])
    unit.uplink.stop()
    until(lambda: states(responder) == ["online", "offline"])
    dying = make_unit(broker.port)
    dying.uplink.start()
    until(lambda: states(responder)[2:] == ["online"])
    # Another client with the unit's id: the broker cuts the first one off and leaves its will.
    usurper = make_unit(broker.port, first_wait_s=60, longest_wait_s=60)
    usurper.uplink.start()
    until(lambda: "offline" in states(responder)[3:])


def test_health_is_told_on_connecting_when_troubles_change_and_with_the_goodbye(
    make_unit: MakeUnit, broker: Broker, responder: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.uplink.beat.LEAST_S", 0.0)
    monkeypatch.setattr("edge.uplink.beat.LOOK_EVERY_S", 0.0)
    health = Health(lambda: MOMENT)
    clock = Clock(source="gps", error_ms=1.0)
    unit = make_unit(broker.port, health=lambda: unit_health(health.report(), [], clock))
    unit.uplink.start()
    until(lambda: len(responder.statuses) == 1)
    health.trouble("gps", "no sentence from the receiver")
    unit.uplink.wake()
    until(lambda: len(responder.statuses) == 2)
    responder.client.publish(f"alpr/1/{AGENCY}/{UNIT}/receipt", b"no receipt", 1)
    until(lambda: unit.uplink.counts().session.receipts_malformed == 1)
    unit.uplink.stop()
    until(lambda: len(responder.statuses) == 3)
    told = [
        tuple(one.part for one in said.health.troubles)
        for said in responder.statuses
        if said.health is not UNSET
    ]
    assert told == [(), ("gps",), ("gps",)]
    goodbye = responder.statuses[-1].health
    assert goodbye is not UNSET
    assert goodbye.counters["troubles"] == goodbye.counters["uplink_receipts_malformed"] == 1
    assert states(responder) == ["online", "online", "offline"]


def test_a_receipt_of_another_chain_is_said_and_purges_nothing(
    unit: Unit, responder: Responder
) -> None:
    responder.committed_through, responder.chain_root = 7, "f" * 64
    unit.uplink.start()
    unit.add([malfunction], {})
    until(lambda: bool(unit.problems))
    of, sentence = unit.problems[0]
    assert of == "chain"
    assert "ends at record 7 of another chain than this unit's, and nothing was purged" in str(
        sentence
    )
    assert unit.spool.counts().waiting == 1


def test_a_broken_spool_is_said_and_the_rest_goes_on(unit: Unit, responder: Responder) -> None:
    unit.uplink.start()
    unit.spool.close()
    unit.uplink.wake()
    until(lambda: bool(unit.problems))
    ((of, sentence),) = unit.problems
    assert of == "spool"
    assert "the spool is closed" in str(sentence)
    assert unit.uplink.is_alive()


def mosquitto_user(name: str, password: str) -> str:
    """A line of mosquitto's password file: PBKDF2 with SHA-512, as mosquitto_passwd writes it."""
    salt = b"twelve bytes"
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 101)
    return f"{name}:$7$101${b64encode(salt).decode()}${b64encode(derived).decode()}\n"


@pytest.mark.policy("M-C7")
def test_a_broker_that_asks_for_a_password_accepts_the_right_one_alone(
    tmp_path: Path, mosquitto_broker: Callable[..., Broker], make_unit: MakeUnit
) -> None:
    users = tmp_path / "users"
    users.write_text(mosquitto_user("car-7", "secret"))
    users.chmod(0o600)
    broker = mosquitto_broker(
        "listener {port} 127.0.0.1", "allow_anonymous false", f"password_file {users}"
    )
    password = tmp_path / "password"
    password.write_text("guess\n")
    password.chmod(0o600)
    refused = make_unit(broker.port, username="car-7", password_file=password)
    refused.uplink.start()
    until(lambda: bool(refused.problems))
    ((of, sentence),) = refused.problems
    assert of == "link"
    assert "it refuses this unit (not authorized): check the user, password" in str(sentence)
    assert "guess" not in str(sentence)
    assert not refused.uplink.counts().connected
    refused.uplink.stop()
    password.write_text("secret\n")
    accepted = make_unit(broker.port, username="car-7", password_file=password)
    accepted.uplink.start()
    until(lambda: accepted.uplink.counts().connected)
    assert accepted.problems == []


def test_a_subscription_that_is_refused_is_said(make_unit: MakeUnit) -> None:
    # mosquitto never refuses one; brokers that do say so in the SUBACK of MQTT 3.1.1, 3.9.3.
    with socket.create_server(("127.0.0.1", 0)) as server:
        unit = make_unit(server.getsockname()[1])
        unit.uplink.start()
        connection, _ = server.accept()
        with connection:
            until(lambda: connection.recv(1000)[:1] == b"\x10")
            connection.sendall(b"\x20\x02\x00\x00")
            subscribe = b""
            while b"receipt" not in subscribe:
                subscribe += connection.recv(1000)
            start = subscribe.index(b"\x82") + 2
            connection.sendall(b"\x90\x03" + subscribe[start : start + 2] + b"\x80")
            until(lambda: bool(unit.problems))
            assert "it refuses this unit its receipts" in str(unit.problems[0][1])
            unit.uplink.stop()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_broker(
    tmp_path: Path, authority: trustme.CA, mosquitto_broker: Callable[..., Broker]
) -> Broker:
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "broker.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "broker.key")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return mosquitto_broker(
        "listener {port} 127.0.0.1",
        "allow_anonymous true",
        f"cafile {tmp_path / 'ca.pem'}",
        f"certfile {tmp_path / 'broker.pem'}",
        f"keyfile {tmp_path / 'broker.key'}",
        "require_certificate true",
    )


def connected_by(own: trustme.LeafCert, folder: Path, broker: Broker, make_unit: MakeUnit) -> Unit:
    """A unit that the broker let in under this certificate."""
    own.cert_chain_pems[0].write_to_path(folder / "unit.pem")
    own.private_key_pem.write_to_path(folder / "unit-tls.key")
    unit = make_unit(
        broker.port,
        ca_file=folder / "ca.pem",
        certificate_file=folder / "unit.pem",
        key_file=folder / "unit-tls.key",
    )
    unit.uplink.start()
    until(lambda: unit.uplink.counts().connected)
    return unit


@pytest.mark.policy("M-C7")
def test_the_unit_and_the_broker_show_each_other_certificates(
    tmp_path: Path, authority: trustme.CA, tls_broker: Broker, make_unit: MakeUnit
) -> None:
    unit = connected_by(authority.issue_cert("car-7.boston-pd"), tmp_path, tls_broker, make_unit)
    assert unit.problems == []


@pytest.mark.policy("M-C7")
def test_a_certificate_that_ends_within_a_month_is_said_while_it_still_works(
    tmp_path: Path, authority: trustme.CA, tls_broker: Broker, make_unit: MakeUnit
) -> None:
    soon = datetime.now(UTC) + timedelta(days=10)
    own = authority.issue_cert("car-7.boston-pd", not_after=soon)
    unit = connected_by(own, tmp_path, tls_broker, make_unit)
    until(lambda: bool(unit.problems))
    ((of, sentence),) = unit.problems
    assert of == "certificate"
    assert f"the unit's certificate ends on {soon:%Y-%m-%d}" in str(sentence)


@pytest.mark.policy("M-C7")
def test_a_broker_of_another_authority_gets_nothing(
    tmp_path: Path, tls_broker: Broker, make_unit: MakeUnit
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    unit = make_unit(tls_broker.port, ca_file=tmp_path / "other.pem")
    unit.uplink.start()
    until(lambda: bool(unit.problems))
    assert "its certificate is not trusted" in str(unit.problems[0][1])
    assert not unit.uplink.counts().connected


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ({"password_file": "missing"}, "missing: the broker's password cannot be read"),
        ({"password_file": "open"}, r"open: others can use this password \(mode 0644\)"),
        ({"ca_file": "missing"}, "missing: the broker's authority cannot be read"),
        ({"certificate_file": "missing"}, "a certificate is of use with TLS alone"),
    ],
)
def test_files_that_cannot_be_used_are_named_before_anything_starts(
    tmp_path: Path, make_unit: MakeUnit, link: dict[str, str], sentence: str
) -> None:
    (tmp_path / "open").write_text("secret")
    (tmp_path / "open").chmod(0o644)
    paths = {name: tmp_path / file for name, file in link.items()}
    with pytest.raises(UplinkError, match=sentence):
        make_unit(1, username="car-7", **paths)
