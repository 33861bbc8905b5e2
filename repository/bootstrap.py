"""The only place that builds the real parts from settings."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine

from edge.contract.plates import load_confusables
from repository.accounts.oidc_provider import Provider
from repository.accounts.people import People
from repository.accounts.service import Accounts
from repository.agencies.acts import Acts
from repository.agencies.agreements_desk import AgreementDesk
from repository.agencies.agreements_papers import Papers
from repository.agencies.deployments import Deployments
from repository.agencies.misuse_desk import MisuseDesk
from repository.agencies.policies import Policies
from repository.agencies.service import AgencyData
from repository.agencies.statistics import Statistics
from repository.agencies.upkeep_desk import UpkeepDesk
from repository.audits.desk import AuditDesk
from repository.audits.face_register import FaceRegister
from repository.audits.history import Patterns
from repository.audits.inspection import Inspections
from repository.audits.private_plates import PrivatePlates
from repository.audits.quarterly import Quarterly
from repository.audits.transactions import Transactions
from repository.audits.transparency import Transparency
from repository.business_days import MASSACHUSETTS
from repository.cases.evidence.make import Checkpoints, EvidenceDesk
from repository.cases.service import CaseFiles
from repository.forwarding.forwarder import Forwarder
from repository.forwarding.link import Link
from repository.forwarding.state import is_forwarded
from repository.hotlists.alerts import Alerts
from repository.hotlists.announce import Announcer
from repository.hotlists.desk import ListDesk
from repository.hotlists.importing import Imports
from repository.hotlists.look_back import LookBacks
from repository.hotlists.publish import Publisher
from repository.hotlists.service import UnitHotlists
from repository.ingest.aside import Bounds
from repository.ingest.share import share_name
from repository.ingest.take import Ingest
from repository.ledger.service import Ledger
from repository.ledger.settings import FolderWitness, HttpsWitness, WitnessSettings
from repository.ledger.signing import Awaited, Signer
from repository.ledger.witness import Witness
from repository.ledger.witness_folder import FolderOfCheckpoints
from repository.ledger.witness_https import EndpointForCheckpoints
from repository.ledger.witness_mqtt import TopicOfCheckpoints
from repository.ledger.witnessing import Witnesses
from repository.retention.duties import Duties
from repository.retention.rules import RetentionRule, load_rule, shipped_rule
from repository.search.approvals import Approvals
from repository.search.confirmations import Confirmations
from repository.search.picture import Pictures
from repository.search.requests import SearchRequests
from repository.search.reviews import Reviews
from repository.search.service import Searches
from repository.settings import BrokerLink, Settings, SettingsError, TlsSettings
from repository.store import contents, keyfiles, migrate
from repository.store.ahead import ensure_coming_days
from repository.store.engine import open_engine
from repository.store.pictures import PictureStore
from repository.store.pictures_place import FolderOfPictures, PicturePlace
from repository.store.pictures_s3 import open_bucket
from repository.units.requests import UnitRequests

RECEIPTS_KEY = "receipts.pem"
LEDGER_KEY = "ledger.pem"
PICTURES_KEY = "pictures.key"
FACTORS_KEY = "factors.key"


@dataclass(frozen=True)
class Services:
    """Everything that a use case works with. Keys are read from their files on first use."""

    settings: Settings
    engine: Engine
    clock: Callable[[], datetime]
    random_bytes: Callable[[int], bytes]

    @functools.cached_property
    def receipts_key(self) -> Ed25519PrivateKey:
        """The key that signs receipts and hot-list manifests."""
        return keyfiles.load_signing_key(self.settings.keys_folder / RECEIPTS_KEY)

    @property
    def receipts_public_key_file(self) -> Path:
        """The PEM file that every unit needs, to know a receipt from a forgery."""
        return keyfiles.public_path(self.settings.keys_folder / RECEIPTS_KEY)

    @functools.cached_property
    def ledger(self) -> Ledger:
        """The ledger under its public key, which is all that most of its work takes."""
        key = keyfiles.load_public_part(self.settings.keys_folder / LEDGER_KEY)
        return Ledger(self.engine, self.settings.ledger.origin, key, self.clock)

    @functools.cached_property
    def signer(self) -> Signer:
        """What signs the ledger: for the jobs and the command line alone."""
        key = keyfiles.load_signing_key(self.settings.keys_folder / LEDGER_KEY)
        return Signer(self.ledger, key)

    @functools.cached_property
    def witnesses(self) -> Witnesses:
        """Who keeps the ledger's checkpoints elsewhere."""
        chosen = self.settings.ledger
        return Witnesses(
            self.engine,
            chosen.origin,
            self.ledger.public_key,
            [_witness(each) for each in chosen.witnesses],
            timedelta(minutes=chosen.witness_late_min),
            self.clock,
        )

    @functools.cached_property
    def accounts(self) -> Accounts:
        """People and their sessions."""
        path = self.settings.keys_folder / FACTORS_KEY
        return Accounts(
            self._accounts_engine,
            self.clock,
            functools.cache(lambda: keyfiles.load_secret(path)),
            settings=self.settings.accounts,
            random_bytes=self.random_bytes,
            providers={each.agency: Provider(each) for each in self.settings.accounts.oidc},
        )

    @functools.cached_property
    def people(self) -> People:
        """Requests for logins, training, reviews of the lists of users, and bulletins."""
        return People(self.accounts)

    @functools.cached_property
    def _accounts_engine(self) -> Engine:
        """The connections over which passwords are read, where that is a matter of another role."""
        apart = self.settings.accounts_database
        return self.engine if apart is None else open_engine(apart)

    @functools.cached_property
    def searches(self) -> Searches:
        """Searching the reads."""
        return Searches(
            self.engine,
            self.clock,
            load_confusables().fold,
            self.retention_rule,
            settings=self.settings.search,
        )

    @property
    def search_approvals(self) -> Approvals:
        """Approvals of broad searches."""
        return Approvals(self.engine, self.clock, self.searches)

    @property
    def search_requests(self) -> SearchRequests:
        """Searches that others ask for."""
        return SearchRequests(self.engine, self.clock)

    @property
    def search_reviews(self) -> Reviews:
        """Reviews of emergencies and possible matches."""
        return Reviews(self.engine, self.clock, self.duties)

    @property
    def confirmations(self) -> Confirmations:
        """Reads confirmed with the agencies that made them."""
        return Confirmations(
            self.engine, self.clock, self.retention_rule, shipped_rule, self.settings.search
        )

    @functools.cached_property
    def shown_pictures(self) -> Pictures:
        """Looking at pictures."""
        return Pictures(
            self.engine,
            self.clock,
            self.pictures,
            self.retention_rule,
            shipped_rule,
            self.settings.search,
        )

    @property
    def evidence(self) -> EvidenceDesk:
        """Making evidence packages, under checkpoints that the jobs sign."""
        return self._evidence(Awaited(self.engine))

    @property
    def evidence_signed_here(self) -> EvidenceDesk:
        """The same for the command line, which signs by itself."""
        return self._evidence(self.signer)

    def _evidence(self, checkpoints: Checkpoints) -> EvidenceDesk:
        return EvidenceDesk(self.engine, self.clock, self.pictures, self.ledger, checkpoints)

    @property
    def case_files(self) -> CaseFiles:
        """The case files of every agency."""
        return CaseFiles(self.engine, self.clock, self.duties)

    @property
    def agency_data(self) -> AgencyData:
        """What agencies do with their own reads."""
        return AgencyData(
            self.engine,
            self.clock,
            load_confusables().fold,
            is_forwarded,
            timedelta(days=self.settings.agencies.answer_days),
        )

    @property
    def _acts(self) -> Acts:
        return Acts(self.engine, self.clock)

    @property
    def _papers(self) -> Papers:
        return Papers(self._master_key, self.random_bytes)

    @property
    def agreements(self) -> AgreementDesk:
        """What agencies sign, and who represents them."""
        return AgreementDesk(self._acts, self._papers)

    @property
    def policies(self) -> Policies:
        """What agencies adopt and review."""
        return Policies(self._acts, self._papers, self.settings.agencies.policy_review_days)

    @property
    def deployments(self) -> Deployments:
        """Approvals under which units run."""
        return Deployments(self._acts)

    @property
    def upkeep(self) -> UpkeepDesk:
        """Units' equipment."""
        return UpkeepDesk(self._acts)

    @property
    def misuse(self) -> MisuseDesk:
        """Misuse and what is done about it."""
        return MisuseDesk(self._acts, lambda: self.accounts)

    def forwarder(self) -> Forwarder:
        """What forwards to another repository.

        Raises:
            RepositoryError: if the settings name none, or a key or certificate cannot be used.
        """
        chosen = self.settings.forward
        if chosen is None:
            raise SettingsError("forward: the settings have no [forward]; name the repository")
        return Forwarder(
            self.engine,
            self.pictures,
            chosen,
            keyfiles.load_public_key(chosen.receipts_key),
            Link(chosen),
            self.clock,
        )

    @property
    def statistics(self) -> Statistics:
        """Numbers for public records."""
        return Statistics(self.engine, self.clock, self.settings.agencies.smallest_number)

    @property
    def transactions(self) -> Transactions:
        """Reports of transactions from the ledger."""
        return Transactions(self.engine, self.clock)

    @property
    def audits(self) -> AuditDesk:
        """Audits of agencies and of the repository."""
        return AuditDesk(self.engine, self.clock, self.settings.audits)

    @property
    def inspections(self) -> Inspections:
        """The repository's own state, for audits of it."""
        return Inspections(
            self.engine,
            self.clock,
            self.settings.audits,
            self.ledger,
            lambda: {
                "ledger": self.ledger.verifier_key(),
                "receipts": keyfiles.public_pem(self.receipts_key.public_key()).decode(),
            },
            load_confusables().fold,
        )

    @property
    def private_plates(self) -> PrivatePlates:
        """Plates that people registered as their own."""
        path = self.settings.keys_folder / PICTURES_KEY
        return PrivatePlates(self.engine, self.clock, lambda: keyfiles.load_secret(path))

    @property
    def patterns(self) -> Patterns:
        """What in the searches is worth a look."""
        limits = self.settings.search
        return Patterns(self.engine, self.clock, self.private_plates, MASSACHUSETTS, limits)

    @property
    def quarterly(self) -> Quarterly:
        """Quarterly reports of documented searches."""
        return Quarterly(self.engine, self.clock)

    @property
    def transparency(self) -> Transparency:
        """The public report of how the repository is used."""
        return Transparency(self.engine, self.clock, self.settings.agencies.smallest_number)

    @property
    def face_register(self) -> FaceRegister:
        """Requests on paper to others who search faces."""
        return FaceRegister(self.engine, self.clock)

    @functools.cached_property
    def hotlists(self) -> UnitHotlists:
        """Hot lists for units."""
        return UnitHotlists(self.engine, UnitRequests(self.engine, self.clock), self.clock)

    @functools.cached_property
    def publisher(self) -> Publisher:
        """What issues versions of hot lists."""
        return Publisher(self.receipts_key, self.settings.hotlists.keep_versions)

    @property
    def hotlist_imports(self) -> Imports:
        """Importing hot lists from files."""
        return Imports(self.engine, self.publisher, self.clock)

    @property
    def hotlist_desk(self) -> ListDesk:
        """Entries by hand."""
        return ListDesk(self.engine, lambda: self.publisher, self.settings.hotlists, self.clock)

    @property
    def hotlist_look_backs(self) -> LookBacks:
        """Listed plates in the reads of before."""
        return LookBacks(self.engine, self.searches, self.clock)

    @property
    def hotlist_announcer(self) -> Announcer:
        """What tells units of new versions over MQTT."""
        broker = self.settings.broker
        return Announcer(self.engine, broker, f"{broker.client_id}-hotlists")

    @property
    def alerts(self) -> Alerts:
        """Alerts of an agency's own units."""
        after = timedelta(minutes=self.settings.hotlists.unverified_after_min)
        return Alerts(self.engine, self.duties, after, self.clock)

    @functools.cached_property
    def pictures(self) -> PictureStore:
        """The pictures under their master key."""
        return PictureStore(self._pictures_place(), self._master_key, self.random_bytes)

    @functools.cached_property
    def _master_key(self) -> Callable[[], bytes]:
        path = self.settings.keys_folder / PICTURES_KEY
        return functools.cache(lambda: keyfiles.load_secret(path))

    def _pictures_place(self) -> PicturePlace:
        chosen = self.settings.pictures
        if chosen.endpoint is None or chosen.bucket is None or chosen.store == "folder":
            return FolderOfPictures(self.settings.pictures_folder, self.random_bytes)
        return open_bucket(
            endpoint=chosen.endpoint,
            bucket=chosen.bucket,
            region=chosen.region,
            credentials=chosen.credentials,
            ca=chosen.ca,
        )

    @functools.cached_property
    def retention_rule(self) -> RetentionRule:
        """The rule that says how long reads are kept."""
        chosen = self.settings.retention
        return load_rule(chosen.rule_file) if chosen.rule_file else shipped_rule(chosen.rule)

    def duties(self, connection: Connection) -> Duties:
        """The rules of the repository and of every agency, as they are now."""
        return Duties.load(connection, self.retention_rule, shipped_rule)

    @functools.cached_property
    def ingest(self) -> Ingest:
        """What takes in the messages of units, over connections of its own."""
        bounds = self.settings.quarantine
        return Ingest(
            engine=self._ingest_engine,
            pictures=self.pictures,
            private_key=self.receipts_key,
            load_duties=self.duties,
            fold=load_confusables().fold,
            clock=self.clock,
            bounds=Bounds(bounds.bytes_per_day, bounds.rows_per_day),
        )

    @functools.cached_property
    def ingest_share(self) -> str:
        """The name under which this repository's ingest processes share what units send."""
        return share_name(self._master_key)

    @functools.cached_property
    def _ingest_engine(self) -> Engine:
        # Ingest must not wait for a connection because the web has taken them all, nor the reverse.
        return open_engine(self.settings.database_address)

    def close(self) -> None:
        """Close every connection to the database."""
        self.engine.dispose()
        for name in ("_ingest_engine", "_accounts_engine"):
            if name in self.__dict__:
                self.__dict__[name].dispose()


def _witness(chosen: WitnessSettings) -> Witness:
    if isinstance(chosen, FolderWitness):
        return FolderOfCheckpoints(chosen.name, chosen.folder)
    if isinstance(chosen, HttpsWitness):
        return EndpointForCheckpoints(chosen.name, chosen.url, chosen.ca, chosen.token_file)
    tls = None
    if chosen.ca and chosen.certificate and chosen.key:
        tls = TlsSettings(ca=chosen.ca, certificate=chosen.certificate, key=chosen.key)
    link = BrokerLink(
        host=chosen.host,
        port=chosen.port,
        tls=tls,
        username=chosen.username,
        password_file=chosen.password_file,
    )
    return TopicOfCheckpoints(chosen.name, chosen.topic, link)


def build(settings: Settings) -> Services:
    """The services for these settings; nothing is connected, read or made yet.

    Raises:
        RepositoryError: if the database's address is wrong or its folder missing.
    """
    return Services(
        settings=settings,
        engine=open_engine(settings.database_address),
        clock=lambda: datetime.now(UTC),
        random_bytes=secrets.token_bytes,
    )


def make_folders(settings: Settings) -> list[Path]:
    """Make the folders that the settings name, where they are missing.

    Returns:
        Those that were made, and the folders above them that were, the outer ones first.
    """
    folders = [settings.data, settings.keys_folder]
    if settings.pictures.store == "folder":
        folders.append(settings.pictures_folder)
    made: list[Path] = []
    for folder in folders:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made += reversed(missing)
    return made


def initialise(settings: Settings) -> list[Path]:
    """Make folders, keys and the database's tables where they are missing; harms nothing there.

    Returns:
        The keys that were made.

    Raises:
        KeyFileError: if a key is missing beside a database that was worked with under it.
    """
    make_folders(settings)
    engine = open_engine(settings.database_address)
    try:
        migrate.upgrade(engine)
        with engine.begin() as connection:
            ensure_coming_days(connection, datetime.now(UTC).date())
            made = _make_keys(connection, settings.keys_folder)
        for name in (RECEIPTS_KEY, LEDGER_KEY):
            keyfiles.make_public_part(settings.keys_folder / name)
        return made
    finally:
        engine.dispose()


def _make_keys(connection: Connection, folder: Path) -> list[Path]:
    missing = [
        folder / name
        for name in (RECEIPTS_KEY, LEDGER_KEY, PICTURES_KEY, FACTORS_KEY)
        if not (folder / name).exists()
    ]
    # A repository older than second factors has all keys but theirs.
    needed = [path for path in missing if path.name != FACTORS_KEY]
    held = contents.under_keys(connection) if needed else contents.second_factors(connection)
    if missing and held:
        raise keyfiles.KeyFileError(
            f"key {missing[0]}: does not exist, and the database holds {held}, which no new key "
            "fits; bring the keys back from your backup"
        )
    for path in missing:
        if path.name in (PICTURES_KEY, FACTORS_KEY):
            keyfiles.make_secret(path, secrets.token_bytes)
        else:
            keyfiles.make_signing_key(path)
    return missing
