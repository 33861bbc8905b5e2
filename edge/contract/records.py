"""The records that a unit makes: one tagged union, one version.

Invariants of the format, version 1:

- A record on the wire is its RFC 8785 canonical JSON and nothing else. Bytes that decode to a
  record but are not its canonical form are refused, so a record has exactly one digest.
- ``id`` is a UUIDv7 (RFC 9562, section 5.7) whose milliseconds equal those of ``captured_at``.
- ``seq`` is the unit's gapless sequence, from 1, over records of every type.
- ``salt`` is 16 random bytes: without it the digest says nothing about a plate.
- Times are UTC with microseconds, places WGS 84 degrees, speeds m/s, headings degrees from true
  north, probabilities 0 to 1.
- Unknown fields are refused, and so is a version other than 1.
- What version 1 learnt after its first release may be absent, and is then UNSET; it is never null.

None of the types here can hold a cycle, so the garbage collector need not look for one in them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from edge.contract.canonical import canonical, is_canonical
from edge.contract.decoding import decode
from edge.contract.errors import ContractError

VERSION: Literal[1] = 1
MAX_RECORD_BYTES = 64 * 1024
MAX_LABEL = 128
MAX_REASON = 1000
MAX_MATCHES = 100
"""Matches of one read with entries of hot lists."""
MAX_MATCH_NOTE = 500
"""Characters of what an entry tells the officer."""

# A look-ahead ends each pattern because '$' alone would let a trailing line break through.
_END = r"(?![\s\S])"
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}" + _END)]
Plate = Annotated[str, Meta(pattern=r"^[A-Z0-9]{1,12}" + _END)]
ListedPlate = Annotated[str, Meta(pattern=r"^[A-Z0-9?*]{1,12}" + _END)]
"""A plate as a hot list has it: '?' stands for one character, '*' for any number of them."""

StateCode = Annotated[str, Meta(pattern=r"^[A-Z]{2}" + _END)]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}" + _END)]
Salt = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}" + _END)]
Probability = Annotated[float, Meta(ge=0, le=1)]
Sequence = Annotated[int, Meta(ge=1, le=2**53 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Label = Annotated[str, Meta(min_length=1, max_length=MAX_LABEL)]
Note = Annotated[str, Meta(max_length=1000)]
UtcTime = Annotated[datetime, Meta(tz=True)]
if TYPE_CHECKING:
    PlateCharacter: TypeAlias = str
else:  # a closed set is checked ten times as fast as a pattern, and a read has twenty of them
    PlateCharacter = Literal[tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")]
Component = Literal["camera", "gps", "clock", "disk", "model", "hotlist", "link", "other"]
HotlistKind = Literal[
    "stolen_vehicle",
    "stolen_plate",
    "wanted_person",
    "missing_person",
    "amber_alert",
    "missing_child",
    "missing_college_student",
    "bolo",
    "atl",
    "suspended_registration",
    "revoked_licence",
    "expired_registration",
    "other",
]


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A value inside a record."""


class Clock(Part, frozen=True, kw_only=True):
    """What set the unit's clock when the record was made, and how far off it may be.

    ``unset`` says that the unit has had no trustworthy time since it started.
    """

    source: Literal["gps", "ntp", "system", "unset"]
    error_ms: Annotated[float, Meta(ge=0)] | None


class Alternative(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False
):
    """One reading of one character: ``["B", 0.91]`` on the wire."""

    char: PlateCharacter
    probability: Probability


class Character(Part, frozen=True, kw_only=True):
    """One character of a plate with everything the reader thought it could be, best first."""

    alternatives: Annotated[tuple[Alternative, ...], Meta(min_length=1, max_length=36)]


class StateAlternative(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False
):
    """One reading of the state of issuance: ``["MA", 0.8]`` on the wire."""

    code: StateCode
    probability: Probability


