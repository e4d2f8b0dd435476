"""The judge: a plan's cost, rules and bound from Instance and Plan alone."""
