"""Pulling orders: what one leased stream does in its turn, and how its pages are written."""
