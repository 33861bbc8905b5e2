"""Enrolment, and access rules that a real broker enforces."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine, select, update

from edge.contract.batch import key_id, verify_batch_signature
from repository.store.engine import reading
from repository.store.tables.fleet import chains, former_unit_keys, units
from repository.units import enrolment
from repository.units.access import mosquitto_rules
from repository.units.enrolment import EnrolmentError
from tests.repository.sender import AGENCY, Sender
from tests.servers import Broker, shipped_broker

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WAIT_S = 30.0


def add(engine: Engine, name: str, key: Ed25519PrivateKey, agency: str = AGENCY) -> str:
    with engine.begin() as connection:
        return enrolment.add_unit(
            connection, agency=agency, name=name, public_key=key.public_key(), now=NOW
        )


def test_a_unit_is_enrolled_once_with_a_key_of_its_own(engine: Engine) -> None:
    unit = Sender()
    unit.enrol(engine, NOW)
    with reading(engine) as connection:
        (listed,) = enrolment.list_units(connection)
    assert (listed.key_id, listed.committed_through) == (key_id(unit.key.public_key()), 0)
    with pytest.raises(EnrolmentError, match="of that name or with that key"):
        add(engine, "car-12", Ed25519PrivateKey.generate())
    with pytest.raises(EnrolmentError, match="of that name or with that key"):
        add(engine, "car-13", unit.key)
    with pytest.raises(EnrolmentError, match="agency nobody: not known"):
        add(engine, "car-14", Ed25519PrivateKey.generate(), agency="nobody")
    with pytest.raises(EnrolmentError, match="unit: 'a/b' is not"):
        add(engine, "a/b", Ed25519PrivateKey.generate())
    with reading(engine) as connection:
        assert len(enrolment.list_units(connection)) == 1


def test_a_unit_is_revoked_once(engine: Engine) -> None:
    Sender().enrol(engine, NOW)
    with engine.begin() as connection:
        enrolment.revoke_unit(connection, agency=AGENCY, name="car-12", now=NOW)
    with engine.begin() as connection, pytest.raises(EnrolmentError, match="revoked already"):
        enrolment.revoke_unit(connection, agency=AGENCY, name="car-12", now=NOW)
    with reading(engine) as connection:
        (listed,) = enrolment.list_units(connection)
    assert listed.revoked_at == NOW


@pytest.mark.policy("C-6a")
def test_a_revoked_unit_comes_back_with_another_key_and_what_it_signed_is_still_proven(
    engine: Engine,
) -> None:
    unit = Sender()
    unit.enrol(engine, NOW)
    other = Sender(unit="car-13")
    other.enrol(engine, NOW)
    sealed = unit.seal(unit.shift_check(NOW))
    with engine.begin() as connection:
        connection.execute(
            update(chains)
            .where(chains.c.unit_id == 1)
            .values(committed_through=1, chain_root=sealed.root)
        )
        enrolment.revoke_unit(connection, agency=AGENCY, name="car-12", now=NOW)
    with pytest.raises(EnrolmentError, match="the key that was revoked"):
        add(engine, "car-12", unit.key)
    with pytest.raises(EnrolmentError, match="enrolled already"):
        add(engine, "car-12", other.key)

    new = Ed25519PrivateKey.generate()
    assert add(engine, "car-12", new) == key_id(new.public_key())
    with reading(engine) as connection:
        (listed, _) = enrolment.list_units(connection)
        former = connection.execute(select(former_unit_keys.c["key_id", "public_key"])).one()
        current = connection.scalar(select(units.c.public_key).where(units.c.id == 1))
    assert (listed.revoked_at, listed.committed_through) == (None, 1)
    assert former.key_id == sealed.key
    verify_batch_signature(sealed, Ed25519PublicKey.from_public_bytes(former.public_key))
    assert current == new.public_key().public_bytes_raw()
    with pytest.raises(EnrolmentError, match="had that key before"):
        add(engine, "car-14", unit.key)


def test_a_name_that_no_certificate_could_hold_is_refused(engine: Engine) -> None:
    Sender().enrol(engine, NOW)
    longest = "c" * (64 - len(AGENCY) - 1)
    add(engine, longest, Ed25519PrivateKey.generate())
    with pytest.raises(EnrolmentError, match="common name would be longer than 64"):
        add(engine, longest + "c", Ed25519PrivateKey.generate())


def test_an_agency_is_added_once(engine: Engine) -> None:
    for name, title, ori, said in (
        ("Upper", "t", None, "agency: 'Upper' is not"),
        ("ok", " ", None, "title"),
        ("ok", "t", "short", "ori: 'short'"),
    ):
        with engine.begin() as connection, pytest.raises(EnrolmentError, match=said):
            enrolment.add_agency(connection, name=name, title=title, ori=ori, now=NOW)
    with engine.begin() as connection:
        enrolment.add_agency(connection, name="ok", title="t", ori="MA0051600", now=NOW)
    with engine.begin() as connection, pytest.raises(EnrolmentError, match="there already"):
        enrolment.add_agency(connection, name="ok", title="t", ori=None, now=NOW)


def nothing_taken_back(authority: trustme.CA) -> bytes:
    """The authority's list of certificates taken back: none."""
    certificate = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    key = load_pem_private_key(authority.private_key_pem.bytes(), password=None)
    assert isinstance(key, EllipticCurvePrivateKey)
    now = datetime.now(UTC)
    made = x509.CertificateRevocationListBuilder(
        certificate.subject, now - timedelta(hours=1), now + timedelta(days=1)
    )
    return made.sign(key, SHA256()).public_bytes(Encoding.PEM)


