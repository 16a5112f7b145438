"""Who lives at each marketplace: one module each, named by the platform's code, with APPS and
ACCOUNTS. A module here and its namesake in platforms.emulator are all that a marketplace needs."""
