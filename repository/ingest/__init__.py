"""Taking in what units send: verify, write in one transaction, and only then give a receipt."""
