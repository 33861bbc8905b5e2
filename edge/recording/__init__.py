"""From what a camera saw to a record on the disk and an alert."""
