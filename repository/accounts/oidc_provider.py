"""An agency's own provider over HTTP: what it publishes of itself, its keys, and codes for tokens.

Whatever it answers is bounded in size and time, redirects are not followed, and only TLS or this
machine's own loopback is spoken to. No more than ``AT_ONCE`` questions wait for one provider's
answer, and the next fails at once: each waits in one of the web's few threads, and one that is
silent would take them all.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from repository.accounts.errors import AccountError
from repository.accounts.oidc import fitting_key
from repository.accounts.oidc_settings import OidcSettings, is_safe
from repository.accounts.secret_input import first_line

if TYPE_CHECKING:
    import httpx

AT_ONCE = 4

_PLACES = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_WITHIN_S = 10.0
_MAX_ANSWER_BYTES = 256 * 1024
_KNOWN_FOR_S = 3600.0
_ASK_AGAIN_AFTER_S = 60.0


class ProviderError(AccountError):
    """The agency's provider cannot be reached, or answers what no provider should."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a provider says of itself (OpenID Connect Discovery 1.0)."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    secret_in_body: bool
    names_itself: bool
    """Whether it gives its name beside every code (RFC 9207)."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What it gives for a code."""

    id_token: str
    access_token: str | None


class Provider:
    """One agency's provider; may be shared by threads."""

    def __init__(
        self,
        settings: OidcSettings,
        transport: httpx.BaseTransport | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._transport = transport
        self._elapsed = elapsed
        self._room = threading.BoundedSemaphore(AT_ONCE)
        self._published: tuple[float, Published] | None = None
        self._keys: tuple[float, Sequence[Mapping[str, Any]]] | None = None

    def published(self) -> Published:
        """What it says of itself, asked about once an hour.

        Raises:
            ProviderError: if it cannot be reached, or is another than the settings name.
        """
        known = self._published
        if known is None or self._elapsed() - known[0] >= _KNOWN_FOR_S:
            known = self._published = (self._elapsed(), self._discover())
        return known[1]

    def key(self, named: str | None) -> Mapping[str, Any] | None:
        """Its key of that name; one that is not known is asked for, about once a minute.

        Raises:
            ProviderError: if it cannot be reached.
        """
        uri = self.published().jwks_uri
        known = self._keys
        found = None if known is None else fitting_key(known[1], named)
        age = None if known is None else self._elapsed() - known[0]
        stale = age is None or age >= _KNOWN_FOR_S
        if stale or (found is None and age is not None and age >= _ASK_AGAIN_AFTER_S):
            keys = self._object("GET", uri).get("keys")
            if not isinstance(keys, list) or not all(isinstance(each, dict) for each in keys):
                raise self._error("publishes no keys")
            self._keys = (self._elapsed(), keys)
            found = fitting_key(keys, named)
        return found

    def exchange(self, code: str, redirect_uri: str, verifier: str) -> Tokens:
        """The tokens for a code.

        Raises:
            ProviderError: if it cannot be reached, or gives none.
        """
        published, chosen = self.published(), self.settings
        secret = first_line(chosen.client_secret_file)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        import httpx  # late, here and below: most commands speak to no provider

        auth = None
        if published.secret_in_body:
            form |= {"client_id": chosen.client_id, "client_secret": secret}
        else:  # RFC 6749 section 2.3.1 has both in the form of a form
            auth = httpx.BasicAuth(quote(chosen.client_id, safe=""), quote(secret, safe=""))
        answer = self._object("POST", published.token_endpoint, data=form, auth=auth)
        id_token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(id_token, str):
            raise self._error("gave no ID token")
        return Tokens(id_token, access_token if isinstance(access_token, str) else None)

    def _discover(self) -> Published:
        issuer = self.settings.issuer
        said = self._object("GET", f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if said.get("issuer") != issuer:
            raise self._error("calls itself by another name than the setting issuer")
        places = {
            name: said.get(name)
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
        }
        if not all(isinstance(each, str) and is_safe(each) for each in places.values()):
            raise self._error("names a place that is not reached over TLS")
        ways = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        return Published(
            **{name: str(each) for name, each in places.items()},
            secret_in_body="client_secret_basic" not in ways and "client_secret_post" in ways,
            names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        )

    def _object(self, method: str, address: str, **more: Any) -> Mapping[str, Any]:
        if not self._room.acquire(blocking=False):
            raise self._error("keeps too many waiting for its answers")
        try:
            body = self._answer(method, address, **more)
        finally:
            self._room.release()
        try:
            said = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise self._error("answers no JSON") from error
        if not isinstance(said, dict):
            raise self._error("answers no JSON object")
        return said

    def _answer(self, method: str, address: str, **more: Any) -> bytes:
        import httpx

        try:
            with (
                httpx.Client(
                    transport=self._transport,
                    verify=ssl.create_default_context(cafile=self.settings.ca),
                    timeout=_WITHIN_S,
                    trust_env=False,
                ) as client,
                client.stream(
                    method, address, headers={"Accept": "application/json"}, **more
                ) as answer,
            ):
                body, began = b"", self._elapsed()
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > _MAX_ANSWER_BYTES or self._elapsed() - began > _WITHIN_S:
                        raise self._error("answers too much or too slowly")
                if answer.status_code != httpx.codes.OK:
                    raise self._error(f"answered {answer.status_code}")
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise self._error(f"cannot be reached ({type(error).__name__})") from error
        return body

    def _error(self, what: str) -> ProviderError:
        instead = "sign in with your password here"
        if self.settings.alone:
            instead = "ask who operates the repository"
        return ProviderError(
            f"the sign-in provider of {self.settings.agency} {what}: try again, or {instead}"
        )
