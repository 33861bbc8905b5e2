"""An identity provider as an agency might run: Authlib's OpenID Connect server, over Flask.

Authlib checks clients, redirects, codes, PKCE and nonces, and makes the tokens; here are the people
and the form on which they sign in. Run with JSON as its only argument; it says "ready" on a line
once it listens.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from dataclasses import dataclass
from typing import Any

import flask
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9207 import IssuerParameter
from authlib.oidc.core import AuthorizationCodeMixin, OpenIDCode, UserInfo
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor import InvalidToken
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from joserfc import jwk
from werkzeug.serving import WSGIRequestHandler, make_server

ASKED = json.loads(sys.argv[1])
ISSUER = f"http://127.0.0.1:{ASKED['port']}"
KEY = jwk.generate_key("RSA", 2048, {"kid": "first", "use": "sig", "alg": "RS256"}, auto_kid=False)
FORM = (
    '<form method="post"><input name="login"><input name="password" type="password">'
    '<input name="otp"></form>'
)


@dataclass(frozen=True)
class Person:
    """Who signs in here."""

    login: str

    def get_user_id(self) -> str:
        return self.login


@dataclass(frozen=True)
class Client(ClientMixin):
    """Who may ask for people, each with the secret and the address given."""

    name: str

    def get_client_id(self) -> str:
        return self.name

    def get_default_redirect_uri(self) -> str:
        return str(ASKED["redirect_uri"])

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(each for each in scope.split() if each in {"openid", "profile"})

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return bool(redirect_uri == ASKED["redirect_uri"])

    def check_client_secret(self, client_secret: str) -> bool:
        return bool(client_secret == ASKED["client_secret"])

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass(frozen=True)
class Code(AuthorizationCodeMixin):
    """A code that was given out and has not come back."""

    client: str
    person: Person
    redirect_uri: str
    scope: str
    data: dict[str, str]

    @property
    def code_challenge(self) -> str | None:
        return self.data.get("code_challenge")

    @property
    def code_challenge_method(self) -> str | None:
        return self.data.get("code_challenge_method")

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.data.get("nonce")

    def get_auth_time(self) -> int:
        return int(time.time())

    def get_amr(self) -> list[str]:
        return ["pwd", "otp", "mfa"]


CODES: dict[str, Code] = {}


class CodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    """Codes in memory."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

    def save_authorization_code(self, code: str, request: Any) -> None:
        payload = request.payload
        CODES[code] = Code(
            request.client.name, request.user, payload.redirect_uri, payload.scope, payload.data
        )

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        found = CODES.get(code)
        return found if found is not None and found.client == client.name else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        for code in [code for code, each in CODES.items() if each is authorization_code]:
            del CODES[code]

    def authenticate_user(self, authorization_code: Code) -> Person:
        return authorization_code.person


class IdTokens(OpenIDCode):  # type: ignore[misc]
    """ID tokens under the one key."""

    def exists_nonce(self, nonce: str, _request: Any) -> bool:
        return any(each.get_nonce() == nonce for each in CODES.values())

    def resolve_client_private_key(self, _client: Client) -> Any:
        return KEY

    def get_client_algorithm(self, _client: Client) -> str:
        return "RS256"

    def get_encode_header(self, _client: Client) -> dict[str, str]:
        return {"alg": "RS256", "kid": "first"}

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        return {"iss": ISSUER, "aud": [client.name]}

    def generate_user_info(self, user: Person, _scope: str) -> UserInfo:
        subject, name = ASKED["told_of"][user.login]
        return UserInfo(sub=subject, preferred_username=name)


class Named(IssuerParameter):  # type: ignore[misc]
    """The provider's name beside every code."""

    def get_issuer(self) -> str:
        return ISSUER


def make_app() -> flask.Flask:
    """The provider."""
    app = flask.Flask(__name__)
    clients = {name: Client(name) for name in ASKED["clients"]}
    server = AuthorizationServer(app, clients.get, lambda _token, _request: None)
    server.register_grant(CodeGrant, [IdTokens(require_nonce=True), CodeChallenge(required=True)])
    server.register_extension(Named())

    @app.get("/.well-known/openid-configuration")
    def discovery() -> dict[str, Any]:
        return {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "authorization_response_iss_parameter_supported": True,
        }

    @app.get("/keys")
    def keys() -> dict[str, Any]:
        return {"keys": [KEY.as_dict(private=False)]}

    @app.route("/authorize", methods=["GET", "POST"])
    def authorize() -> Any:
        person = signed_in(flask.request.form) if flask.request.method == "POST" else None
        grant = server.get_consent_grant(end_user=person)
        if person is None:
            return FORM
        return server.create_authorization_response(grant_user=person, grant=grant)

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    return app


def signed_in(typed: Any) -> Person | None:
    """Who typed their password and their app's code."""
    known = ASKED["people"].get(typed.get("login"))
    if known is None or typed.get("password") != known["password"]:
        return None
    app = TOTP(base64.b32decode(known["secret"]), 6, SHA1(), 30)  # noqa: S303
    try:
        app.verify(typed["otp"].encode(), int(time.time()))
    except InvalidToken:
        return None
    return Person(typed["login"])


class Quiet(WSGIRequestHandler):
    """Says nothing of requests."""

    def log_request(self, *_: object) -> None:
        return


if __name__ == "__main__":
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # loopback
    listening = make_server(
        "127.0.0.1", ASKED["port"], make_app(), threaded=True, request_handler=Quiet
    )
    print("ready", flush=True)  # noqa: T201
    listening.serve_forever()
