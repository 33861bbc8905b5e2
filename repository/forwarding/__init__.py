"""Forwarding to another repository: this one acts there as its units, with their signatures."""
