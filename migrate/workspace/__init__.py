"""The user's decisions and the folder that is ours: what is read from disk, and what is written to it."""
