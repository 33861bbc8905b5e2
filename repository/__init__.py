"""The central repository: takes reads, keeps them as long as the law says, and accounts for it."""
