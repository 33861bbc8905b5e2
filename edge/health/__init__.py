"""How the unit is: counted, said, measured, put on record."""
