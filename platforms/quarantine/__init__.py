"""The records that could not be read: why, whose they are, and which of them are meant."""
