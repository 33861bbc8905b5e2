"""Signing in by an agency's own provider: a person whom it knows, and who has an account here.

The provider stands for password and second factor. The account, the agency's access, the
acknowledgement and whatever else stands before the system are looked at as ever.

Each agency's provider sends browsers back to an address of that agency's own, and a code counts at
no other: otherwise one agency's provider could have another's send its people, and their codes, to
it (RFC 9700, section 4.4, mix-up; not every provider names itself beside the code).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from sqlalchemy.exc import IntegrityError

from repository.accounts import oidc, oidc_state, oidc_subjects, users
from repository.accounts.errors import AccountError, TooManySignInsError
from repository.accounts.oidc import Expected, IdTokenError
from repository.accounts.oidc_provider import Provider
from repository.accounts.oidc_settings import OidcSettings
from repository.accounts.oidc_state import UnderWay
from repository.accounts.sessions import Opening
from repository.accounts.sessions_unlock import SessionUnlock
from repository.accounts.sessions_use import Session
from repository.accounts.user import fold_login
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Actor, Entry, as_typed

_NOBODY = Actor(user_id="", login="", name="nobody with an account", agency="")


class NoProviderError(AccountError):
    """The agency has no provider of its own here."""

    def __init__(self) -> None:
        super().__init__("that agency has no sign-in provider here: sign in with your password")


class OidcRefusedError(AccountError):
    """What came back from a provider signs nobody in."""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the browser, and what it must hold when it comes back."""

    address: str
    browser: str


@dataclass(frozen=True, slots=True)
class CameBack:
    """Which agency's address a browser was sent back to, and with what."""

    agency: str
    state: str
    code: str | None = None
    error: str | None = None
    issuer: str | None = None


@dataclass(frozen=True)
class OidcSignIn(SessionUnlock):
    """Signing in by a provider; ``providers`` are by the short name of their agency."""

    providers: Mapping[str, Provider] = field(default_factory=lambda: MappingProxyType({}))

    def begin_at_provider(self, agency: str, origin: str) -> Begun:
        """Begin a sign-in at the agency's provider.

        Raises:
            NoProviderError: if it has none.
            ProviderError: if it cannot be reached.
            TooMuchAskedError: if too much was asked from there just now.
        """
        self.rates.admit_address(origin)
        provider = self._provider_of(agency)
        chosen = provider.settings
        begun = oidc_state.begin(self.factors_key(), agency, self.now(), self.random_bytes)
        address = oidc.authorization_url(
            provider.published().authorization_endpoint,
            chosen.client_id,
            self._callback(agency),
            chosen.scopes,
            chosen.required_acr,
            begun.challenge,
        )
        return Begun(address, begun.browser)

    def finish_at_provider(self, back: CameBack, browser: str, origin: str) -> Session:
        """A browser's session for the person whom the provider knew.

        Raises:
            NoProviderError: if the agency has none.
            OidcRefusedError: if what came back signs nobody in; the ledger says why, unless this
                browser began no such sign-in.
            ProviderError: if the provider cannot be reached, or gives nothing for the code.
            TooManySignInsError: if too many failed from there before.
        """
        provider, agency = self._provider_of(back.agency), back.agency
        begun = oidc_state.find(self.factors_key(), agency, back.state, browser, self.now())
        if begun is None:
            # Neither counted nor recorded: any page on the web can have a browser come here.
            raise OidcRefusedError(
                "no such sign-in is under way in this browser, or no longer: begin again"
            )
        self._record_dropped()
        if not self.throttle.admit(origin, self.now()):
            raise TooManySignInsError
        request: dict[str, JSON] = {"provider": agency}
        entry = Entry("accounts.sign_in", _NOBODY, self.now(), origin, request)
        with attempt(self.engine, entry, AccountError):
            try:
                claims = self._known(back, provider, begun)
                return self._session(claims, provider.settings, origin)
            except OidcRefusedError:
                self.throttle.fail(origin, self.now())
                raise

    def _known(self, back: CameBack, provider: Provider, begun: UnderWay) -> Mapping[str, Any]:
        """What the provider says of the person whom it knew."""
        try:
            with self.engine.begin() as connection:
                oidc_state.spend(connection, begun, self.now())
        except IntegrityError:
            raise OidcRefusedError("that sign-in came back before: begin again") from None
        chosen = provider.settings
        lacks_name = back.issuer is None and provider.published().names_itself
        if lacks_name or back.issuer not in (None, chosen.issuer):
            raise OidcRefusedError("the answer is another provider's: begin again")
        if back.error is not None or not back.code:
            said = as_typed(back.error or "no code")
            raise OidcRefusedError(f"the provider signed nobody in ({said}): begin again")
        tokens = provider.exchange(back.code, self._callback(back.agency), begun.challenge.verifier)
        try:
            key = provider.key(oidc.key_id(tokens.id_token))
            if key is None:
                raise IdTokenError("ID token: signed with a key that the provider does not publish")
            expected = Expected(
                issuer=chosen.issuer,
                client_id=chosen.client_id,
                nonce=begun.challenge.nonce,
                access_token=tokens.access_token,
                required_acr=chosen.required_acr,
                required_amr=chosen.required_amr,
                now=self.now(),
            )
            return oidc.verify(tokens.id_token, key, expected)
        except IdTokenError as error:
            raise OidcRefusedError(f"the provider's word does not hold: {error}") from error

    def _session(self, claims: Mapping[str, Any], chosen: OidcSettings, origin: str) -> Session:
        given, agency = claims.get(chosen.login_claim), chosen.agency
        if not isinstance(given, str):
            raise OidcRefusedError(f"the provider gave no login (claim {chosen.login_claim})")
        login = fold_login(given)
        found = None if login is None else self._find(login)
        with self.engine.begin() as connection:
            account = None if found is None else users.lock(connection, found.user.id)
            if account is None or account.user.agency != agency or not account.open:
                raise OidcRefusedError(
                    "the provider knows you, but no open account of that agency has your login: "
                    "ask its ALPR administrator"
                )
            if not oidc_subjects.is_theirs(
                connection, account.user.id, chosen, str(claims["sub"]), self.now()
            ):
                raise OidcRefusedError(
                    "the provider means another person by your login than before, or knew you by "
                    "another login: ask your agency's ALPR administrator"
                )
            opening = Opening(origin, browser=True, second_factor=True, by_provider=True)
            session = self.begin_session(connection, account.user, opening)
            users.came_in(connection, account.user.id, self.now())
            request: dict[str, JSON] = {"provider": agency, "second_factor": "provider"}
            self._record(connection, "accounts.sign_in", account.user.actor, origin, request)
        return session

    def _provider_of(self, agency: str) -> Provider:
        provider = self.providers.get(agency)
        if provider is None:
            raise NoProviderError
        return provider

    def _callback(self, agency: str) -> str:
        return f"{self.settings.web_origin}/api/v1/oidc/{quote(agency, safe='')}/callback"
