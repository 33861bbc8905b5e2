"""How long reads are kept: the rule, holds that outlast it, and the purge."""
