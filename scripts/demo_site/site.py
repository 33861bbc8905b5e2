"""A small site in one folder: settings, keys, an enrolled unit, a broker and a repository."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from demo_site.processes import BIN, command, end, free_port, json_command, start
from demo_site.processes import wait_for_port as wait
from repository import business_days
from repository.accounts import totp
from repository.documents.pdf import Document

AGENCY = "northampton-pd"
UNIT = "car-12"
CAMERA = "front"
USER = "inspector"
NAME = "Demo Inspector"
_STARTS_WITHIN_S = 60.0


@dataclass(frozen=True)
class Site:
    """Where everything lies and how to talk to it."""

    folder: Path
    broker_port: int
    web_port: int

    @property
    def edge_settings(self) -> Path:
        """The unit's settings."""
        return self.folder / "edge.toml"

    @property
    def repository_settings(self) -> Path:
        """The repository's settings."""
        return self.folder / "repository.toml"

    @property
    def logs(self) -> Path:
        """Folder of what the programs said."""
        return self.folder / "logs"

    @property
    def password(self) -> Path:
        """File with the first user's password."""
        return self.folder / "password"

    @property
    def recovery_codes(self) -> Path:
        """File with codes that serve the first user as a second factor, once each."""
        return self.folder / "recovery-codes"

    @property
    def session(self) -> Path:
        """File of a session of the first user's."""
        return self.folder / "session"

    def repository(self, *arguments: str) -> list[str]:
        """A command line of the repository's."""
        settings = str(self.repository_settings)
        return [str(BIN / "alpr-repository"), "--settings", settings, *arguments]


def lay_out(
    folder: Path,
    source: str,
    hotlist: Path | None,
    gps_port: str | None,
    broker_port: int | None = None,
    database: str | None = None,
) -> Site:
    """Write the settings, make the keys, enrol the unit with the repository.

    The broker is expected on ``broker_port``, or on a free port that the site then names;
    ``database`` is the address of one that is there, else the repository makes a SQLite file.
    """
    site = Site(folder, broker_port or free_port(), free_port())
    site.logs.mkdir(parents=True)
    site.repository_settings.write_text(
        _toml({"": {"data": "repository"} | ({"database": database} if database else {})})
        + _toml({"broker": {"port": site.broker_port}, "web": {"port": site.web_port}}),
        encoding="utf-8",
    )
    command(site.repository("init"))
    command(site.repository("agencies", "add", "--name", AGENCY, "--title", "Northampton Police"))
    command([str(BIN / "alpr-edge"), "enrol", "--keys", str(folder / "keys")])
    command(
        site.repository(
            *("units", "add", "--agency", AGENCY, "--unit", UNIT),
            *("--public-key", str(folder / "keys" / "unit.pub")),
        )
    )
    position = {"kind": "none"} if gps_port is None else {"kind": "serial", "port": gps_port}
    sections: dict[str, dict[str, Any]] = {
        "unit": {"agency": AGENCY, "name": UNIT},
        "[cameras]": {"name": CAMERA, "source": source},
        "position": position,
        "uplink": {
            "host": "127.0.0.1",
            "port": site.broker_port,
            "repository_public_key": "repository/keys/receipts.pub",
        },
    }
    if hotlist is not None:
        sections["[hotlists]"] = {"name": "state-hotfile", "path": str(hotlist)}
    site.edge_settings.write_text(_toml(sections), encoding="utf-8")
    return site


@contextmanager
def running(site: Site) -> Iterator[None]:
    """The broker and the repository, up while the context lasts."""
    broker_log, repository_log = site.logs / "broker.log", site.logs / "repository.log"
    processes: list[subprocess.Popen[str]] = []
    try:
        module = [str(BIN / "python"), "-m", "demo_site.broker", str(site.broker_port)]
        processes.append(start(module, broker_log))
        wait(site.broker_port, processes[-1], broker_log, _STARTS_WITHIN_S)
        processes.append(start(site.repository("run"), repository_log))
        wait(site.web_port, processes[-1], repository_log, _STARTS_WITHIN_S)
        yield
    finally:
        for process in reversed(processes):
            end(process)


