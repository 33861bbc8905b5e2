"""The append-only log of every transaction: who, when, from where, what, why and what came back."""
