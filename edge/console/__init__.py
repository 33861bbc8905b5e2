"""What the officer sees and hears."""
