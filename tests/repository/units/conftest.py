"""The fixtures of people, for this room."""

from tests.repository.people import command_line as command_line