class StateOfIssuance(Part, frozen=True, kw_only=True):
    """The state on the plate; ``code`` is null where the reader could not tell."""

    code: StateCode | None
    confidence: Probability
    alternatives: Annotated[tuple[StateAlternative, ...], Meta(max_length=60)]


class GpsFix(Part, frozen=True, kw_only=True, tag_field="kind", tag="gps"):
    """A satellite fix, or a place between two; ``age_ms`` is to the nearest at the capture.

    ``uncertainty_m`` is the radius in metres that holds the unit with 95% probability.
    """

    latitude_deg: Annotated[float, Meta(ge=-90, le=90)]
    longitude_deg: Annotated[float, Meta(ge=-180, le=180)]
    speed_mps: Annotated[float, Meta(ge=0)] | None
    heading_deg: Annotated[float, Meta(ge=0, lt=360)] | None
    quality: Label
    satellites: Annotated[int, Meta(ge=0, le=255)] | None
    hdop: Annotated[float, Meta(ge=0)] | None
    age_ms: Count
    uncertainty_m: Annotated[float, Meta(ge=0)] | UnsetType = UNSET


class FixedSite(Part, frozen=True, kw_only=True, tag_field="kind", tag="site"):
    """A surveyed place that does not move."""

    site: Label
    latitude_deg: Annotated[float, Meta(ge=-90, le=90)]
    longitude_deg: Annotated[float, Meta(ge=-180, le=180)]
    accuracy_m: Annotated[float, Meta(ge=0)] | None


class NoPosition(Part, frozen=True, kw_only=True, tag_field="kind", tag="none"):
    """The unit did not know where it was, and why."""

    reason: Literal["no_receiver", "no_fix", "stale"]


Position: TypeAlias = GpsFix | FixedSite | NoPosition


class Box(Part, frozen=True, kw_only=True):
    """A rectangle in pixels; x and y are its upper left corner."""

    x: int
    y: int
    w: Annotated[int, Meta(ge=1)]
    h: Annotated[int, Meta(ge=1)]


