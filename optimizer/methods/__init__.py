"""Ways to find a plan: an instance in, a plan with prices out."""
