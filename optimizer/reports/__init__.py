"""Results as text, JSON and folders."""
