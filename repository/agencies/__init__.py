"""What agencies do with their own data, and how their access begins and ends."""
