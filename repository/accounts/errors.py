"""What the rooms of people refuse."""

from __future__ import annotations

from repository.errors import RepositoryError


class AccountError(RepositoryError):
    """An account that cannot be made or changed as asked."""


class NoSuchUserError(AccountError):
    """A login that nobody has, or nobody whom the person who acts may reach."""

    def __init__(self, login: str) -> None:
        super().__init__(f"login {login!r}: no such user; 'alpr-repository users list' shows them")


class PasswordRefusedError(AccountError):
    """A new password that breaks the rule; the text says how."""


class SignInRefusedError(AccountError):
    """A sign-in that failed; the text is the same whatever was wrong."""

    def __init__(self) -> None:
        super().__init__(
            "sign-in refused: login, password or code is wrong, or the account is closed, or your "
            "agency signs in by its own provider alone. Each code serves once: if you have used "
            "this one, wait for your app's next, half a minute at most. After some failures the "
            "account stays locked until an administrator releases it"
        )


class UnlockRefusedError(SignInRefusedError):
    """A session that was not unlocked; the text is the same whatever was wrong."""

    def __init__(self) -> None:
        AccountError.__init__(
            self,
            "unlocking refused: password or passkey is wrong, or the account is closed, or your "
            "agency signs in by its own provider alone. The session stays locked; after some "
            "failures the account does too, until an administrator releases it",
        )


class TooManySignInsError(AccountError):
    """Too many failed sign-ins came from one address; more are not looked at for now."""

    def __init__(self) -> None:
        super().__init__(
            "too many failed sign-ins from this address: try again in 15 minutes, or from another"
        )


class SessionEndedError(AccountError):
    """A token that opens nothing, or no longer."""

    def __init__(self) -> None:
        super().__init__("the session has ended: sign in again")


class SessionLockedError(AccountError):
    """A session that was locked, or left unused; password or passkey opens it again."""

    def __init__(self) -> None:
        super().__init__(
            "the session is locked: open it again with your password by 'alpr-repository sessions "
            "unlock', or with the password or a passkey at /api/v1/sessions/unlock, or sign in"
        )


class NotYetOpenError(AccountError):
    """Something stands between the person and what they asked for; the text says what to do."""


class PasswordChangeRequiredError(NotYetOpenError):
    """A one-time password was not replaced yet."""

    def __init__(self) -> None:
        super().__init__(
            "the one-time password must be changed before anything else: "
            "with 'alpr-repository users passwd', or at /api/v1/password"
        )


class AcknowledgementRequiredError(NotYetOpenError):
    """The terms are not acknowledged, or too long ago, or were others."""

    def __init__(self) -> None:
        super().__init__(
            "the acknowledgement of the terms must be signed first: with "
            "'alpr-repository users acknowledge', or at /api/v1/acknowledgement"
        )


class SecondFactorRequiredError(NotYetOpenError):
    """There is no second factor yet."""

    def __init__(self) -> None:
        super().__init__(
            "a second factor must be set up first: with 'alpr-repository users enrol', or at "
            "/api/v1/second-factors"
        )


class BulletinsUnreadError(NotYetOpenError):
    """Bulletins wait to be read."""

    def __init__(self) -> None:
        super().__init__(
            "bulletins must be read and acknowledged first: with "
            "'alpr-repository bulletins read', or at /api/v1/bulletins"
        )


class NotAllowedError(AccountError):
    """A person whose roles do not let them do what they asked for."""


class TooManyLoginRequestsError(AccountError):
    """Too many requests for a login came from one address; more are not taken for now."""

    def __init__(self) -> None:
        super().__init__("too many requests from this address: try again in 15 minutes")
