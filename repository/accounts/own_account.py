"""What a person does to open their account, and keeps in it: the acknowledgement, second factors.

They have signed in, and the steps before these are taken (see `standing`); each use case is one
transaction, on the ledger. A new second factor ends every session, so that nobody goes on without.
Whoever has one shows it again, with the password, before another or new recovery codes count, or a
passkey goes: a stolen session would give its thief one that outlives it otherwise, or leave its
person with less.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from sqlalchemy import Connection

from repository.accounts import (
    acknowledgements,
    challenges,
    passkeys,
    recovery,
    second_factors,
    sessions,
    totp,
)
from repository.accounts.acknowledgement import check_signature
from repository.accounts.acknowledgements import Signed
from repository.accounts.challenges import Purpose
from repository.accounts.entering import enter
from repository.accounts.errors import AccountError
from repository.accounts.second_factors import Factor, Offered
from repository.accounts.signing_in import NOTHING, SigningIn
from repository.accounts.standing import Step
from repository.accounts.user import User
from repository.ledger import log
from repository.ledger.attempt import attempt
from repository.ledger.entry import JSON, Entry
from repository.store.engine import reading

_MAX_ORIGIN = 64
_MAX_NAME = 100

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Again:
    """Password and second factor of a person who is in a session, shown once more."""

    password: str = field(default="", repr=False)
    offered: Offered = field(default=NOTHING, repr=False)


@dataclass(frozen=True, slots=True)
class NewSecret:
    """An authenticator app's new secret, shown this once: to type, and as the QR code's address."""

    secret: str
    address: str


@dataclass(frozen=True, slots=True)
class OwnFactors:
    """A person's second factors, and how many recovery codes are left."""

    factors: Sequence[Factor]
    recovery_codes: int


