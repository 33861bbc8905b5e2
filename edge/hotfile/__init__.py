"""The hot lists cached on the unit: built from files, kept fresh, and matched with reads."""