def first_user(site: Site) -> Path:
    """Take the first user through every step of their first day; gives the file of a session."""
    _sign_agreement(site)
    person = ("bootstrap", USER, "--name", NAME, "--agency", AGENCY, "--position", "Inspector")
    roles = ("--role", "investigator", "--role", "supervisor")
    made = json_command(site.repository("users", *person, *roles, "--json"))
    once, chosen = site.folder / "one-time-password", site.password
    _secret(once, made["one_time_password"])
    _secret(chosen, secrets.token_urlsafe(18))
    _users(site, "passwd", once, "--new-password-file", str(chosen))
    once.unlink()
    _users(site, "acknowledge", chosen, "--sign", NAME)
    _enrol(site)
    words = ("--course", "First use", "--taught-by", "The demo", "--on", _today())
    command(site.repository("training", "record", USER, *words))
    return site.session


def search_command(site: Site, plate: str, session: Path) -> list[str]:
    """The command line of a search for a plate over the last day, with its reasons."""
    now = datetime.now(UTC)
    return site.repository(
        *("search", "--session-file", str(session), "--plate", plate),
        *("--folded", "--from", f"{now - timedelta(days=1):%Y-%m-%dT%H:%M:%S}"),
        *("--to", f"{now + timedelta(days=1):%Y-%m-%dT%H:%M:%S}"),
        *("--purpose", "criminal_investigation", "--case", "DEMO-26-001", "--affirm"),
        *("--facts", "Demonstration: the hot list names this plate, reported stolen by its owner"),
    )


def _sign_agreement(site: Site) -> None:
    paper = site.folder / "agreement.pdf"
    document = Document("Agreement", "Signed for the demo")
    document.paragraph("The agency keeps to the policy.")
    paper.write_bytes(document.render())
    command(
        site.repository(
            *("agreements", "sign", "--agency", AGENCY, "--version", "demo"),
            *("--text", str(paper), "--copy", str(paper), "--signed-by", "Demo Chief"),
            *("--title", "Chief of Police", "--on", _today()),
        )
    )


def _enrol(site: Site) -> None:
    """Set up what stands for the app, keep its recovery codes in a file, and sign in with it."""
    begun = json.loads(_users(site, "enrol", site.password, "--begin", "--json"))
    app = base64.b32decode(begun["secret"])
    code = site.folder / "code"
    _secret(code, totp.code(app, datetime.now(UTC)))
    shown = _users(
        site, "enrol", site.password, "--confirm", "--first-code-file", str(code), "--json"
    )
    _secret(site.recovery_codes, "\n".join(json.loads(shown)["recovery_codes"]))
    # Each code serves once, and the next one is good already.
    _secret(code, totp.code(app, datetime.now(UTC) + timedelta(seconds=totp.STEP_S)))
    command(
        site.repository(
            *("sign-in", "--user", USER, "--password-file", str(site.password)),
            *("--code-file", str(code), "--session-file", str(site.session)),
        )
    )
    code.unlink()


def _users(site: Site, what: str, password: Path, *options: str) -> str:
    words = site.repository("users", what, USER, "--password-file", str(password), *options)
    return command(words, {"ALPR_CODE": ""})  # no second factor yet, so none is asked for


def _secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text + "\n", encoding="utf-8")


def _today() -> str:
    return business_days.day_of(datetime.now(UTC)).isoformat()


def _toml(sections: dict[str, dict[str, Any]]) -> str:
    return "\n".join(_section(name, keys) for name, keys in sections.items())


def _section(name: str, keys: dict[str, Any]) -> str:
    lines: Sequence[str] = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
    return "\n".join([f"[{name}]" if name else "", *lines, ""])