class Picture(Part, frozen=True, kw_only=True):
    """A picture that belongs to a read; its bytes travel apart, named by their SHA-256.

    ``box`` is the plate's place in a scene picture. ``taken_at`` is the moment of its frame, where
    that is not the record's ``captured_at``.
    """

    kind: Literal["plate", "scene"]
    sha256: Sha256
    size_bytes: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    width_px: Annotated[int, Meta(ge=1)]
    height_px: Annotated[int, Meta(ge=1)]
    box: Box | None
    taken_at: UtcTime | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse a time that is not UTC."""
        if self.taken_at is not UNSET:
            require_utc("taken_at", self.taken_at)


class ModelDigest(Part, frozen=True, kw_only=True):
    """A model that took part in a read, by name and digest of its file."""

    name: Label
    sha256: Sha256


class Engine(Part, frozen=True, kw_only=True):
    """The software and models that made a read."""

    software: Label
    models: tuple[ModelDigest, ...]


class Substitution(Part, frozen=True, kw_only=True):
    """A character read as one thing and listed as another that it may be taken for.

    The two are of one group of confusable characters, or the reader itself named the listed one
    among its alternatives. ``index`` is the place in the plate read.
    """

    index: Count
    read: PlateCharacter
    listed: PlateCharacter


class HotlistMatch(Part, frozen=True, kw_only=True):
    """A hot-list entry that a read matched, how, and how fresh the list was.

    ``probability`` is the reader's own probability that the listed plate is what it saw, and
    ``list_source`` where the unit had the list from, such as "repository" or "usb". ``note`` is
    what the entry tells the officer, where it tells anything.
    """

    list_name: Name
    list_version: Label
    list_issued_at: UtcTime
    list_stale: bool
    entry: Label
    kind: HotlistKind
    priority: Annotated[int, Meta(ge=1, le=5)]
    plate: ListedPlate
    state: StateCode | None
    how: Literal["exact", "confusable", "wildcard"]
    substitutions: tuple[Substitution, ...]
    state_agreement: Literal["equal", "different", "unknown"]
    probability: Probability
    list_source: Label | UnsetType = UNSET
    note: Annotated[str, Meta(min_length=1, max_length=MAX_MATCH_NOTE)] | UnsetType = UNSET


class Record(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    gc=False,
):
    """What every record of a unit says."""

    v: Literal[1] = VERSION
    id: UUID
    agency: Name
    unit: Name
    seq: Sequence
    salt: Salt
    captured_at: UtcTime
    clock: Clock

    def __post_init__(self) -> None:
        """Refuse an id that does not carry the moment of capture, and times that are not UTC."""
        require_utc("captured_at", self.captured_at)
        number = self.id.int
        if (number >> 76 & 0xF, number >> 62 & 0x3) != (7, 2):
            raise ContractError("id: not a UUIDv7")
        if number >> 80 != _milliseconds(self.captured_at):
            raise ContractError("id: its milliseconds differ from captured_at")


class Read(Record, frozen=True, kw_only=True, tag="read"):
    """One pass of one plate before one camera.

    ``captured_at`` is when the plate was seen best; for a pass that rang before it ended, when it
    rang. Holds the minimum data set: plate, date and time, place or fixed site, agency, unit,
    camera.
    """

    camera: Name
    plate: Plate
    characters: tuple[Character, ...]
    confidence: Probability
    state: StateOfIssuance
    position: Position
    hits: Annotated[tuple[HotlistMatch, ...], Meta(max_length=MAX_MATCHES)]
    pictures: Annotated[tuple[Picture, ...], Meta(max_length=8)]
    engine: Engine
    frames: Annotated[int, Meta(ge=1)]
    first_seen: UtcTime
    last_seen: UtcTime

    def __post_init__(self) -> None:
        """Refuse characters that do not spell the plate, and a pass that ends before it begins."""
        super().__post_init__()
        require_utc("first_seen", self.first_seen)
        require_utc("last_seen", self.last_seen)
        if self.last_seen < self.first_seen:
            raise ContractError("last_seen: before first_seen")
        # The best is the plate's own nearly always.
        if self.plate != "".join([read.alternatives[0].char for read in self.characters]):
            _require_spelling(self.plate, self.characters)


class Hit(Record, frozen=True, kw_only=True, tag="hit"):
    """A read that matched a hot list. ``rang`` says whether the officer was alerted live."""

    read: UUID
    camera: Name
    plate: Plate
    state: StateOfIssuance
    position: Position
    match: HotlistMatch
    rang: bool


class Verification(Record, frozen=True, kw_only=True, tag="verification"):
    """What the officer checked by eye and by a status query before acting on a hit."""

    hit: UUID
    officer: Label
    characters_match: bool
    state_matches: bool
    status_source: Literal["cjis", "ncic", "rms", "other", "not_checked"]
    status_checked_at: UtcTime | None
    status_answer: Literal["active", "not_active", "unavailable"] | None
    note: Note

    def __post_init__(self) -> None:
        """Refuse a status answer without the source and time it came from, and the reverse."""
        super().__post_init__()
        if self.status_checked_at is not None:
            require_utc("status_checked_at", self.status_checked_at)
        answered = self.status_answer is not None and self.status_checked_at is not None
        silent = self.status_answer is None and self.status_checked_at is None
        if self.status_source == "not_checked" and not silent:
            raise ContractError("status_source: 'not_checked' beside an answer or a time")
        if self.status_source != "not_checked" and not answered:
            raise ContractError("status_answer: a checked status needs its answer and its time")


class Disposition(Record, frozen=True, kw_only=True, tag="disposition"):
    """What came of a hit."""

    hit: UUID
    officer: Label
    outcome: Literal[
        "arrest", "citation", "warning", "recovered", "no_action", "misread", "not_current", "other"
    ]
    case_number: Label | None
    note: Note


class ListInUse(Part, frozen=True, kw_only=True):
    """A hot list that the unit had loaded."""

    name: Name
    version: Label
    issued_at: UtcTime
    entries: Count
    stale: bool


class CameraCheck(Part, frozen=True, kw_only=True):
    """An officer's check of one camera's aim on a live picture."""

    camera: Name
    aim_correct: bool
    picture: Sha256 | None


class ShiftCheck(Record, frozen=True, kw_only=True, tag="shift_check"):
    """The start or end of a shift: lists loaded, cameras aimed, equipment secured."""

    officer: Label
    moment: Literal["start", "end"]
    hotlists: tuple[ListInUse, ...]
    cameras: tuple[CameraCheck, ...]
    secured: bool | None


class ManualEntry(Record, frozen=True, kw_only=True, tag="manual_entry"):
    """A plate entered, changed or ended by hand on the unit's own list."""

    officer: Label
    action: Literal["enter", "update", "end"]
    entry: Label
    plate: Plate
    state: StateCode | None
    kind: HotlistKind
    reason: Annotated[str, Meta(min_length=1, max_length=MAX_REASON)]
    authorized_by: Label
    checked_by: Label | None
    expires: UtcTime | None

    def __post_init__(self) -> None:
        """Refuse an entry that its own author checked."""
        super().__post_init__()
        if self.expires is not None:
            require_utc("expires", self.expires)
        if self.checked_by is not None and self.checked_by == self.officer:
            raise ContractError("checked_by: must be a second person")


