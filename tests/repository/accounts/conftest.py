"""The fixtures of people, for this room."""

from tests.repository.people import accounts as accounts
from tests.repository.people import clock as clock
from tests.repository.people import command_line as command_line
from tests.repository.people import officer as officer
