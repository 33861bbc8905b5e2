"""Which plates there are, for finding those of which only a part is known."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from repository.store.tables.base import metadata

plates = Table("plates", metadata, Column("plate", String(12), primary_key=True))
"""Every plate that a read or a hit has, once; no other. See :mod:`repository.store.plates`."""
