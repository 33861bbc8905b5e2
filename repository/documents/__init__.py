"""Documents that leave the repository: tables for spreadsheets, papers for people."""
