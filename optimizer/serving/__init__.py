"""What a chip delivers: profiles, queue, routes; traces to demand."""
