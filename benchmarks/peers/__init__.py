"""Other ways to the same answer: each peer in its own environment, on the same instances."""
