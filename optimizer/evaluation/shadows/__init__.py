"""Shadow prices, one file per kind of limit."""
