"""Why there is no plan, why tokens are not served, why a pool was chosen."""
