"""The fixtures of people and of a desk, for this room."""

from tests.repository.people import accounts as accounts
from tests.repository.people import clock as clock
from tests.repository.people import command_line as command_line
from tests.repository.people import officer as officer
from tests.repository.search.desk import desk as desk
from tests.repository.search.desk import small_desk as small_desk
