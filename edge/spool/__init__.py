"""The durable store of everything that the repository has not receipted."""
