"""The commands of ``alpr-edge``."""
