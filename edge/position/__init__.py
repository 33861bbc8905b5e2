"""Where the unit is, from a receiver on a serial port or a surveyed site, and what time it is."""
