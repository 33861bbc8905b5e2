"""What crosses the wire between a unit and the repository; nothing heavy is imported here."""
