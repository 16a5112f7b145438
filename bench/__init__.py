"""Commands that back a number we state somewhere."""
