"""The instance: its tables, how they are read from files, and the rules they keep."""
