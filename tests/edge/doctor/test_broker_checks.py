"""The broker is asked as a unit asks it, and the running daemon stays connected."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from edge.doctor.broker_checks import check_broker, greeting, judge_answer
from edge.doctor.findings import Finding
from edge.settings import Settings
from tests.edge.doctor.units import UPLINK, settings_of
from tests.servers import Broker, free_port

NOW = datetime.now(UTC)
TLS = """
[uplink.tls]
ca = "ca.pem"
certificate = "unit.pem"
key = "unit.key"
"""


def look(settings: Settings, *, daemon_connected: bool = False) -> dict[str, Finding]:
    found = check_broker(settings, NOW, daemon_connected=daemon_connected)
    return {one.check: one for one in found}


def test_a_broker_that_lets_the_unit_in_is_well_and_the_daemon_stays_in(
    tmp_path: Path, mosquitto_broker: Callable[..., Broker]
) -> None:
    broker = mosquitto_broker()
    thrown_out = threading.Event()
    inside = threading.Event()
    daemon = Client(CallbackAPIVersion.VERSION2, client_id="northampton-pd:car-12")
    daemon.on_connect = lambda *_: inside.set()
    daemon.on_disconnect = lambda *_: thrown_out.set()
    daemon.connect("127.0.0.1", broker.port)
    daemon.loop_start()
    assert inside.wait(30)
    found = look(settings_of(tmp_path, port=broker.port))
    assert {name: one.verdict for name, one in found.items()} == {
        "broker": "ok",
        "broker's answer": "ok",
    }
    answered = threading.Event()
    daemon.on_subscribe = lambda *_: answered.set()
    daemon.subscribe("anything")
    assert answered.wait(30)
    assert not thrown_out.is_set()
    daemon.disconnect()
    daemon.loop_stop()
    assert "northampton-pd:car-12:doctor" in (broker.folder / "log").read_text()


def test_where_the_broker_names_sessions_itself_a_connected_daemon_stays_in(
    tmp_path: Path, mosquitto_broker: Callable[..., Broker]
) -> None:
    broker = mosquitto_broker(
        "listener {port} 127.0.0.1", "allow_anonymous true", "use_username_as_clientid true"
    )
    settings = settings_of(tmp_path, uplink=UPLINK + 'username = "car-12"\n', port=broker.port)
    inside, thrown_out, answered = (threading.Event() for _ in range(3))
    daemon = Client(CallbackAPIVersion.VERSION2, client_id="northampton-pd:car-12")
    daemon.username_pw_set("car-12")
    daemon.on_connect = lambda *_: inside.set()
    daemon.on_disconnect = lambda *_: thrown_out.set()
    daemon.on_subscribe = lambda *_: answered.set()
    daemon.connect("127.0.0.1", broker.port)
    daemon.loop_start()
    assert inside.wait(60)

    found = look(settings, daemon_connected=True)

    assert {one.verdict for one in found.values()} == {"ok"}
    daemon.subscribe("anything")
    assert answered.wait(60)
    assert not thrown_out.is_set()
    daemon.disconnect()
    daemon.loop_stop()


def test_a_wrong_password_is_told_from_a_broker_that_is_not_there(
    tmp_path: Path, mosquitto_broker: Callable[..., Broker]
) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "car-12", "hush-7"], check=True)
    passwords.chmod(0o644)
    broker = mosquitto_broker(
        "listener {port} 127.0.0.1", "allow_anonymous false", f"password_file {passwords}"
    )
    secret = tmp_path / "password"
    user = UPLINK + 'username = "car-12"\npassword_file = "password"\n'
    for password, verdict in (("hush-7\n", "ok"), ("hush-8", "fail")):
        secret.write_text(password)
        found = look(settings_of(tmp_path, uplink=user, port=broker.port))
        assert found["broker's answer"].verdict == verdict
        assert "hush" not in str(found)
    assert "let this unit in" in found["broker's answer"].found
    secret.unlink()
    assert "cannot be read" in str(look(settings_of(tmp_path, uplink=user, port=broker.port)))
    nobody = look(settings_of(tmp_path, port=free_port()))
    assert list(nobody) == ["broker"]
    assert "Connection refused" in nobody["broker"].found


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_broker(
    tmp_path: Path, authority: trustme.CA, mosquitto_broker: Callable[..., Broker]
) -> Broker:
    return tls_broker_of(tmp_path, authority, mosquitto_broker)


def tls_broker_of(
    tmp_path: Path,
    authority: trustme.CA,
    mosquitto_broker: Callable[..., Broker],
    made_out_to: str = "127.0.0.1",
    ends: timedelta = timedelta(days=400),
) -> Broker:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    made = authority.issue_cert(made_out_to, not_after=NOW + ends)
    made.private_key_pem.write_to_path(tmp_path / "broker.key")
    made.cert_chain_pems[0].write_to_path(tmp_path / "broker.pem")
    return mosquitto_broker(
        "listener {port} 127.0.0.1",
        f"cafile {tmp_path / 'ca.pem'}",
        f"certfile {tmp_path / 'broker.pem'}",
        f"keyfile {tmp_path / 'broker.key'}",
        "require_certificate true",
        "use_identity_as_username true",
    )


def write_unit(
    folder: Path, authority: trustme.CA, not_after: datetime = NOW + timedelta(days=400)
) -> None:
    made = authority.issue_cert(common_name="northampton-pd.car-12", not_after=not_after)
    made.private_key_pem.write_to_path(folder / "unit.key")
    made.cert_chain_pems[0].write_to_path(folder / "unit.pem")


def test_tls_is_looked_through_to_the_end(
    tmp_path: Path, authority: trustme.CA, tls_broker: Broker
) -> None:
    write_unit(tmp_path, authority)
    found = look(settings_of(tmp_path, TLS, port=tls_broker.port))
    assert {name: one.verdict for name, one in found.items()} == {
        "broker": "ok",
        "broker's TLS": "ok",
        "broker's certificate": "ok",
        "broker's answer": "ok",
    }


def test_a_unit_with_another_authoritys_certificate_is_not_let_in(
    tmp_path: Path, tls_broker: Broker
) -> None:
    write_unit(tmp_path, trustme.CA())
    answer = look(settings_of(tmp_path, TLS, port=tls_broker.port))["broker's answer"]
    assert answer.verdict == "fail"
    assert "another authority than the broker's signed it" in answer.found
    assert answer.do.startswith("have one signed by the broker's authority")


def test_a_unit_whose_certificate_expired_is_told_by_the_broker_that_refuses_it(
    tmp_path: Path, authority: trustme.CA, tls_broker: Broker
) -> None:
    write_unit(tmp_path, authority, not_after=NOW - timedelta(days=1))
    answer = look(settings_of(tmp_path, TLS, port=tls_broker.port))["broker's answer"]
    assert (answer.verdict, "which expired" in answer.found) == ("fail", True)
    assert answer.do.startswith("have a new one signed")


@pytest.mark.parametrize(
    ("made_out_to", "ends", "says", "do"),
    [
        ("127.0.0.2", timedelta(days=1), "mismatch", "set uplink.host to the name"),
        ("127.0.0.1", timedelta(days=-1), "expired", "check the unit's clock; if it is right"),
    ],
)
def test_a_broker_with_a_wrong_certificate_is_told_from_a_foreign_one(
    tmp_path: Path,
    authority: trustme.CA,
    mosquitto_broker: Callable[..., Broker],
    made_out_to: str,
    ends: timedelta,
    says: str,
    do: str,
) -> None:
    write_unit(tmp_path, authority)
    broker = tls_broker_of(tmp_path, authority, mosquitto_broker, made_out_to, ends)
    finding = look(settings_of(tmp_path, TLS, port=broker.port))["broker's TLS"]
    assert says in finding.found
    assert finding.do.startswith(do)


def test_a_broker_of_another_authority_is_not_trusted(
    tmp_path: Path, authority: trustme.CA, tls_broker: Broker
) -> None:
    write_unit(tmp_path, authority)
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    found = look(settings_of(tmp_path, TLS, port=tls_broker.port))
    assert list(found) == ["broker", "broker's TLS"]
    assert "not trusted" in found["broker's TLS"].found
    assert found["broker's TLS"].do.startswith("copy the ca.pem of the authority")


def test_a_port_that_speaks_something_else_is_told(tmp_path: Path, authority: trustme.CA) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    write_unit(tmp_path, authority)
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def answer() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                connection.close()

        threading.Thread(target=answer, daemon=True).start()
        port = server.getsockname()[1]
        plain = look(settings_of(tmp_path, port=port))
        over_tls = look(settings_of(tmp_path, TLS, port=port))
    assert "not MQTT" in plain["broker's answer"].found
    assert "no TLS with" in over_tls["broker's TLS"].found


def test_the_greeting_is_the_standards() -> None:
    # MQTT 3.1.1, section 3.1: type, length, "MQTT", level 4, flags, 10 s, client id.
    assert greeting("ab", None, None) == bytes.fromhex("100e 0004 4d515454 04 02 000a 0002 6162")
    with_user = greeting("a", "u", "p")
    assert with_user[9] == 0xC2
    assert with_user.endswith(bytes.fromhex("0001 61 0001 75 0001 70"))
    assert greeting("x" * 200, None, None)[1:3] == bytes([0xD4, 0x01])


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 99])
def test_every_refusal_says_what_to_do(code: int) -> None:
    finding = judge_answer(bytes([0x20, 2, 0, code]))
    assert finding.verdict == "fail"
    assert finding.do


def test_wrong_files_are_a_finding_and_no_crash(
    tmp_path: Path, authority: trustme.CA, tls_broker: Broker
) -> None:
    write_unit(tmp_path, authority)
    (tmp_path / "unit.key").write_text("no key")
    for _ in range(2):
        finding = look(settings_of(tmp_path, TLS, port=tls_broker.port))["broker's TLS"]
        assert finding.verdict == "fail"
        assert "not tried" in finding.found, "the broker has no part in it"
        assert "see what is said of the certificate" in finding.do
        (tmp_path / "unit.key").unlink(missing_ok=True)
