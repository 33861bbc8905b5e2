"""Retention over each kind of database in turn, filled by ingest itself."""

from tests.repository.ingest.conftest import (  # noqa: F401 - fixtures for this folder's tests
    clock,
    ingest,
    ingest_on,
    pictures,
    repository_key,
    sender,
)
from tests.repository.people import command_line as command_line
from tests.repository.retention.desk import desk as desk
