"""Evidence packages: made from a case, and checked by anybody with public keys alone."""
