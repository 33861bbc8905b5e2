"""Version 1 of the API: JSON in, JSON out, a bearer token from ``POST /api/v1/login``."""
