"""Hot lists: imported for an agency, kept in versions, handed to its units under a signature."""
