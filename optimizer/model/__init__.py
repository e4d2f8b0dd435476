"""The instance as a program, and its values as a plan."""
