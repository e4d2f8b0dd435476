"""What a chip delivers: profiles, estimates and measured rates, queue, routes; traces to demand."""
