"""What ``alpr-repository db check`` looks at, one kind of thing to a file."""
