"""The web: an API for programs. It calls the other rooms and never the store."""
