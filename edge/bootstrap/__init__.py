"""The only place that builds the edge's real parts from settings."""
