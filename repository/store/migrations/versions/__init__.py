"""The migrations themselves, each named for its place in the order."""
