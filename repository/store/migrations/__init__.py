"""Every change of the database's shape, in order, in the folder ``versions``."""