class Client:
    """A client with a certificate in that name."""

    def __init__(self, broker: Broker, authority: trustme.CA, name: str, folder: Path) -> None:
        pem, ca = folder / f"{name}.pem", folder / "ca.pem"
        certificate = authority.issue_cert("client.test", common_name=name)
        certificate.private_key_and_cert_chain_pem.write_to_path(pem)
        self.heard: list[str] = []
        self.granted: list[bool] = []
        self.answered = threading.Event()
        self.mqtt = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name)
        self.mqtt.tls_set(str(ca), str(pem), str(pem))
        connected = threading.Event()
        self.mqtt.on_connect = lambda *_: connected.set()
        self.mqtt.on_message = lambda _c, _u, message: self.heard.append(message.topic)
        self.mqtt.on_subscribe = self._subscribed
        self.mqtt.connect("localhost", broker.port)
        self.mqtt.loop_start()
        assert connected.wait(WAIT_S)

    def _subscribed(self, *arguments: Any) -> None:
        reasons = arguments[3]
        self.granted.append(not reasons[0].is_failure)
        self.answered.set()

    def subscribe(self, topic: str) -> bool:
        """Whether the broker granted it."""
        self.answered.clear()
        self.mqtt.subscribe(topic, 1)
        assert self.answered.wait(WAIT_S)
        return self.granted[-1]

    def publish(self, topic: str) -> None:
        self.mqtt.publish(topic, b"x", qos=1).wait_for_publish(WAIT_S)

    def close(self) -> None:
        self.mqtt.disconnect()
        self.mqtt.loop_stop()


@pytest.mark.policy("M-VI")
def test_the_shipped_broker_configuration_keeps_units_to_their_own_topics(
    engine: Engine, mosquitto_broker: Callable[..., Broker], tmp_path: Path
) -> None:
    for name, agency in (("car-12", AGENCY), ("car-13", AGENCY), ("car-12", "other-pd")):
        Sender(unit=name, agency=agency).enrol(engine, NOW)
    with engine.begin() as connection:
        enrolment.revoke_unit(connection, agency=AGENCY, name="car-13", now=NOW)
        rules = mosquitto_rules(enrolment.list_units(connection), [("forwarder", "other-pd")])
    assert "car-13" not in rules
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    server = authority.issue_cert("localhost", "127.0.0.1")
    files = tmp_path / "broker"
    files.mkdir()
    authority.cert_pem.write_to_path(files / "ca.pem")
    server.private_key_pem.write_to_path(files / "broker.key")
    (files / "broker.pem").write_bytes(b"".join(b.bytes() for b in server.cert_chain_pems))
    (files / "plateward.acl").write_text(rules)
    (files / "crl.pem").write_bytes(nothing_taken_back(authority))
    broker = mosquitto_broker(*shipped_broker(files))
    repository = Client(broker, authority, "repository", files)
    unit = Client(broker, authority, f"{AGENCY}.car-12", files)
    revoked = Client(broker, authority, f"{AGENCY}.car-13", files)
    forwarder = Client(broker, authority, "forwarder", files)

    for topic in ("records", "hits", "status", "picture/+"):
        assert repository.subscribe(f"alpr/1/+/+/{topic}")
    own = f"alpr/1/{AGENCY}/car-12"
    assert unit.subscribe(f"{own}/receipt")
    assert unit.subscribe(f"alpr/1/{AGENCY}/hotlist")
    for client, theirs in ((unit, f"{own}/receipt"), (unit, f"alpr/1/{AGENCY}/hotlist")):
        client.publish(theirs)  # acknowledged, as MQTT 3.1.1 has it, and dropped
    for elsewhere in (f"alpr/1/{AGENCY}/car-13", "alpr/1/other-pd/car-12"):
        for channel in ("records", "hits", "status", "picture/" + "a" * 64):
            unit.publish(f"{elsewhere}/{channel}")
    revoked.publish(f"alpr/1/{AGENCY}/car-13/records")
    for channel in ("records", "hits", "status", "picture/" + "a" * 64):
        unit.publish(f"{own}/{channel}")
    assert forwarder.subscribe("alpr/1/other-pd/+/receipt")
    for topic in (f"{own}/records", f"{own}/picture/" + "a" * 64, "alpr/1/other-pd/car-12/status"):
        forwarder.publish(topic)
    forwarded = [f"alpr/1/other-pd/car-12/{each}" for each in ("records", "picture/" + "b" * 64)]
    for topic in forwarded:
        forwarder.publish(topic)
    repository.publish("alpr/1/other-pd/car-12/receipt")
    repository.publish(f"alpr/1/{AGENCY}/car-13/receipt")
    repository.publish(f"{own}/receipt")
    repository.publish(f"alpr/1/{AGENCY}/hotlist")
    while len(unit.heard) < 2 or len(repository.heard) < 6 or not forwarder.heard:
        time.sleep(0.02)
    for client in (repository, unit, revoked, forwarder):
        client.close()
    assert [each for each in repository.heard if each not in forwarded] == [
        f"{own}/{channel}" for channel in ("records", "hits", "status", "picture/" + "a" * 64)
    ]
    assert set(forwarded) <= set(repository.heard)
    assert forwarder.heard == ["alpr/1/other-pd/car-12/receipt"]
    assert unit.heard == [f"{own}/receipt", f"alpr/1/{AGENCY}/hotlist"]
