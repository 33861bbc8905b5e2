"""Where everything the repository holds lies: database, pictures, and the way their shape grows."""
