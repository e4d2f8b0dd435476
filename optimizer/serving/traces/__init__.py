"""Request traces: read in blocks, added up by workload and period, written as demand."""
