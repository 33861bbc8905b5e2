"""An HTTPS endpoint as a witness, as C2SP ``tlog-witness`` has it.

``POST URL/add-checkpoint`` with ``old SIZE``, the consistency proof in base64, a hash a line, a
blank line and the note. The answers: 200, with the witness's own signature lines; 409, with the
size that it stands at; 422, where the proof does not lead from its past to the note.
"""

from __future__ import annotations

import base64
import http.client
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from repository.ledger.witness import ForkError, Step, WitnessError

_WITHIN_S = 10.0
_MAX_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class EndpointForCheckpoints:
    """It shows nothing; what it stands at comes out of its refusals."""

    name: str
    url: str
    ca: Path | None = None
    token_file: Path | None = None
    shows: bool = False

    @property
    def where(self) -> str:
        """Its address."""
        return self.url

    def newest(self) -> None:
        """It does not say."""
        return

    def give(self, step: Step) -> str | None:
        """Send the note with its proof; from where the witness stands, if not where we thought."""
        status, answer = self._post(step, step.old_size, step.path)
        if status == http.client.CONFLICT:
            stands = _size(answer)
            if stands is None:
                raise WitnessError(f"{self.url}: answered 409 without the size it stands at")
            if stands > step.newest:
                raise ForkError(
                    f"it has {stands} entries, the ledger's newest checkpoint {step.newest}: the "
                    "ledger was cut or rolled back"
                )
            if stands > step.size:
                return None  # it has a later one, which those to come are proven against
            if stands == step.old_size:
                raise ForkError(f"it knows another root at {stands} entries")
            status, answer = self._post(step, stands, step.path_from(stands) if stands else ())
        if status == http.client.OK:
            return answer
        if status == http.client.UNPROCESSABLE_ENTITY:
            raise ForkError("it finds that this checkpoint did not grow from what it has")
        if status == http.client.CONFLICT:
            raise ForkError("it knows another root at this size, or has moved on meanwhile")
        raise WitnessError(f"{self.url}: answered {status}; does it know this ledger's key?")

    def _post(self, step: Step, old_size: int, path: Sequence[bytes]) -> tuple[int, str]:
        hashes = [base64.b64encode(each).decode() for each in path]
        body = "".join(f"{line}\n" for line in [f"old {old_size}", *hashes, ""]) + step.note
        address = urlsplit(self.url)
        try:
            headers = {"Content-Type": "text/plain; charset=utf-8", **self._authorization()}
            context = ssl.create_default_context(cafile=self.ca)
            connection = http.client.HTTPSConnection(
                address.hostname or "", address.port, timeout=_WITHIN_S, context=context
            )
            try:
                place = f"{address.path.rstrip('/')}/add-checkpoint"
                connection.request("POST", place, body.encode(), headers)
                answer = connection.getresponse()
                return answer.status, answer.read(_MAX_ANSWER_BYTES).decode("utf-8", "replace")
            finally:
                connection.close()
        except (OSError, http.client.HTTPException) as error:
            raise WitnessError(f"{self.url}: {error or type(error).__name__}") from error

    def _authorization(self) -> dict[str, str]:
        if self.token_file is None:
            return {}
        return {"Authorization": f"Bearer {self.token_file.read_text('utf-8').strip()}"}


def _size(answer: str) -> int | None:
    text = answer.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None
