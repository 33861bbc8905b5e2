"""Backups: a database as it was at one moment, its pictures, and apart from both the keys."""
