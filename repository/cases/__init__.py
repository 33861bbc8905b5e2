"""Case files: what was searched in each case, and what came back."""
