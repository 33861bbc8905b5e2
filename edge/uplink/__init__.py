"""The way to the repository: what waits in the spool goes out, receipts come back."""
