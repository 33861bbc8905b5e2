"""Audits: reports of what users did, taken from the ledger."""
