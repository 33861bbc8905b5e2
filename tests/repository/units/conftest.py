"""Ingest and people, for this room."""

from tests.repository.ingest.conftest import clock as clock
from tests.repository.ingest.conftest import ingest as ingest
from tests.repository.ingest.conftest import ingest_on as ingest_on
from tests.repository.ingest.conftest import pictures as pictures
from tests.repository.ingest.conftest import repository_key as repository_key
from tests.repository.ingest.conftest import sender as sender
from tests.repository.people import command_line as command_line