@dataclass(frozen=True)
class OwnAccount(SigningIn):
    """A person's own acknowledgement and second factors.

    ``again`` is what a person in a session shows; None is for one who signed in for that call.
    """

    def acknowledge(self, user: User, sha256: str, name: str, origin: str) -> None:
        """Sign the words of that digest by typing one's full name.

        Raises:
            AccountError: if the words are others by now, or the name is not the person's.
        """
        words = self.words()
        request: dict[str, JSON] = {"sha256": words.sha256}
        entry = Entry("accounts.acknowledge", user.actor, self.now(), origin, request)
        with attempt(self.engine, entry, AccountError), self.engine.begin() as connection:
            enter(connection, user)
            if sha256 != words.sha256:
                raise AccountError("the words are others by now: read them again, then sign")
            signature = check_signature(name, user.name)
            acknowledgements.sign(
                connection, user.id, words, signature, origin[:_MAX_ORIGIN], self.now()
            )
            log.append(connection, replace(entry, request={**request, "signed": signature}))

    def own_acknowledgements(self, user: User) -> Sequence[Signed]:
        """Everything that the person ever signed, the newest first."""
        with reading(self.engine) as connection:
            return acknowledgements.of_user(connection, user.id)

    def own_factors(self, user: User) -> OwnFactors:
        """The person's second factors."""
        with reading(self.engine) as connection:
            return OwnFactors(
                second_factors.of_user(connection, user.id),
                second_factors.recovery_codes_left(connection, user.id),
            )

    def new_secret(self, user: User, origin: str) -> NewSecret:
        """Begin with an authenticator app; its first code makes it count, in place of an older."""
        secret = totp.new_secret(self.random_bytes)
        with self.engine.begin() as connection:
            enter(connection, user)
            second_factors.put_secret(
                connection, user.id, secret, self.factors_key(), self.random_bytes, self.now()
            )
            entry = Entry("accounts.begin_second_factor", user.actor, self.now(), origin)
            log.append(connection, replace(entry, request={"kind": "totp"}))
        issuer = f"Plateward {self.party.host}"
        return NewSecret(totp.as_typed(secret), totp.address(secret, user.login, issuer))

    def confirm_secret(
        self, user: User, code: str, origin: str, again: Again | None = None
    ) -> list[str]:
        """Have the new app count, by its first code; every session ends. Gives recovery codes.

        Raises:
            AccountError: if the code is not the one that the app shows.
            SignInRefusedError: if ``again`` is not right, and they have a second factor.
            TooManySignInsError: if too many failed from there before.
        """
        entry = self._adding(user, "totp", origin)

        def confirm(connection: Connection) -> list[str]:
            key = self.factors_key()
            if not second_factors.confirm_secret(connection, user.id, code, key, self.now()):
                raise AccountError(
                    "code: not the one that the app shows for the newest secret; look at the clock "
                    "of its device"
                )
            return self._enrolled(connection, user, entry)

        with attempt(self.engine, entry, AccountError):
            return self._once_shown(user, again, origin, confirm)

    def new_recovery_codes(self, user: User, origin: str, again: Again | None = None) -> list[str]:
        """New recovery codes in place of those that are left.

        Raises:
            SignInRefusedError: if ``again`` is not right.
            TooManySignInsError: if too many failed from there before.
        """
        entry = Entry("accounts.new_recovery_codes", user.actor, self.now(), origin)

        def renew(connection: Connection) -> list[str]:
            codes = recovery.new_codes()
            second_factors.put_recovery_codes(connection, user.id, codes)
            log.append(connection, replace(entry, count=len(codes)))
            return codes

        with attempt(self.engine, entry, AccountError):
            return self._once_shown(user, again, origin, renew)

    def new_passkey(self, user: User) -> str:
        """What the browser is asked to make a passkey of, as JSON."""
        challenge = self._challenge(Purpose.ENROL, user.id)
        with self.engine.begin() as connection:
            enter(connection, user)
            known = second_factors.credential_ids(connection, user.id)
        return passkeys.registration_options(
            self.party, user.login, user.name, user.id.bytes, challenge, known
        )

    def add_passkey(
        self, user: User, answer: str, name: str, origin: str, again: Again | None = None
    ) -> list[str]:
        """Keep the passkey that the browser made; every session ends. Gives recovery codes.

        Raises:
            AccountError: if the answer does not hold, or is to no challenge that is good.
            SignInRefusedError: if ``again`` is not right, and they have a second factor.
            TooManySignInsError: if too many failed from there before.
        """
        entry = self._adding(user, "passkey", origin)
        with attempt(self.engine, entry, AccountError):
            called = " ".join(name.split())
            if not called or len(called) > _MAX_NAME or not called.isprintable():
                raise AccountError(f"name: what the passkey is called, up to {_MAX_NAME} letters")
            challenge = passkeys.challenge_of(answer) or b""
            made = None
            if challenges.is_good(
                self.factors_key(), challenge, Purpose.ENROL, user.id, self.now()
            ):
                made = passkeys.verify_registration(answer, challenge, self.party)

            def keep(connection: Connection) -> list[str]:
                if made is None or not challenges.spend(connection, challenge, user.id, self.now()):
                    raise AccountError(
                        "passkey: the browser's answer does not hold, or took too long; begin anew "
                        f"at {self.party.origin}"
                    )
                second_factors.add_passkey(connection, user.id, made, called, self.now())
                return self._enrolled(connection, user, entry)

            return self._once_shown(user, again, origin, keep)

    def remove_passkey(
        self, user: User, passkey_id: int, origin: str, again: Again | None = None
    ) -> None:
        """Forget one of the person's passkeys, but not their last second factor.

        Raises:
            AccountError: if they have none of that id, or nothing else.
            SignInRefusedError: if ``again`` is not right.
            TooManySignInsError: if too many failed from there before.
        """
        request: dict[str, JSON] = {"kind": "passkey", "id": passkey_id}
        entry = Entry("accounts.remove_second_factor", user.actor, self.now(), origin, request)

        def remove(connection: Connection) -> None:
            if not second_factors.remove_passkey(connection, user.id, passkey_id):
                raise AccountError("passkey: you have none of that id")
            if not second_factors.enrolled(connection, user.id):
                raise AccountError("passkey: it is your only second factor; set up another first")
            log.append(connection, entry)

        with attempt(self.engine, entry, AccountError):
            self._once_shown(user, again, origin, remove)

    def sign_in_challenge(self) -> str:
        """What a browser is asked before a sign-in by passkey, as JSON; the same for everybody."""
        return passkeys.sign_in_options(self.party, self._challenge(Purpose.SIGN_IN, None))

    def _adding(self, user: User, kind: str, origin: str) -> Entry:
        request: dict[str, JSON] = {"kind": kind}
        return Entry("accounts.add_second_factor", user.actor, self.now(), origin, request)

    def _once_shown(
        self, user: User, again: Again | None, origin: str, then: Callable[[Connection], _T]
    ) -> _T:
        """Do ``then``, in the transaction that finds ``again`` right or nothing there to show.

        Failures count towards the account's lock as those of sign-ins do.
        """
        with self.engine.begin() as connection:
            enter(connection, user)
            if again is None or not second_factors.enrolled(connection, user.id):
                return then(connection)
        if not again.password:
            raise AccountError(
                "again: you have a second factor; give your password and a code, a recovery code "
                "or a passkey's answer with this"
            )
        return self._sign_in(
            user.login,
            again.password,
            origin,
            again.offered,
            lambda connection, _account, _matched: then(connection),
            before=Step.PASSWORD,
        )

    def _enrolled(self, connection: Connection, user: User, entry: Entry) -> list[str]:
        """End every session, and give recovery codes with the first factor."""
        sessions.end_all(connection, user.id)
        codes: list[str] = []
        if not second_factors.recovery_codes_left(connection, user.id):
            codes = recovery.new_codes()
            second_factors.put_recovery_codes(connection, user.id, codes)
        log.append(connection, entry)
        return codes
