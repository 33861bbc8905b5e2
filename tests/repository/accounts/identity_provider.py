"""A real identity provider as a process of its own, and a browser that signs in there."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

import httpx

from repository.accounts import totp
from repository.accounts.oidc_sign_in import CameBack
from tests.servers import free_port

PASSWORD = "heron at the provider"
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
CLIENT, OTHER_CLIENT = "plateward", "webmail"
CLIENT_SECRET = "Zm9vYmFy"
REDIRECT = "http://localhost:8080/api/v1/oidc/salem-pd/callback"
_INPUT = re.compile(r'<input name="([^"]*)"')


@dataclass
class IdentityProvider:
    """A running provider."""

    issuer: str
    process: subprocess.Popen[str]

    @classmethod
    def start(
        cls, *logins: str, renamed: Mapping[str, tuple[str, str]] = MappingProxyType({})
    ) -> IdentityProvider:
        """One that knows these people, each with password and app, and two clients.

        Who is ``renamed`` is told of by another subject and name than those they sign in by.
        """
        port = free_port()
        everyone = {each: (f"id-{each}", each) for each in logins} | dict(renamed)
        asked = {
            "port": port,
            "clients": [CLIENT, OTHER_CLIENT],
            "client_secret": CLIENT_SECRET,
            "redirect_uri": REDIRECT,
            "people": {each: {"password": PASSWORD, "secret": SECRET} for each in everyone},
            "told_of": everyone,
        }
        program = Path(__file__).with_name("provider_process.py")
        process = subprocess.Popen(
            [sys.executable, str(program), json.dumps(asked)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return cls(f"http://127.0.0.1:{port}", process)

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def sign_in(self, address: str, login: str = "jdoe") -> str:
        """Where the provider sends a new browser back to, once the person has signed in there."""
        with httpx.Client(trust_env=False, timeout=60) as browser:
            answer = browser.get(address)
            for _ in range(4):
                if answer.is_redirect:
                    to = answer.headers["location"]
                    if to.startswith(REDIRECT):
                        return str(to)
                    answer = browser.get(answer.request.url.join(to))
                    continue
                answer = browser.post(answer.request.url, data=_typed(answer.text, login))
        raise AssertionError(answer.text)

    def tokens(self, back: str, client: str, verifier: str) -> Mapping[str, str]:
        """What the provider gives that client for the code in the address."""
        form = {
            "grant_type": "authorization_code",
            "code": parse_qs(urlsplit(back).query)["code"][0],
            "redirect_uri": REDIRECT,
            "code_verifier": verifier,
        }
        answer = httpx.post(
            f"{self.issuer}/token",
            data=form,
            auth=(client, CLIENT_SECRET),
            trust_env=False,
            timeout=60,
        )
        found: Mapping[str, str] = answer.json()
        return found


def came_back(address: str) -> CameBack:
    """What the address that a provider sent the browser back to says."""
    parts = urlsplit(address)
    said = {name: values[0] for name, values in parse_qs(parts.query).items()}
    agency = parts.path.split("/")[-2]
    return CameBack(agency, said["state"], said.get("code"), said.get("error"), said.get("iss"))


def _typed(page: str, login: str) -> dict[str, str]:
    """The form of a page as the person fills it in."""
    code = totp.code(base64.b32decode(SECRET), datetime.now(UTC))
    known = {"login": login, "password": PASSWORD, "otp": code}
    return {name: known[name] for name in _INPUT.findall(page)}
