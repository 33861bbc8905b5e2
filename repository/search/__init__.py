"""Searching the reads: by a person, for a purpose, on the record."""
