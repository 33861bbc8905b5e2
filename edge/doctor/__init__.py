"""Checks every part of a unit, and says in plain words what is wrong and what to do."""
