"""Solvers of programs, and the child processes that they run in."""