class Malfunction(Record, frozen=True, kw_only=True, tag="malfunction"):
    """Something that does not work, reported by a person or by the unit itself."""

    component: Component
    camera: Name | None
    description: Annotated[str, Meta(min_length=1, max_length=1000)]
    reported_by: Label


AnyRecord: TypeAlias = (
    Read | Hit | Verification | Disposition | ShiftCheck | ManualEntry | Malfunction
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_decoder: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


def encode_record(record: AnyRecord) -> bytes:
    """The record's RFC 8785 canonical JSON, which is what travels and what is signed.

    Raises:
        ContractError: if a value has no canonical form or breaks the format's limits.
    """
    encoded = canonical(record)
    decode(encoded, _decoder, "record", MAX_RECORD_BYTES)
    return encoded


def decode_record(data: bytes) -> AnyRecord:
    """The record that these bytes hold.

    Raises:
        ContractError: if they are not the canonical form of a valid record; the text names the
            field where one can be named.
    """
    record = decode(data, _decoder, "record", MAX_RECORD_BYTES)
    if not is_canonical(data, record):
        raise ContractError("record: not in RFC 8785 canonical form")
    return record


def record_digest(data: bytes) -> bytes:
    """SHA-256 of a record's canonical bytes: the leaf of its batch's tree, 32 bytes."""
    return hashlib.sha256(data).digest()


def mint_id(captured_at: datetime, random_bytes: Callable[[int], bytes]) -> UUID:
    """A UUIDv7 for that moment (RFC 9562, section 5.7): 48 bits of milliseconds, 74 random."""
    value = _milliseconds(captured_at) << 80 | int.from_bytes(random_bytes(10), "big")
    value = value & ~(0xF << 76) | 7 << 76
    return UUID(int=value & ~(0x3 << 62) | 0x2 << 62)


def require_utc(field: str, moment: datetime) -> None:
    """Refuse a time that is not UTC.

    Raises:
        ContractError: with the field's name.
    """
    if moment.tzinfo is not UTC and moment.utcoffset() != timedelta(0):
        raise ContractError(f"{field}: not in UTC")


def _require_spelling(plate: str, characters: tuple[Character, ...]) -> None:
    if len(characters) != len(plate):
        raise ContractError("characters: their number differs from the plate's length")
    for index, (char, read) in enumerate(zip(plate, characters, strict=True)):
        if all(alternative.char != char for alternative in read.alternatives):
            raise ContractError(
                f"characters[{index}]: the plate's own character is not among the alternatives"
            )


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND
