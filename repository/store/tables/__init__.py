"""Every table of the repository; importing this package makes the metadata whole."""

from repository.store.tables import accounts as accounts
from repository.store.tables import agency_data as agency_data
from repository.store.tables import agreements as agreements
from repository.store.tables import audits as audits
from repository.store.tables import cases as cases
from repository.store.tables import findings as findings
from repository.store.tables import fleet as fleet
from repository.store.tables import forwarding as forwarding
from repository.store.tables import hotlists as hotlists
from repository.store.tables import ledger as ledger
from repository.store.tables import people as people
from repository.store.tables import plates as plates
from repository.store.tables import reads as reads
from repository.store.tables import restores as restores
from repository.store.tables import retention as retention
from repository.store.tables import search as search
from repository.store.tables import sessions as sessions
from repository.store.tables import signing_in as signing_in
from repository.store.tables.base import metadata as metadata
