"""Keeps the daemon's parts running, and tells the service manager."""
