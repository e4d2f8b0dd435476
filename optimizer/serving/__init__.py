"""What a chip delivers: profiles, estimates and measured rates, the queue of a replica, routes."""
