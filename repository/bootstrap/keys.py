"""What the files of the repository's own keys are called in their folder."""

RECEIPTS_KEY = "receipts.pem"
"""Signs receipts and hot-list manifests."""

LEDGER_KEY = "ledger.pem"
"""Signs the ledger's checkpoints."""

PICTURES_KEY = "pictures.key"
"""Master key of pictures and of papers, registered plates and the share's name beside them."""

FACTORS_KEY = "factors.key"
"""Keeps the secrets of second factors."""
