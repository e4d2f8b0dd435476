"""Inputs of other planners as instances, one format per file."""
