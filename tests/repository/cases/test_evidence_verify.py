"""A package is checked with public keys alone, and a changed byte anywhere is found."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
import rfc8785
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore.errors import VerificationError
from sqlalchemy import insert

from edge.contract import merkle
from edge.contract.batch import seal_batch
from edge.contract.records import Read
from repository.accounts.service import Accounts
from repository.cases.evidence import archive
from repository.cases.evidence.archive import ArchiveError
from repository.cases.evidence.check_ledger import Held
from repository.cases.evidence.verify import Given, Verdict, Wrong, verify
from repository.cli import main
from repository.ledger import checkpoints
from repository.ledger.checkpoints import Checkpoint
from repository.ledger.service import Ledger
from repository.ledger.signing import Signer
from repository.store.engine import open_engine
from repository.store.tables.fleet import agencies
from tests.repository.cases.evidence_site import EvidenceSite, jpeg
from tests.repository.people import CHEAP, FACTORS_KEY, LEDGER_KEY, LEDGER_ORIGIN, Clock, hire

OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(reversed(range(32))))


@dataclass(frozen=True, repr=False)
class Sealed:
    """A package, what it was made of, and a checkpoint that a witness has seen since."""

    content: bytes
    read: Read
    unit_key: Ed25519PrivateKey
    ledger: Ledger

    def __repr__(self) -> str:
        return f"a package of {len(self.content)} bytes"

    @property
    def files(self) -> dict[str, bytes]:
        return {name: piece.content for name, piece in archive.read(self.content).items()}

    def changed(self, **changes: bytes | None) -> Verdict:
        """The verdict on the package with files changed or dropped, its zip made anew."""
        files = self.files
        for name, content in changes.items():
            if content is None:
                del files[name]
            else:
                files[name] = content
        return verify(archive.write(files), self.given)

    @property
    def given(self) -> Given:
        return Given(self.ledger.verifier_key(), [self.unit_key.public_key()])


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[Sealed]:
    folder = tmp_path_factory.mktemp("evidence")
    shutil.copy(migrated_sqlite, folder / "repository.sqlite")
    engine = open_engine(f"sqlite:///{folder / 'repository.sqlite'}")
    clock = Clock()
    row = {"id": 1, "name": "salem-pd", "title": "Salem Police", "ori": "MA0051600"}
    with engine.begin() as connection:
        connection.execute(insert(agencies).values(**row, created_at=clock()))
    user = hire(Accounts(engine, clock, FACTORS_KEY, CHEAP), "jdoe")
    site = EvidenceSite(engine, clock, user, folder)
    read = site.take(jpeg(90), jpeg(120))
    site.search()
    site.hold(read.id)
    made = site.make(read)
    yield Sealed(made.content, read, site.unit.key, site.ledger)
    engine.dispose()


def wrong(verdict: Verdict) -> Wrong:
    assert verdict.checked is None
    assert verdict.wrong is not None
    return verdict.wrong


@settings(max_examples=120, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_changed_bit_is_found_and_placed(sealed: Sealed, place: float, bit: int) -> None:
    at = int(place * len(sealed.content))
    changed = bytearray(sealed.content)
    changed[at] ^= 1 << bit
    found = wrong(verify(bytes(changed), sealed.given))
    # At the place itself; a name that was changed shows where the directory has the right one.
    says_where = ("the head of", "the zip's directory does not fit its files")
    assert found.start <= at < found.end or found.problem.startswith(says_where)


def test_every_byte_of_the_small_files_counts(sealed: Sealed) -> None:
    """With a checksum that fits the change, so that the contents themselves are looked at."""
    for name, content in sealed.files.items():
        if name == "report.pdf" or "/pictures/" in name:
            places = [0, len(content) // 2, len(content) - 1]
        else:
            places = sorted({*range(0, len(content), 101), len(content) - 1})
        for at in places:
            changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
            assert wrong(sealed.changed(**{name: changed})).file is not None, (name, at)
        for changed in (content + b"\n", content + b" ", content[:-1], b""):
            assert wrong(sealed.changed(**{name: changed})).file is not None, name
        found = wrong(sealed.changed(**{name: None}))
        assert found.file is not None, name


def test_files_cannot_be_added_swapped_or_renamed(sealed: Sealed) -> None:
    files = sealed.files
    at = f"reads/{sealed.read.id}"
    first, second = sorted(name for name in files if "/pictures/" in name)
    swapped = {first: files[second], second: files[first]}
    assert wrong(sealed.changed(**swapped)).file in swapped
    found = wrong(sealed.changed(**{f"{at}/note.txt": b"He did it."}))
    assert (found.file, found.problem) == (f"{at}/note.txt", "is not in the manifest")
    assert wrong(sealed.changed(**{"ledger/more.txt": b"x"})).file == "ledger/more.txt"
    renamed = {f"{at}/records.json": files[f"{at}/record.json"], f"{at}/record.json": None}
    assert wrong(sealed.changed(**renamed)).file is not None


def test_the_zip_itself_cannot_hide_anything(sealed: Sealed) -> None:
    content = sealed.content
    directory = content.rindex(b"PK\x01\x02")
    for changed, said in (
        (b"", "does not begin"),
        (b"no zip", "does not begin"),
        (b"#!" + content, "does not begin"),
        (content + b"more", "behind the end"),
        (content[:-1], ""),
        (content[: len(content) // 2], ""),
        (content[:directory] + content[directory + 4 :], "directory"),
    ):
        assert said in wrong(verify(changed, sealed.given)).problem


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "a\\b", "a/../b", "", ".hidden", "a" * 101, "ä"]
)
def test_a_name_that_leads_elsewhere_is_refused(sealed: Sealed, name: str) -> None:
    with pytest.raises(ArchiveError, match="name"):
        archive.write({name: b""})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for each, content in sealed.files.items():
            zipped.writestr(each, content)
        zipped.writestr(name or "x", b"")
    assert wrong(verify(out.getvalue(), sealed.given))
    for hostile in (name.encode() or b"\xff", b"\xff.txt"):
        assert "a name that" in wrong(verify(_local(hostile), sealed.given)).problem


def test_what_grows_and_what_lies_about_its_size_is_refused(sealed: Sealed) -> None:
    """A package is never unpacked: what is compressed, encrypted, or there twice is none."""
    bomb, twice = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("README.txt", bytes(50_000_000))
    assert wrong(verify(bomb.getvalue(), sealed.given))
    with zipfile.ZipFile(twice, "w") as zipped:
        zipped.writestr("README.txt", b"one")
        with pytest.warns(UserWarning, match="Duplicate"):
            zipped.writestr("README.txt", b"two")
    assert wrong(verify(twice.getvalue(), sealed.given))
    one = archive.write({"README.txt": b"one"})
    local = one[: one.index(b"PK\x01\x02")]
    assert "twice" in wrong(verify(local + local, sealed.given)).problem
    huge = bytearray(sealed.content)
    struct.pack_into("<I", huge, 18, 0xFFFFFFFF)
    struct.pack_into("<I", huge, 22, 0xFFFFFFFF)
    assert "cut off" in wrong(verify(bytes(huge), sealed.given)).problem
    with pytest.raises(ArchiveError, match="too many"):
        archive.write({f"f{number}": b"" for number in range(archive.MAX_FILES + 1)})
    many = b"".join(_local(f"f{number}".encode()) for number in range(archive.MAX_FILES + 1))
    assert "more than" in wrong(verify(many, sealed.given)).problem


def _local(name: bytes) -> bytes:
    head = (b"PK\x03\x04", 20, 0, 0, 0, 0x21, zlib.crc32(b""), 0, 0, len(name), 0)
    return struct.pack("<4sHHHHHIIIHH", *head) + name


def _again(sealed: Sealed, change: Callable[[dict[str, bytes]], None]) -> dict[str, bytes]:
    """The package as the repository itself could have made it: manifest, entry, ledger anew."""
    files = sealed.files
    change(files)
    listed = [
        {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in sorted(files.items())
        if name != "manifest.json" and not name.startswith("ledger/")
    ]
    files["manifest.json"] = rfc8785.dumps({"v": 1, "files": listed})
    digest = hashlib.sha256(files["manifest.json"]).hexdigest()
    proofs = json.loads(files["ledger/proofs.json"])
    leaves = [hashlib.sha256(bytes([number])).digest() for number in range(64)]
    for proven in proofs["entries"]:
        body = json.loads(proven["body"])
        if proven["index"] == proofs["making"]:
            body["result_digest"] = digest
        proven["body"] = rfc8785.dumps(body).decode()
        leaves[proven["index"]] = hashlib.sha256(proven["body"].encode()).digest()
    hashes = [merkle.leaf_hash(leaf) for leaf in leaves]
    for proven in proofs["entries"]:
        path = merkle.inclusion_proof(hashes, proven["index"])
        proven["path"] = [each.hex() for each in path]
    files["ledger/proofs.json"] = rfc8785.dumps(proofs)
    signed = Checkpoint(LEDGER_ORIGIN, 64, merkle.root(hashes))
    files["ledger/checkpoint.txt"] = checkpoints.sign(signed, LEDGER_KEY).encode()
    return files


def _edit(files: dict[str, bytes], name: str, **changes: object) -> None:
    files[name] = rfc8785.dumps(json.loads(files[name]) | changes)


def _resign(files: dict[str, bytes], at: str, sealed: Sealed, key: Ed25519PrivateKey) -> None:
    """Another record of the read, signed with that key."""
    told = json.loads(files[f"{at}/record.json"])
    record = rfc8785.dumps(told | {"salt": "0" * 32})
    batch = seal_batch(
        agency="salem-pd",
        unit="car-7",
        first_seq=sealed.read.seq,
        previous_root="0" * 64,
        records=[record],
        private_key=key,
    )
    files[f"{at}/record.json"] = record
    _edit(
        files, f"{at}/batch.json", key=batch.key, first_seq=batch.first_seq, count=1,
        previous_root=batch.previous_root, root=batch.root, signature=batch.signature, path=[],
    )  # fmt: skip


def test_what_the_repository_itself_packs_untrue_is_found(sealed: Sealed) -> None:
    """With the ledger's own key in hand, the unit's signature and the entries still tell."""
    at = f"reads/{sealed.read.id}"
    raw = OTHER_KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def record(files: dict[str, bytes]) -> None:
        _edit(files, f"{at}/record.json", plate="1ABC29")

    def custody(change: Callable[[list[dict[str, object]]], None]) -> Callable[..., None]:
        def changed(files: dict[str, bytes]) -> None:
            steps = json.loads(files[f"{at}/custody.json"])["steps"]
            change(steps)
            _edit(files, f"{at}/custody.json", steps=steps)

        return changed

    def other_key(files: dict[str, bytes]) -> None:
        _resign(files, at, sealed, OTHER_KEY)
        _edit(files, f"{at}/unit.json", public_key=raw)

    cases: dict[str, tuple[Callable[[dict[str, bytes]], None], str]] = {
        "nothing changed": (lambda files: None, ""),
        "another plate": (record, f"{at}/record.json"),
        "a key that is not the unit's": (other_key, f"{at}/unit.json"),
        "a path that leads nowhere": (
            lambda files: _edit(files, f"{at}/batch.json", path=[]),
            f"{at}/batch.json",
        ),
        "a signature that is none": (
            lambda files: _edit(files, f"{at}/batch.json", signature="0" * 128),
            f"{at}/batch.json",
        ),
        "another batch": (
            lambda files: _edit(files, f"{at}/batch.json", first_seq=2),
            f"{at}/batch.json",
        ),
        "another unit": (
            lambda files: _edit(files, f"{at}/unit.json", unit="car-8"),
            f"{at}/batch.json",
        ),
        "a step left out": (custody(lambda steps: steps.pop()), f"{at}/custody.json"),
        "a step of somebody else": (
            custody(lambda steps: steps[-2].update(who="Nobody")),
            f"{at}/custody.json",
        ),
        "a step without its entry": (
            custody(lambda steps: steps[-2].update(ledger_entry=None)),
            f"{at}/custody.json",
        ),
        "another case": (
            lambda files: _edit(files, "package.json", case_number="24-1"),
            "package.json",
        ),
        "another maker": (
            lambda files: _edit(files, "package.json", made_by="Nobody"),
            "package.json",
        ),
        "a picture called missing": (
            lambda files: _edit(
                files,
                f"{at}/custody.json",
                missing_pictures=[{"sha256": sealed.read.pictures[0].sha256, "why": "lost"}],
            ),
            f"{at}/pictures/{sealed.read.pictures[0].sha256}.jpg",
        ),
    }
    for what, (change, file) in cases.items():
        verdict = verify(archive.write(_again(sealed, change)), Given(sealed.ledger.verifier_key()))
        if not file:
            assert verdict.wrong is None, what
        else:
            assert wrong(verdict).file == file, (what, verdict.wrong)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--unit-key", "signed by a unit whose key is not among those that you gave"),
        ("--ledger-key", "signed by a ledger whose key is not the one that you gave"),
    ],
)
def test_a_key_of_somebody_else_is_told_apart_from_a_changed_byte(
    sealed: Sealed, tmp_path: Path, option: str, said: str
) -> None:
    package = tmp_path / "p.zip"
    package.write_bytes(sealed.content)
    typed = OTHER_KEY.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    if option == "--ledger-key":
        typed = checkpoints.verifier_key(LEDGER_ORIGIN, OTHER_KEY.public_key())
    check = ["evidence", "verify", str(package), f"{option}={typed}"]
    told = CliRunner().invoke(main, check)
    assert (told.exit_code, "The bytes of this package are intact, but" in told.output) == (1, True)
    assert said in told.output
    assert "not as it was made" not in told.output
    told = CliRunner().invoke(main, [*check, "--json"])
    found = json.loads(told.output)
    assert (told.exit_code, found["verified"], found["intact"]) == (1, False, True)
    assert said in found["verdict"]
    package.write_bytes(sealed.content.replace(b"1ABC", b"2ABC", 1))
    told = CliRunner().invoke(main, [*check, "--json"])
    found = json.loads(told.output)
    assert (told.exit_code, found["verified"], found["intact"]) == (1, False, False)


def test_a_changed_key_of_the_ledger_is_no_other_ledger(sealed: Sealed) -> None:
    other = checkpoints.verifier_key(LEDGER_ORIGIN, OTHER_KEY.public_key())
    found = wrong(sealed.changed(**{"ledger/key.txt": f"{other}\n".encode()}))
    assert (found.file, found.other_signer) == ("ledger/key.txt", None)


def test_keys_that_are_given_count_and_not_those_inside(sealed: Sealed) -> None:
    other = checkpoints.verifier_key(LEDGER_ORIGIN, OTHER_KEY.public_key())
    found = wrong(verify(sealed.content, Given(ledger_key=other)))
    assert (found.file, "not the key that you gave" in found.problem) == ("ledger/key.txt", True)
    found = wrong(verify(sealed.content, Given(unit_keys=[OTHER_KEY.public_key()])))
    assert found.file == f"reads/{sealed.read.id}/unit.json"
    assert verify(sealed.content).wrong is None
    # A whole package under keys of the forger's own holds until the real key is given.
    files = sealed.files
    note = files["ledger/checkpoint.txt"].decode()
    signed = checkpoints.open_note(note, LEDGER_ORIGIN, LEDGER_KEY.public_key())
    forged = verify(
        archive.write(
            files
            | {
                "ledger/checkpoint.txt": checkpoints.sign(signed, OTHER_KEY).encode(),
                "ledger/key.txt": f"{other}\n".encode(),
            }
        )
    )
    assert forged.wrong is None
    content = archive.write(
        files
        | {
            "ledger/checkpoint.txt": checkpoints.sign(signed, OTHER_KEY).encode(),
            "ledger/key.txt": f"{other}\n".encode(),
        }
    )
    assert wrong(verify(content, sealed.given)).file == "ledger/key.txt"


def test_nothing_can_be_added_to_what_the_ledger_signed(sealed: Sealed) -> None:
    note = sealed.files["ledger/checkpoint.txt"].decode()
    signed = checkpoints.open_note(note, LEDGER_ORIGIN, LEDGER_KEY.public_key())
    encoded = note.removesuffix("\n").rpartition(" ")[2]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = alphabet[alphabet.index(encoded[-2]) ^ 1]  # a bit that decoders drop
    assert base64.b64decode(encoded[:-2] + last + "=") == base64.b64decode(encoded)
    for changed in (
        note + checkpoints.sign(signed, OTHER_KEY).rpartition("\n\n")[2],
        note.replace(encoded, encoded[:-2] + last + "="),
        note.replace("\n\n", "\nmore\n\n"),
    ):
        found = wrong(sealed.changed(**{"ledger/checkpoint.txt": changed.encode()}))
        assert found.file == "ledger/checkpoint.txt"
    proofs = sealed.files["ledger/proofs.json"]
    for same in (
        proofs + b"\n",
        proofs.replace(b":", b": ", 1),
        proofs.replace(b"v", b"\\u0076", 1),
    ):
        assert wrong(sealed.changed(**{"ledger/proofs.json": same})).file == "ledger/proofs.json"


def test_a_checkpoint_from_elsewhere_is_compared(sealed: Sealed) -> None:
    note = sealed.files["ledger/checkpoint.txt"].decode()
    size = checkpoints.open_note(note, LEDGER_ORIGIN, LEDGER_KEY.public_key()).size
    later = Signer(sealed.ledger, LEDGER_KEY).sign_checkpoint()
    growth = json.dumps({"path": sealed.ledger.prove_growth(note, later).path})

    def compared(*held: Held) -> Verdict:
        return verify(sealed.content, Given(checkpoints=held))

    assert compared(Held(note)).wrong is None
    assert compared(Held(later, growth)).wrong is None
    if later != note:
        assert "--consistency" in wrong(compared(Held(later))).problem
    other = checkpoints.sign(Checkpoint(LEDGER_ORIGIN, size, bytes(32)), LEDGER_KEY)
    assert "another ledger" in wrong(compared(Held(other))).problem
    bigger = checkpoints.sign(Checkpoint(LEDGER_ORIGIN, size + 1, bytes(32)), LEDGER_KEY)
    for bad in (growth, "{", '{"path": 1}', '{"path": ["zz"]}', "[]"):
        assert "does not fit" in wrong(compared(Held(bigger, bad))).problem


@pytest.mark.policy("C-4c")
def test_another_tool_finds_the_entries_under_the_signed_checkpoint(sealed: Sealed) -> None:
    files = sealed.files
    note = files["ledger/checkpoint.txt"].decode()
    signed = checkpoints.open_note(note, LEDGER_ORIGIN, LEDGER_KEY.public_key())
    for proven in json.loads(files["ledger/proofs.json"])["entries"]:
        path = [bytes.fromhex(each) for each in proven["path"]]
        for index, refused in ((proven["index"], False), (proven["index"] ^ 1, True)):
            proof = SimpleNamespace(
                log_index=index, tree_size=signed.size, root_hash=signed.root, hashes=path
            )
            leaf = hashlib.sha256(proven["body"].encode()).digest()
            inner = SimpleNamespace(inclusion_proof=proof, canonicalized_body=leaf)
            if refused:
                with pytest.raises(VerificationError):
                    verify_merkle_inclusion(SimpleNamespace(_inner=inner))
            else:
                verify_merkle_inclusion(SimpleNamespace(_inner=inner))


@pytest.mark.policy("F-lead")
def test_the_command_says_in_words_what_was_proven(sealed: Sealed, tmp_path: Path) -> None:
    file, bad, key = tmp_path / "p.zip", tmp_path / "bad.zip", tmp_path / "ledger.key"
    file.write_bytes(sealed.content)
    bad.write_bytes(sealed.content[:-30] + b"x" + sealed.content[-29:])
    key.write_text(sealed.ledger.verifier_key() + "\n")

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(main, ["evidence", "verify", *words])
        return done.exit_code, done.output

    code, said = run(str(file))
    assert code == 0
    assert f"plate {sealed.read.plate} was before camera front of unit car-7" in said
    assert "trusted only because it is in the package" in said
    assert "It identifies nobody, it is not probable cause" in said
    code, said = run(
        str(file), "--ledger-key", str(key), "--json",
        "--unit-key", sealed.unit_key.public_key().public_bytes_raw().hex(),
    )  # fmt: skip
    told = json.loads(said)
    assert (code, told["verified"], told["ledger_key_given"]) == (0, True, True)
    assert not any("trusted" in line for line in told["not_proven"])
    assert told["reads"][0]["plate"] == sealed.read.plate
    code, said = run(str(bad), "--json")
    told = json.loads(said)
    assert (code, told["verified"], told["proven"]) == (1, False, [])
    assert told["wrong"]["from_byte"] < told["wrong"]["until_byte"]
    assert run(str(tmp_path / "none.zip"))[0] == 1
    assert "no public key" in run(str(file), "--ledger-key", "x")[1]
    assert "Ed25519" in run(str(file), "--unit-key", "x")[1]
